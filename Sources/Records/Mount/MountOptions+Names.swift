extension MountOptions {
  struct Flag: Sendable {
    let path: any (WritableKeyPath<MountOptions, Bool> & Sendable)
    let value: Bool
  }

  static let flags: [String: Flag] = [
    "ro": Flag(path: \.isReadOnly, value: true),
    "rw": Flag(path: \.isReadOnly, value: false),
    "allow_other": Flag(path: \.allowsOther, value: true),
    "allow_core": Flag(path: \.allowsCore, value: true),
  ]

  static let valued: Set<String> = [
    "login", "cache", "channel", "uid", "gid", "umask", "state", "config", "sessions",
  ]

  /// Every name that means something here: what an unknown one is compared with.
  static let nearest = NearestName(
    among: (Array(flags.keys) + Array(valued)).sorted() + ConfigurationKey.all.map(\.name))

  /// True for options addressed to mount(8), fstab or systemd; helpers see them and pass over them.
  ///
  /// The flags of a mount such as `exec` are among them: iscsifs always mounts nosuid, nodev and
  /// noexec. Source: mount(8), "External helpers" and "Filesystem-independent mount options".
  static func isForeign(_ name: String) -> Bool {
    foreign.contains(name) || name.hasPrefix("x-") || name.hasPrefix("X-")
  }

  private static let foreign: Set<String> = [
    "defaults", "auto", "noauto", "user", "nouser", "users", "owner", "noowner", "group", "nogroup",
    "_netdev", "nofail", "comment", "suid", "nosuid", "dev", "nodev", "exec", "noexec", "atime",
    "noatime", "diratime", "nodiratime", "relatime", "norelatime", "strictatime", "nostrictatime",
    "lazytime", "nolazytime", "sync", "async", "dirsync", "silent", "loud", "iversion",
    "noiversion", "mand", "nomand",
  ]

  /// Splits at commas outside double quotes; the quotes go.
  static func split(_ list: String) throws(MountOptionError) -> [String] {
    var options = [""]
    var isQuoted = false
    for character in list {
      switch character {
      case "\"": isQuoted.toggle()
      case "," where !isQuoted: options.append("")
      default: options[options.count - 1].append(character)
      }
    }
    if isQuoted { throw .openQuote(list) }
    return options
  }
}
