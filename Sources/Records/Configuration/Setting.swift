/// One `key = value`, with where it was written.
package struct Setting: Equatable, Sendable {
  package let key: String
  package let value: String
  package let origin: SettingOrigin
  /// Why a secret must not come from there; nil when it may.
  package let objectionToSecrets: String?

  package init(key: String, value: String, origin: SettingOrigin, objectionToSecrets: String?) {
    self.key = key
    self.value = value
    self.origin = origin
    self.objectionToSecrets = objectionToSecrets
  }

  /// A setting given as `-o KEY=VALUE`.
  package static func option(_ key: String, _ value: String) -> Setting {
    Setting(
      key: key, value: value, origin: .option(key),
      objectionToSecrets: "a mount option is seen by everyone in ps and /proc/mounts; "
        + "write it into a file of mode 0600 and mount with -o config=FILE")
  }
}

extension Setting: CustomStringConvertible {
  package var description: String {
    let isSecret = ConfigurationKey.named(key)?.isSecret ?? false
    return "\(key) = \(isSecret ? Secret.mask : value)"
  }
}

/// Where a setting was written, as an error names it.
package enum SettingOrigin: Equatable, Sendable, CustomStringConvertible {
  /// Lines count from 1; 0 is the file as a whole.
  case file(path: String, line: Int)
  /// A mount option, by its name.
  case option(String)
  /// A line written to a `config` file of the mounted tree.
  case control
  /// Several settings that do not go together.
  case combined

  package var description: String {
    switch self {
    case .file(let path, 0): path
    case .file(let path, let line): "\(path):\(line)"
    case .option(let name): "-o \(name)"
    case .control: "config"
    case .combined: "configuration"
    }
  }
}
