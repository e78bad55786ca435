import Lab

/// A running target with what a run has to know of it.
struct TargetUnderTest: Sendable {
  /// A LUN with data.
  struct Unit: Equatable, Sendable {
    var lun: Int
    var mebibytes: Int
    var blockSize: Int

    var byteCount: Int { mebibytes << 20 }
  }

  /// One of its targets.
  struct Node: Sendable {
    var name: String
    var units: [Unit]
    /// MD5 of what is stored for a LUN, read where the target keeps it, in hexadecimal.
    var checksum: @Sendable (Int) async throws -> String
  }

  /// "tgt 1.0.85, tuned".
  var title: String
  /// What it was told beside its defaults, in words.
  var settings: String
  var port: UInt16
  var portalGroupTag = 1
  /// Lets everybody in.
  var open: Node
  /// Wants `Credentials.initiator`.
  var authenticating: Node
  /// Answers a challenge with `Credentials.target` besides.
  var mutual: Node
  /// What it cannot do, and why; only that is forgiven.
  var limits: [Capability: String] = [:]
  /// What it is not asked for, and why: it would not survive it.
  var spared: [Capability: String] = [:]
  /// Makes discovery a matter of `Credentials` from now on, both ways; returns the port to ask.
  var guardDiscovery: @Sendable () async throws -> UInt16
  /// Silence after which it has pinged; nil where it does not.
  var idleSeconds: Int?
  /// Sessions it has; nil where it does not tell.
  var sessionCount: (@Sendable () async throws -> Int)?

  var address: String { "127.0.0.1:\(port)" }
  var nodes: [Node] { [open, authenticating, mutual] }
}

/// Who is who, in every run.
enum Credentials {
  static let initiator = TargetDaemon.Account(user: "alice", password: "correct-horse-9")
  static let target = TargetDaemon.Account(user: "store", password: "battery-staple-7")
}
