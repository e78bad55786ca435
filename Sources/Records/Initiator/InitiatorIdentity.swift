import SystemPackage

/// Who we are to targets, and where that was found.
package struct InitiatorIdentity: Equatable, Sendable {
  package var name: InitiatorName
  package var alias: String?
  /// "configuration", or the path of the file that says it.
  package var origin: String

  package init(name: InitiatorName, alias: String?, origin: String) {
    self.name = name
    self.alias = alias
    self.origin = origin
  }

  /// The files a name may come from; tests name others.
  package struct Files: Sendable {
    package var openISCSI = "/etc/iscsi/initiatorname.iscsi"
    package var machineID = "/etc/machine-id"
    package var stateDirectory: String

    package init(stateDirectory: String) { self.stateDirectory = stateDirectory }

    var kept: String { stateDirectory + "/initiatorname.iscsi" }
  }

  /// The first that is there: the key `InitiatorName`, open-iscsi's file, a name made from the
  /// machine's id, a random name kept in the state directory.
  ///
  /// The order makes a machine that already has a name at its targets keep it.
  package static func resolve(
    _ configuration: Configuration, files: Files, userID: UInt32
  ) throws(ConfigurationError) -> InitiatorIdentity {
    let alias = configuration.initiatorAlias
    if let name = configuration.initiatorName {
      return InitiatorIdentity(name: name, alias: alias, origin: "configuration")
    }
    if let found = try? read(files.openISCSI) {
      return InitiatorIdentity(
        name: found.name, alias: alias ?? found.alias, origin: files.openISCSI)
    }
    if let text = try? TextFile.read(files.machineID), let line = firstLine(text),
      let name = InitiatorName.generated(machineID: line, userID: userID)
    {
      return InitiatorIdentity(name: name, alias: alias, origin: files.machineID)
    }
    return InitiatorIdentity(name: try keptName(files), alias: alias, origin: files.kept)
  }

  /// `InitiatorName=` and `InitiatorAlias=` of a file in open-iscsi's form; nil without a name.
  package static func parse(
    _ text: String, path: String
  ) throws(ConfigurationError) -> InitiatorIdentity? {
    var name: InitiatorName?
    var alias: String?
    for setting in try ConfigurationText.settings(in: text, path: path, objectionToSecrets: nil) {
      switch setting.key {
      case "InitiatorName": name = InitiatorName(setting.value)
      case "InitiatorAlias": alias = setting.value
      default: continue
      }
    }
    return name.map { InitiatorIdentity(name: $0, alias: alias, origin: path) }
  }

  private static func read(_ path: String) throws -> InitiatorIdentity? {
    try parse(TextFile.read(path), path: path)
  }

  private static func firstLine(_ text: String) -> String? {
    text.split(whereSeparator: \.isNewline).first.map(String.init)
  }

  /// The name in the state directory; made now when there is none yet.
  private static func keptName(_ files: Files) throws(ConfigurationError) -> InitiatorName {
    if let found = try? read(files.kept) { return found.name }
    var random = SystemRandomNumberGenerator()
    let suffix = (0..<6).map { _ in UInt8.random(in: 0...255, using: &random) }
    guard let name = InitiatorName.generated(suffix: suffix) else {
      preconditionFailure("a name of twelve hexadecimal digits is a name")
    }
    do throws(Errno) {
      try TextFile.replace(
        files.kept,
        with: "# Made by iscsifs; targets know this machine by it.\n"
          + "InitiatorName=\(name)\n")
    } catch {
      throw ConfigurationError(
        .combined,
        .unreadable(
          "no InitiatorName is configured and none can be kept in \(files.stateDirectory): "
            + "\(error); set InitiatorName, or -o state=DIR to a directory you can write"))
    }
    return name
  }
}
