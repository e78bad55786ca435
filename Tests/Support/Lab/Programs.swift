import FoundationEssentials

/// The programs of this machine, looked for where system daemons are as well.
package enum Programs {
  private static let directories: [String] = {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    return path.split(separator: ":").map(String.init) + ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
  }()

  package static func isInstalled(_ name: String) -> Bool {
    directories.contains { isExecutable("\($0)/\(name)") }
  }

  package static func isThere(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: path)
  }

  package static func isExecutable(_ path: String) -> Bool {
    FileManager.default.isExecutableFile(atPath: path)
  }

  /// Says which of `names` are missing and which package has them; nil when all are there.
  package static func objection(to names: [String], package: String) -> String? {
    let missing = names.filter { !isInstalled($0) }
    return missing.isEmpty
      ? nil : "\(missing.joined(separator: ", ")) (package \(package))"
  }
}
