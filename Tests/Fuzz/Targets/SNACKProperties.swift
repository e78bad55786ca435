import ISCSI
import Wire

/// SNACK Requests, byte by byte.
///
/// Source: RFC 7143, 11.16.
enum SNACKProperties {
  /// The request for `run` is one a target must take, and says what it is to say.
  static func check(
    _ kind: SNACKRequest.Kind, _ run: NumberGaps.Run, lun: UInt64 = 0,
    task: InitiatorTaskTag = .reserved, tag: TargetTransferTag = .reserved,
    isAll: Bool = false, expStatSN: SerialNumber
  ) throws(Disagreement) {
    let request = SNACKRequest(
      kind: kind, lun: lun, initiatorTaskTag: task, targetTransferTag: tag, expStatSN: expStatSN,
      begRun: run.first, runLength: run.count)
    let bytes = ProtocolDataUnit(header: request.header).encoded()
    try agree(bytes.count, 48, "bytes of a SNACK")
    let code: UInt8 =
      switch kind {
      case .dataOrR2T: 0
      case .status: 1
      case .dataACK: 2
      case .rData: 3
      }
    // Opcode 10h, not immediate; F is always set; no data, no additional header.
    try agree(Array(bytes[0..<8]), [0x10, 0x80 | code, 0, 0, 0, 0, 0, 0], "the SNACK's first word")
    let fields: [(Int, Int, UInt64)] = [
      (8, 8, lun), (16, 4, UInt64(task.rawValue)), (20, 4, UInt64(tag.rawValue)), (24, 4, 0),
      (28, 4, UInt64(expStatSN.rawValue)), (32, 8, 0), (40, 4, UInt64(run.first)),
      (44, 4, UInt64(run.count)),
    ]
    for (offset, length, value) in fields {
      try agree(
        NaiveBytes.number(bytes, offset, length, end: 48), value, "the SNACK's bytes at \(offset)")
    }
    // A length of 0 asks for everything (11.16.7); an acknowledgement has none.
    try agree(run.count == 0, kind == .dataACK || isAll, "a run is not empty")
    try agree(request.kind, kind, "the SNACK's kind, read again")
  }
}
