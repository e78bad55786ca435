import ISCSI
import Records
import SystemPackage

/// The `config` files.
extension Initiator {
  package func configuration(target directoryName: String?) async -> String? {
    if let directoryName { return await targets[directoryName]?.configurationText }
    var shown = context.configuration
    shown.initiatorName = InitiatorName(context.settings.initiatorName)
    return shown.text()
  }

  package func configure(
    _ lines: String, target directoryName: String?
  ) async throws(ControlError) {
    let settings = try Self.settings(in: lines)
    if let directoryName {
      guard let target = targets[directoryName] else {
        throw ControlError(
          .noSuchFileOrDirectory, .noObjectsFound, "no target \(directoryName.excerpt) is known")
      }
      return try await target.configure(settings)
    }
    let changed = try context.configuration.changed(by: settings)
    if let name = changed.initiatorName?.rawValue, name != context.settings.initiatorName,
      changed.initiatorName != context.configuration.initiatorName
    {
      try await setInitiatorName(name)
    }
    try context.configure(changed)
  }

  private static func settings(in lines: String) throws(ControlError) -> [Setting] {
    var settings: [Setting] = []
    for line in lines.split(separator: "\n") {
      do throws(ConfigurationError) {
        if let setting = try ConfigurationText.setting(inLine: String(line)) {
          settings.append(setting)
        }
      } catch {
        throw ControlError(.invalidArgument, .invalid, error.description)
      }
    }
    return settings
  }
}

extension Target {
  /// The mount's settings with this target's own.
  var settings: InitiatorSettings {
    guard let last = ownSettings else { return context.settings }
    do throws(ControlError) {
      return try context.settings.remade(of: try context.configuration.changed(by: ownLines))
    } catch {
      // The mount's have come to contradict its own, which go on.
      return last
    }
  }

  /// Its `node.` keys as they are for its next login.
  var configurationText: String {
    var shown = (try? context.configuration.changed(by: ownLines)) ?? context.configuration
    shown.node.targetName = name.value
    if let portal = portals.first?.portal {
      shown.node.address = portal.host
      shown.node.port = UInt32(portal.port)
    }
    return shown.text(prefix: "node.")
  }

  /// Takes settings of its own for its next login; all or none.
  func configure(_ settings: [Setting]) throws(ControlError) {
    var lines = ownLines
    for setting in settings {
      guard setting.key.hasPrefix("node."), !Self.fixedKeys.contains(setting.key) else {
        throw ControlError(
          .invalidArgument, .invalid,
          "config: \(setting.key.excerpt) is none of a target's settings")
      }
      // One that is unknown is refused below; one without effect is not kept.
      guard IgnoredKey.matching(setting.key) == nil else { continue }
      lines.removeAll { $0.key == setting.key }
      lines.append(setting)
    }
    let made = try context.settings.remade(of: try context.configuration.changed(by: lines))
    ownLines = lines
    ownSettings = lines.isEmpty ? nil : made
  }

  /// What says which target it is.
  private static let fixedKeys: Set = [
    "node.name", "node.tpgt", "node.conn[0].address", "node.conn[0].port", "node.startup",
  ]
}

extension Configuration {
  /// This one with settings applied, as far as it can be used.
  func changed(by settings: [Setting]) throws(ControlError) -> Configuration {
    var changed = self
    do throws(ConfigurationError) {
      try changed.apply(settings)
      try changed.validate()
    } catch {
      throw ControlError(.invalidArgument, .invalid, error.description)
    }
    return changed
  }
}
