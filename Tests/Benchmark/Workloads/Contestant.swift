/// Who does a workload.
enum Contestant: Equatable, Sendable {
  /// iscsifs with mount options; nil is the program the benchmark was given.
  case iscsifs(_ options: [String] = [], program: String? = nil)
  /// qemu-storage-daemon, which exports a LUN through FUSE with libiscsi inside.
  case storageDaemon
  /// libiscsi's own load generator: an initiator without FUSE.
  case iscsiPerf

  var name: String {
    switch self {
    case .iscsifs(let options, let program):
      ([program ?? "iscsifs"] + options.map(Contestant.short)).joined(separator: " ")
    case .storageDaemon: "qemu-storage-daemon"
    case .iscsiPerf: "iscsi-perf"
    }
  }

  /// "HeaderDigest=CRC32C" of "node.conn[0].iscsi.HeaderDigest=CRC32C".
  private static func short(_ option: String) -> String {
    guard option.hasPrefix("node."), let key = option.split(separator: "=").first,
      let dot = key.lastIndex(of: ".")
    else { return option }
    return String(option[option.index(after: dot)...])
  }
}
