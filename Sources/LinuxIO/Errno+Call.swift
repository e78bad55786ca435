package import SystemPackage

extension Errno {
  /// The result of a C shim that returns a count, or a negative error number.
  package static func check<T: FixedWidthInteger & SignedInteger>(_ result: T) throws(Errno) -> T {
    guard result < 0 else { return result }
    throw Errno(rawValue: CInt(-result))
  }
}
