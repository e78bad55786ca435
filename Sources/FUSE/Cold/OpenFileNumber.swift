/// What the kernel calls an open file by (`fh`): given by an open, taken back by a release.
package struct OpenFileNumber: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }
}
