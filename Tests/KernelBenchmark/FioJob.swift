/// One of fio's jobs that every initiator does.
struct FioJob: Hashable, Codable, Sendable {
  enum Direction: String, Codable, Sendable {
    case randread, randwrite
  }

  let direction: Direction
  let blockKibibytes: Int
  let depth: Int

  /// "randread-4k-qd1": what is chosen by and written into files.
  var name: String { "\(direction.rawValue)-\(blockKibibytes)k-qd\(depth)" }
  /// "randread 4 KiB, depth 1".
  var title: String { "\(direction.rawValue) \(blockKibibytes) KiB, depth \(depth)" }

  static let all: [FioJob] = [(4, 1), (4, 32), (64, 32)].flatMap { block, depth in
    [Direction.randread, .randwrite].map {
      FioJob(direction: $0, blockKibibytes: block, depth: depth)
    }
  }

  /// I/Os of one run, where one of 4 KiB does `count`: large ones cost four times as much.
  func operationCount(_ count: Int) -> Int {
    blockKibibytes > 4 ? max(count / 3, 1) : count
  }

  /// fio's arguments for `count` I/Os on `file`.
  func arguments(file: String, count: Int) -> String {
    """
    --name=job --filename=\(file) --ioengine=libaio --direct=1 --rw=\(direction.rawValue) \
    --bs=\(blockKibibytes)k --iodepth=\(depth) --size=1G --io_size=\(count * blockKibibytes)k \
    --norandommap
    """
  }
}
