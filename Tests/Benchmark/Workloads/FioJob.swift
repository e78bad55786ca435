/// Direct I/O by fio for a time.
struct FioJob: Sendable {
  enum Kind: String, Sendable {
    case randread
    case randwrite
  }

  var kind: Kind
  var blockBytes: Int
  var depth: Int
  /// Processes beside each other, each waiting for its I/O.
  var writers = 1

  /// What fio is told, after the name of the file.
  func arguments(seconds: Double) -> [String] {
    var arguments = [
      "--name=bench", "--rw=\(kind.rawValue)", "--bs=\(blockBytes)", "--direct=1", "--size=512M",
      "--allow_file_create=0", "--norandommap", "--randrepeat=0", "--time_based",
      "--runtime=\(Int(seconds * 1000))ms",
      "--group_reporting", "--output-format=json",
    ]
    if writers > 1 {
      arguments += ["--ioengine=psync", "--numjobs=\(writers)"]
    } else {
      arguments += ["--ioengine=libaio", "--iodepth=\(depth)"]
    }
    return arguments
  }

  /// The same name for fio, which splits at colons.
  static func escaped(_ path: String) -> String {
    path.reduce(into: "") { $0 += $1 == ":" || $1 == "\\" ? "\\\($1)" : String($1) }
  }
}
