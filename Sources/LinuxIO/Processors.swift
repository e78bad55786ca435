import SystemPackage

/// The machine's processors as the kernel counts them.
package enum Processors {
  /// How many there could ever be, also those that are switched off now; 1 when nobody says.
  ///
  /// Source: Linux, Documentation/admin-guide/cputopology.rst, `possible`.
  package static var possibleCount: Int {
    guard
      let descriptor = try? FileDescriptor.open(
        FilePath("/sys/devices/system/cpu/possible"), .readOnly)
    else { return 1 }
    defer { try? descriptor.close() }
    var bytes = [UInt8](repeating: 0, count: 4096)
    // SAFETY: the kernel writes at most the array's own count.
    let count = try? unsafe bytes.withUnsafeMutableBytes { try unsafe descriptor.read(into: $0) }
    return Self.count(inList: String(decoding: bytes.prefix(count ?? 0), as: UTF8.self))
  }

  /// The number of processors in a list such as `0-3,8`; 1 when it names none.
  package static func count(inList list: String) -> Int {
    var count = 0
    for range in list.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
      let ends = range.split(separator: "-").map { Int($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last, last < 65536
      else { continue }
      count += last - first + 1
    }
    return max(1, count)
  }
}
