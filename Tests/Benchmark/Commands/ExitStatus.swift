/// What the benchmark ends with, and what it knows of iscsifs's.
///
/// Source: sysexits(3).
enum ExitStatus {
  /// Something that should have been measured could not be.
  static let incomplete: Int32 = 1
  /// Wrong use; also what iscsifs ends with when it does not know an option.
  static let usage: Int32 = 64
  /// Ctrl-C.
  static let interrupted: Int32 = 130
}
