import LinuxIO

extension Lanes {
  /// As many reactors as pay with FUSE over io_uring (Docs/Performance.md): two, where there are
  /// two processors.
  package static func forRings() -> Lanes {
    Lanes(count: Processors.possibleCount > 1 ? 2 : 1)
  }
}
