/// An open's answer: the number of the open file and how the kernel treats it.
package struct OpenedFile: Equatable, Sendable {
  /// Source: linux/fuse.h, "Flags returned by the OPEN request".
  package struct Options: OptionSet, BitwiseCopyable, Hashable, Sendable {
    package var rawValue: UInt32

    package init(rawValue: UInt32) {
      self.rawValue = rawValue
    }

    /// FOPEN_DIRECT_IO: no page cache, and reads whatever `st_size` says.
    package static let direct = Options(rawValue: 1 << 0)
    /// FOPEN_NOFLUSH: closing needs no FLUSH, unless pages were written back.
    package static let noFlush = Options(rawValue: 1 << 5)
    /// FOPEN_PARALLEL_DIRECT_WRITES, which libfuse 3.14 has no field for.
    package static let parallelDirectWrites = Options(rawValue: 1 << 6)
  }

  package var number: OpenFileNumber
  package var options: Options

  package init(number: OpenFileNumber, options: Options) {
    self.number = number
    self.options = options
  }
}
