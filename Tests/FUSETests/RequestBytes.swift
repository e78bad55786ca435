/// Requests as the kernel writes them, little-endian.
enum RequestBytes {
  static func request(
    opcode: UInt32, unique: UInt64, node: UInt64, thread: UInt32 = 0, body: [UInt8]
  ) -> [UInt8] {
    little(UInt32(40 + body.count)) + little(opcode) + little(unique) + little(node)
      + little(UInt64(0)) + little(thread) + little(UInt32(0)) + body
  }

  static func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    (0..<(T.bitWidth / 8)).map { UInt8(truncatingIfNeeded: value >> T($0 * 8)) }
  }

  /// INIT of a 6.x kernel: 7.40, 128 KiB of read-ahead, these flags.
  static func initialize(flags: UInt64, unique: UInt64 = 2, secondWord: Bool = true) -> [UInt8] {
    var body = little(UInt32(7)) + little(UInt32(40)) + little(UInt32(131_072))
    body += little(UInt32(truncatingIfNeeded: flags))
    if secondWord {
      body += little(UInt32(truncatingIfNeeded: flags >> 32))
      body += [UInt8](repeating: 0, count: 44)
    }
    return request(opcode: 26, unique: unique, node: 0, body: body)
  }

  static func open(
    unique: UInt64, node: UInt64, flags: UInt32, thread: UInt32 = 0
  ) -> [UInt8] {
    request(
      opcode: 14, unique: unique, node: node, thread: thread,
      body: little(flags) + little(UInt32(0)))
  }
}
