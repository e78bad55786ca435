/// How a file system is mounted.
package struct MountOptions: Equatable, Sendable {
  /// The largest READ and WRITE, which the kernel must be told twice: here and in INIT's answer.
  package static let transferByteLimit = 1 << 20

  package var mountPoint: String

  /// What /proc/mounts shows as the device: the SOURCE the mount was asked with.
  package var source: String

  /// Users other than the mounting one may look in (`allow_other`).
  package var allowsOthers: Bool

  package var isReadOnly: Bool
  package var cacheMode: CacheMode

  package init(
    mountPoint: String, source: String, allowsOthers: Bool = false, isReadOnly: Bool = false,
    cacheMode: CacheMode = .read
  ) {
    self.mountPoint = mountPoint
    self.source = source
    self.allowsOthers = allowsOthers
    self.isReadOnly = isReadOnly
    self.cacheMode = cacheMode
  }

  /// The value of libfuse's `-o`.
  ///
  /// `default_permissions` makes the kernel check the modes we show; set-user-ID, devices and
  /// programs have no place in the tree.
  package var kernelOptions: String {
    var words = [
      "fsname=" + Self.escaped(source.isEmpty ? "iscsifs" : source), "subtype=iscsifs",
      "max_read=\(Self.transferByteLimit)", "default_permissions", "nosuid", "nodev", "noexec",
      "noatime",
    ]
    if allowsOthers { words.append("allow_other") }
    if isReadOnly { words.append("ro") }
    return words.joined(separator: ",")
  }

  /// `text` as one value inside a list of options: libfuse reads a backslash as an escape.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      if character == "," || character == "\\" { result.append("\\") }
      result.append(character)
    }
    return result
  }
}
