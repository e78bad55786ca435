import FoundationEssentials
import Records
import SystemPackage

/// A mount as its files show it, for `iscsifs status --json`.
///
/// Every value is the text of the file of that name, without the newline; a name that is not there
/// is not there. Nothing is asked of the daemon but to read files, so it works for whoever may read
/// them.
struct StatusReport: Encodable, Equatable {
  struct Target: Encodable, Equatable {
    var name: String
    var attributes: [String: String]
    var sessions: [Session]
    /// By the name of the LUN's file.
    var luns: [String: [String: String]]
  }

  struct Session: Encodable, Equatable {
    var name: String
    var attributes: [String: String]
    var connections: [String: [String: String]]
  }

  var mountpoint: String
  var source: String
  var attributes: [String: String]
  var targets: [Target]

  /// Reads the tree of a mount.
  init(mount: MountTable.Entry) throws(Errno) {
    // One read that must work tells a dead mount from one without targets.
    _ = try TextFile.read(mount.mountpoint + "/version")
    mountpoint = mount.mountpoint
    source = mount.source
    attributes = StatusReport.values(in: mount.mountpoint, named: ["version", "initiatorname"])
    let targets = mount.mountpoint + "/targets"
    self.targets = StatusReport.names(in: targets).map {
      Target(name: $0, path: "\(targets)/\($0)")
    }
  }

  /// The `status` file, which has a line for each of perhaps ten thousand targets.
  static func table(of mountpoint: String) throws(Errno) -> String {
    try TextFile.read(mountpoint + "/status", limit: 1 << 28)
  }

  /// JSON with sorted keys, for people and for `diff`.
  static func encode(_ value: some Encodable) throws(Errno) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { throw .invalidArgument }
    return String(decoding: data, as: UTF8.self)
  }

  fileprivate static func names(in directory: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
  }

  /// The files of `directory` that are attributes: readable, and over when they have been read.
  fileprivate static func values(in directory: String) -> [String: String] {
    values(
      in: directory,
      named: names(in: directory).filter { name in
        let path = FilePath("\(directory)/\(name)")
        return !unread.contains(name)
          && (try? Stat(path, followTargetSymlink: false))?.type == .regular
      })
  }

  /// Those of `wanted` that are there.
  fileprivate static func values(
    in directory: String, named wanted: [String]
  ) -> [String: String] {
    var values: [String: String] = [:]
    for name in wanted {
      guard let text = try? TextFile.read("\(directory)/\(name)") else { continue }
      values[name] = text.split(separator: "\n").joined(separator: "\n")
    }
    return values
  }

  /// Verbs, streams and tables that are not one value.
  private static let unread: Set<String> = [
    "control", "config", "login_log", "reservation", "capture", "map", "stat", "stats", "latency",
    "events",
  ]
}

extension StatusReport.Target {
  fileprivate init(name: String, path: String) {
    self.name = name
    attributes = StatusReport.values(in: path, named: ["state", "last_error", "startup"])
    sessions = StatusReport.names(in: path + "/sessions").map { session in
      StatusReport.Session(name: session, path: "\(path)/sessions/\(session)")
    }
    luns = [:]
    for directory in StatusReport.names(in: path) where directory.hasSuffix(".info") {
      luns[String(directory.dropLast(5))] = StatusReport.values(in: "\(path)/\(directory)")
    }
  }
}

extension StatusReport.Session {
  fileprivate init(name: String, path: String) {
    self.name = name
    attributes = StatusReport.values(in: path)
    connections = [:]
    for connection in StatusReport.names(in: path + "/connections") {
      connections[connection] = StatusReport.values(in: "\(path)/connections/\(connection)")
    }
  }
}
