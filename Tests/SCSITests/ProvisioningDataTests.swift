import Testing
import Wire

@testable import SCSI

@Suite("GET LBA STATUS and UNMAP data (SBC-4, 5.7 and 5.35)")
struct ProvisioningDataTests {
  struct Descriptor {
    let first: UInt64
    let count: UInt32
    let status: UInt8
  }

  static func data(_ descriptors: [Descriptor], length: UInt32? = nil) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendBigEndian(length ?? UInt32(4 + descriptors.count * 16))
    bytes.appendBigEndian(UInt32(0))
    for descriptor in descriptors {
      bytes.appendBigEndian(descriptor.first)
      bytes.appendBigEndian(descriptor.count)
      bytes += [descriptor.status, 0, 0, 0]
    }
    return bytes
  }

  static func extents(
    _ bytes: [UInt8], from start: UInt64 = 10, to end: UInt64 = 100
  ) throws(ParameterDataError) -> [LBAStatusData.Extent] {
    try bytes.withRawSpan { (span) throws(ParameterDataError) in
      try LBAStatusData(
        parsing: span, from: LogicalBlockAddress(start), to: LogicalBlockAddress(end)
      ).extents
    }
  }

  static func extent(
    _ first: UInt64, _ count: UInt64, _ status: LBAStatusData.Status
  ) -> LBAStatusData.Extent {
    LBAStatusData.Extent(first: LogicalBlockAddress(first), count: count, status: status)
  }

  @Test("descriptors become extents, cut to the range asked about")
  func extents() throws {
    let bytes = Self.data([
      Descriptor(first: 8, count: 12, status: 0), Descriptor(first: 20, count: 30, status: 1),
      Descriptor(first: 50, count: .max, status: 2),
    ])
    #expect(
      try Self.extents(bytes) == [
        Self.extent(10, 10, .mapped), Self.extent(20, 30, .deallocated),
        Self.extent(50, 50, .anchored),
      ])
  }

  @Test("H53, CVE-2020-1711 counts of 0, gaps, steps backwards and overflow end the list")
  func lies() throws {
    let good = Descriptor(first: 10, count: 5, status: 0)
    let lies = [
      Descriptor(first: 15, count: 0, status: 1), Descriptor(first: 16, count: 5, status: 1),
      Descriptor(first: 0, count: 15, status: 1), Descriptor(first: .max, count: .max, status: 1),
    ]
    for lie in lies {
      #expect(try Self.extents(Self.data([good, lie, good])) == [Self.extent(10, 5, .mapped)])
      #expect(try Self.extents(Self.data([lie])).isEmpty == !(lie.first <= 10 && lie.count > 10))
    }
  }

  @Test("H53, CVE-2020-1711 a data length that lies reads only what came")
  func lengths() throws {
    let descriptors = [Descriptor(first: 10, count: 5, status: 1)]
    #expect(try Self.extents(Self.data(descriptors, length: .max)).count == 1)
    #expect(try Self.extents(Self.data(descriptors, length: 0)).isEmpty)
    #expect(throws: ParameterDataError.tooShort(byteCount: 7, minimum: 8)) {
      try Self.extents(Array(repeating: 0, count: 7))
    }
  }

  @Test("UNMAP's list has both its lengths and its descriptors")
  func unmap() {
    #expect(
      UnmapParameterList.bytes([(LogicalBlockAddress(0x0102), 8)])
        == [0, 22, 0, 16, 0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 8, 0, 0, 0, 0])
  }
}
