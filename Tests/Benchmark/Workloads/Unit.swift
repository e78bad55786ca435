/// What a workload counts.
enum Unit: String, Codable, Sendable {
  case operations = "IOPS"
  case mebibytes = "MiB/s"

  /// What the CPU time is divided by.
  var single: String { self == .operations ? "I/O" : "MiB" }
}
