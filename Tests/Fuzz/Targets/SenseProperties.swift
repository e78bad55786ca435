import SCSI
import Wire

/// Sense data of both formats, and what is done about them.
enum SenseProperties {
  static func check(_ bytes: [UInt8]) throws(Disagreement) {
    let found = SenseData(parsing: bytes)
    let code = (bytes.first ?? 0) & 0x7F
    let isFixed = code == 0x70 || code == 0x71
    let isReadable =
      isFixed && bytes.count >= 3 || (code == 0x72 || code == 0x73) && bytes.count >= 2
    try agree(found != nil, isReadable, "sense data with response code \(code) are read")
    guard let found else { return }
    let end = bytes.count < 8 ? bytes.count : min(bytes.count, 8 + Int(bytes[7]))
    func field(_ offset: Int, _ end: Int) -> UInt8 {
      UInt8(NaiveBytes.number(bytes, offset, 1, end: end) ?? 0)
    }
    try agree(found.isDeferred, code & 1 == 1, "deferred")
    if isFixed {
      try agree(found.key.rawValue, bytes[2] & 0x0F, "sense key")
      try agree(found.additionalSense.code, field(12, end), "additional sense code")
      try agree(found.additionalSense.qualifier, field(13, end), "qualifier")
      let information = bytes[0] < 0x80 ? nil : NaiveBytes.number(bytes, 3, 4, end: end)
      try agree(found.information, information, "INFORMATION")
    } else {
      try agree(found.key.rawValue, bytes[1] & 0x0F, "sense key")
      try agree(found.additionalSense.code, field(2, bytes.count), "additional sense code")
      try agree(found.additionalSense.qualifier, field(3, bytes.count), "qualifier")
      try agree(found.information, information(inDescriptors: bytes, end: end), "INFORMATION")
    }
    try hold(found.description.isPrintable, "sense data are printable")
    try checkEncoding(of: found)
    try checkDisposition(of: found, status: field(bytes.count - 1, bytes.count))
  }

  /// The first information descriptor that lies in the data, is long enough and says it is valid.
  private static func information(inDescriptors bytes: [UInt8], end: Int) -> UInt64? {
    var offset = 8
    while let type = NaiveBytes.number(bytes, offset, 1, end: end),
      let length = NaiveBytes.number(bytes, offset + 1, 1, end: end)
    {
      if type == 0, length >= 10, offset + 2 + Int(length) <= end, bytes[offset + 2] >= 0x80 {
        return NaiveBytes.number(bytes, offset + 4, 8, end: end)
      }
      offset += 2 + Int(length)
    }
    return nil
  }

  /// What is written in either format is read again.
  private static func checkEncoding(of sense: SenseData) throws(Disagreement) {
    var current = sense
    current.isDeferred = false
    let descriptors = SenseData.descriptorFormat(
      key: sense.key, additional: sense.additionalSense, information: sense.information)
    try agree(SenseData(parsing: descriptors), current, "descriptor format read again")
    let fixed = SenseData.fixedFormat(
      key: sense.key, additional: sense.additionalSense, information: sense.information)
    if let information = sense.information, information > 0xFFFF_FFFF { current.information = nil }
    try agree(SenseData(parsing: fixed), current, "fixed format read again")
  }

  /// Nothing but a status of success or a sense key that says so counts as done.
  private static func checkDisposition(
    of sense: SenseData, status: UInt8
  ) throws(Disagreement) {
    let disposition = TaskDisposition(status: SCSIStatus(rawValue: status), sense: sense)
    let isSuccess =
      status == 0x00 || status == 0x04
      || status == 0x02 && !sense.isDeferred && [0x0, 0x1, 0xF].contains(sense.key.rawValue)
    try agree(disposition == .done, isSuccess, "status \(status) with \(sense) is success")
  }
}
