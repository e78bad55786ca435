import SystemPackage

/// Reads a configuration file: opened once, judged and read through the same descriptor.
package enum ConfigurationFile {
  /// Read when it is there and neither SOURCE nor `-o config=` names another.
  package static let standardPath = "/etc/iscsifs.conf"

  /// The settings of the file.
  ///
  /// A symbolic link is refused: what it points to could be another file by the time it is read.
  /// Secrets are taken only when `FileProtection` has no objection.
  package static func settings(
    path: String, userID: UInt32
  ) throws(ConfigurationError) -> [Setting] {
    let text: String
    let objection: String?
    do throws(Errno) {
      let descriptor = try TextFile.open(path, options: [.noFollow, .closeOnExec, .nonBlocking])
      (text, objection) = try TextFile.closing(descriptor) { descriptor throws(Errno) in
        let protection = try FileProtection(of: descriptor)
        guard protection.isRegular else { throw Errno.invalidArgument }
        return (
          try TextFile.readAll(descriptor),
          protection.objectionToSecrets(path: path, userID: userID)
        )
      }
    } catch {
      throw ConfigurationError(.file(path: path, line: 0), .unreadable(sentence(for: error)))
    }
    return try ConfigurationText.settings(in: text, path: path, objectionToSecrets: objection)
  }

  private static func sentence(for error: Errno) -> String {
    switch error {
    case .noSuchFileOrDirectory: "there is no such file"
    case .permissionDenied: "you may not read this file"
    case .tooManySymbolicLinkLevels: "this is a symbolic link; name the file itself"
    case .invalidArgument, .isDirectory: "this is not a regular file"
    default: "it cannot be read: \(error)"
    }
  }
}
