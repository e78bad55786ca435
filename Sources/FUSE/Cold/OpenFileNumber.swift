/// What the kernel calls an open file by (`fh`): given by an open, taken back by a release.
package struct OpenFileNumber: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// A file whose reads wait for what has not happened yet; its number says so to whoever sees
  /// nothing of the file but that.
  package init(ofStream number: UInt64) {
    rawValue = number | Self.stream
  }

  package var isOfStream: Bool { rawValue & Self.stream != 0 }

  private static let stream: UInt64 = 1 << 63
}
