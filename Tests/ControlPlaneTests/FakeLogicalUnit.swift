import Reactor
import SCSI
import Wire

/// What a logical unit behind the fake reactor answers.
struct FakeLogicalUnit: Sendable {
  /// Qualifier and device type.
  var inquiryByte: UInt8 = 0
  var serial = "SERIAL-1"
  var naa: [UInt8] = [0x60, 0x01, 0x40, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
  var blockCount: UInt64 = 2048
  var blockLength: UInt32 = 512
  var isWriteProtected = false
  var writeCache = true
  /// Pages listed in page 00h.
  var pages: [UInt8] = [0x00, 0x80, 0x83, 0xB0, 0xB2]
  /// Answers that come first, one each, to any command but INQUIRY and REPORT LUNS.
  var pending: [ControlTask.Result] = []
  /// Operation codes refused with 05/20/00.
  var refused: Set<UInt8> = []
  /// Data that answer an operation code, whatever else is true.
  var told: [UInt8: [UInt8]] = [:]
  /// Whole pages that answer INQUIRY for a page, listed or not.
  var toldPages: [UInt8: [UInt8]] = [:]
  /// Bytes of the standard INQUIRY data that are sent.
  var inquiryByteCount = 36
  /// TPGS: implicit asymmetric access, through target port group 258.
  var hasPortGroups = false
  /// How many blocks more each READ CAPACITY tells than the one before.
  var growth: UInt64 = 0

  /// The answer to `cdb`.
  mutating func answer(_ cdb: CommandDescriptorBlock) -> ControlTask.Result {
    let code = cdb.operationCode
    guard !refused.contains(code.rawValue) else {
      return .check(.illegalRequest, .invalidCommandOperationCode)
    }
    if code == .inquiry { return cdb.byte(at: 1) & 1 == 0 ? standard : page(cdb.byte(at: 2)) }
    if let data = told[code.rawValue] { return .good(data) }
    if !pending.isEmpty { return pending.removeFirst() }
    switch code {
    case .testUnitReady, .startStopUnit, .synchronizeCache10, .synchronizeCache16: return .good([])
    case .serviceActionIn16:
      var bytes: [UInt8] = []
      bytes.appendBigEndian(blockCount &- 1)
      bytes.appendBigEndian(blockLength)
      blockCount &+= growth
      bytes += [0, 3, 0xC0, 0] + [UInt8](repeating: 0, count: 16)
      return .good(bytes)
    case .readCapacity10:
      var bytes: [UInt8] = []
      bytes.appendBigEndian(UInt32(clamping: blockCount - 1))
      bytes.appendBigEndian(blockLength)
      return .good(bytes)
    case .modeSense6:
      let specific: UInt8 = (isWriteProtected ? 0x80 : 0) | 0x10
      let caching: [UInt8] =
        [0x08, 18, writeCache ? 4 : 0] + [UInt8](repeating: 0, count: 17)
      return .good([UInt8(3 + caching.count), 0, specific, 0] + caching)
    default: return .check(.illegalRequest, .invalidCommandOperationCode)
    }
  }

  private var standard: ControlTask.Result {
    var bytes: [UInt8] = [inquiryByte, 0, 6, 2, 31, hasPortGroups ? 0x10 : 0, 0, 2]
    bytes += "FAKE    ".utf8
    bytes += "UNIT            ".utf8
    bytes += "0001".utf8
    return .good(Array(bytes.prefix(inquiryByteCount)))
  }

  /// The designator of the target port group (SPC-5, 7.7.6.8): iSCSI, of the target port.
  private var portGroup: [UInt8] { hasPortGroups ? [0x51, 0x95, 0, 4, 0, 0, 1, 2] : [] }

  private func page(_ code: UInt8) -> ControlTask.Result {
    if let bytes = toldPages[code] { return .good(bytes) }
    guard pages.contains(code) else { return .check(.illegalRequest, .invalidFieldInCDB) }
    let data: [UInt8] =
      switch code {
      case 0x00: pages
      case 0x80: Array(serial.utf8)
      case 0x83: [0x01, 0x03, 0, UInt8(naa.count)] + naa + portGroup
      case 0xB0: [UInt8](repeating: 0, count: 60)
      case 0xB2: [0, 0x80, 2, 0]
      default: []
      }
    return .good([inquiryByte, code, 0, UInt8(data.count)] + data)
  }
}

extension ControlTask.Result {
  static func good(_ data: [UInt8]) -> Self {
    ControlTask.Result(status: .good, data: data, sense: [])
  }

  static func check(_ key: SenseKey, _ additional: AdditionalSense) -> Self {
    ControlTask.Result(
      status: .checkCondition, data: [],
      sense: SenseData.fixedFormat(key: key, additional: additional))
  }
}
