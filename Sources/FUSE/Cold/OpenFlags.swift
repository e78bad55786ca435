import Glibc

/// The flags of `open(2)`, as the kernel passes them on.
///
/// O_CREAT, O_EXCL and O_NOCTTY never arrive.
package struct OpenFlags: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt32

  package init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  private var accessMode: CInt { CInt(bitPattern: rawValue) & O_ACCMODE }

  package var reads: Bool { accessMode != O_WRONLY }
  package var writes: Bool { accessMode != O_RDONLY }
  package var appends: Bool { CInt(bitPattern: rawValue) & O_APPEND != 0 }
  package var isNonblocking: Bool { CInt(bitPattern: rawValue) & O_NONBLOCK != 0 }
  package var truncates: Bool { CInt(bitPattern: rawValue) & O_TRUNC != 0 }
  package var isDirect: Bool { CInt(bitPattern: rawValue) & Self.direct != 0 }

  /// O_DIRECT, which Glibc shows only with _GNU_SOURCE and which differs by architecture.
  private static var direct: CInt {
    #if arch(arm64) || arch(arm)
      0o200000
    #else
      0o40000
    #endif
  }
}
