import Guest

/// What is to be compared, and with what.
struct Plan: Sendable {
  /// The iscsifs to put into the guest.
  var binary: String
  /// Where packages are kept.
  var cache: String
  var kernelSource: PackageSource
  var jobs: [FioJob]
  var rounds: Int
  /// I/Os of 4 KiB in a run.
  var operationCount: Int
  var targetParameters: [String]
  /// More of iscsifs's mount options, each with a comma in front.
  var mountOptions: String
  var controlPort: Int?
  /// The emulator's own network even where a tap device is to be had.
  var isUserNetworkWanted: Bool
  var limit: Duration
}
