/// What `statfs` shows.
package struct FileSystemStatistics: Equatable, Sendable {
  /// `f_bsize`: the loop driver takes its discard granularity from here.
  package var blockBytes: UInt64
  /// `f_frsize`: what the counts count.
  package var fragmentBytes: UInt64
  /// `f_blocks`; none are ever free.
  package var fragmentCount: UInt64
  package var fileCount: UInt64

  package init(
    blockBytes: UInt64, fragmentBytes: UInt64, fragmentCount: UInt64, fileCount: UInt64
  ) {
    self.blockBytes = blockBytes
    self.fragmentBytes = fragmentBytes
    self.fragmentCount = fragmentCount
    self.fileCount = fileCount
  }
}
