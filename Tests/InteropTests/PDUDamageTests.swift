import Testing

@testable import Interop

/// RFC 7143, 11.2.1: what is damaged is data, and nothing else.
@Suite("Data damaged on their way")
struct PDUDamageTests {
  /// A header without AHS, its data of ones padded, and a digest of sevens.
  private func unit(_ opcode: UInt8, data: Int, additional: UInt8 = 0, digest: Bool) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 48)
    bytes[0] = opcode
    bytes[4] = additional
    bytes[5] = UInt8(data >> 16)
    bytes[6] = UInt8(data >> 8 & 0xFF)
    bytes[7] = UInt8(data & 0xFF)
    bytes += [UInt8](repeating: 5, count: Int(additional) * 4)
    bytes += [UInt8](repeating: 1, count: data) + [UInt8](repeating: 0, count: -data & 3)
    return bytes + (digest && data > 0 ? [7, 7, 7, 7] : [])
  }

  @Test("one byte of every second chosen PDU, however the stream is cut", arguments: [1, 7, 4096])
  func everySecond(cut: Int) {
    var damage = PDUDamage(opcodes: [0x25], period: 2, limit: 2, hasDataDigest: true)
    var stream: [UInt8] = []
    var wanted: [UInt8] = []
    for number in 0..<8 {
      // A login without digests, PDUs without data, others with, and the chosen one.
      for (opcode, data) in [(0x23, 10), (0x21, 0), (0x21, 21), (0x25, 301)] as [(UInt8, Int)] {
        var bytes = unit(
          opcode, data: data, additional: opcode == 0x25 ? 2 : 0, digest: opcode != 0x23)
        stream += bytes
        if opcode == 0x25, number == 1 || number == 3 { bytes[48 + 8 + 150] ^= 0x10 }
        wanted += bytes
      }
    }
    var output: [UInt8] = []
    for start in stride(from: 0, to: stream.count, by: cut) {
      output += damage.pass(stream[start..<min(start + cut, stream.count)])
    }
    #expect(output == wanted)
    #expect(damage.count == 2)
  }
}
