/// The options of a mount: what `-o` of the command, of mount(8) and of fstab say.
package struct MountOptions: Equatable, Sendable {
  /// nil: automatic when SOURCE names a portal, else what `node.startup` says.
  package var login: LoginMode?
  package var cache = CacheMode.read
  package var channel = ChannelMode.automatic
  package var isReadOnly = false
  package var allowsOther = false
  /// The daemon may be dumped and traced by its user, with what secrets it holds.
  package var allowsCore = false
  package var userID: UInt32?
  package var groupID: UInt32?
  package var umask: UInt32?
  package var stateDirectory: String?
  package var configurationFile: String?
  /// Keys of the configuration, in the order given.
  package var settings: [Setting] = []
  /// What belongs to mount(8), fstab or systemd and was passed over.
  package var ignored: [String] = []

  package init() {}

  /// Reads lists of options separated by commas; the later wins.
  ///
  /// - Parameter isSloppy: passes over unknown options instead of refusing them (mount -s).
  package init(parsing lists: [String], isSloppy: Bool = false) throws(MountOptionError) {
    for list in lists {
      for option in try MountOptions.split(list) where !option.isEmpty {
        do throws(MountOptionError) {
          try apply(option)
        } catch {
          guard isSloppy, case .unknown(let name, _) = error else { throw error }
          ignored.append(name)
        }
      }
    }
  }

  private mutating func apply(_ option: String) throws(MountOptionError) {
    let equals = option.firstIndex(of: "=")
    let name = String(option[..<(equals ?? option.endIndex)])
    let value = equals.map { String(option[option.index(after: $0)...]) }
    if MountOptions.isForeign(name) {
      ignored.append(name)
    } else if let flag = MountOptions.flags[name] {
      guard value == nil else { throw .takesNoValue(name) }
      self[keyPath: flag.path] = flag.value
    } else if MountOptions.valued.contains(name) {
      guard let value, !value.isEmpty else { throw .needsValue(name) }
      try set(name, to: value)
    } else if ConfigurationKey.named(name) != nil || IgnoredKey.matching(name) != nil {
      guard let value, !value.isEmpty else { throw .needsValue(name) }
      settings.append(.option(name, value))
    } else {
      throw .unknown(name, nearest: MountOptions.nearest.name(to: name))
    }
  }

  private mutating func set(_ name: String, to value: String) throws(MountOptionError) {
    switch name {
    case "login": login = try word(name, value)
    case "cache": cache = try word(name, value)
    case "channel": channel = try word(name, value)
    case "uid": userID = try number(name, value, radix: 10)
    case "gid": groupID = try number(name, value, radix: 10)
    case "umask":
      let mask = try number(name, value, radix: 8)
      guard mask <= 0o777 else { throw .badValue(name, value, expected: "an octal mask to 777") }
      umask = mask
    case "state": stateDirectory = value
    case "config": configurationFile = value
    case "sessions": settings.append(.option("node.session.nr_sessions", value))
    default: preconditionFailure("\(name) is in the list of options and not in this switch")
    }
  }

  private func word<Word: RawRepresentable & CaseIterable>(
    _ name: String, _ value: String
  ) throws(MountOptionError) -> Word where Word.RawValue == String {
    if let word = Word(rawValue: value) { return word }
    let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
    throw .badValue(name, value, expected: "one of \(words)")
  }

  private func number(
    _ name: String, _ value: String, radix: Int
  ) throws(MountOptionError) -> UInt32 {
    // The last one is (uid_t)-1, which means "no user" to every system call.
    guard let number = UInt32(value, radix: radix), number != .max else {
      throw .badValue(
        name, value, expected: radix == 8 ? "an octal mask such as 077" : "a numeric id")
    }
    return number
  }
}

/// Whether a mount logs in to the targets it finds.
package enum LoginMode: String, CaseIterable, Sendable {
  case automatic = "auto"
  case manual
}

/// How much of a LUN's data the page cache may hold.
package enum CacheMode: String, CaseIterable, Sendable {
  /// Direct, for LUNs that several hosts write.
  case none
  /// Reads are cached; a write returns when the target has it.
  case read
  /// Writes are cached too; errors show at fsync and close.
  case writeback
}
