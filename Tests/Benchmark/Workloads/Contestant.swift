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
      ([program ?? "iscsifs"] + (options.isEmpty ? [] : ["-o", options.joined(separator: ",")]))
        .joined(separator: " ")
    case .storageDaemon: "qemu-storage-daemon"
    case .iscsiPerf: "iscsi-perf"
    }
  }
}
