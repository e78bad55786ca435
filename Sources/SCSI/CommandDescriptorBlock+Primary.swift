/// Commands every device type shares.
///
/// Source: SPC-5, clause 6.
extension CommandDescriptorBlock {
  /// TEST UNIT READY (SPC-5, 6.48).
  @inlinable
  package static var testUnitReady: CommandDescriptorBlock {
    CommandDescriptorBlock(first: 0, second: 0, length: 6)
  }

  /// REQUEST SENSE, in descriptor format when `descriptor` (SPC-5, 6.39).
  @inlinable
  package static func requestSense(
    descriptor: Bool = false, allocationLength: UInt8 = 252
  ) -> CommandDescriptorBlock {
    let desc: UInt64 = descriptor ? 1 << 48 : 0
    let first = OperationCode.requestSense.word | desc | UInt64(allocationLength) << 24
    return CommandDescriptorBlock(first: first, second: 0, length: 6)
  }

  /// INQUIRY for the standard data (SPC-5, 6.7).
  @inlinable
  package static func inquiry(allocationLength: UInt16 = 252) -> CommandDescriptorBlock {
    let first = OperationCode.inquiry.word | UInt64(allocationLength) << 24
    return CommandDescriptorBlock(first: first, second: 0, length: 6)
  }

  /// INQUIRY with EVPD set, for one vital product data page (SPC-5, 6.7.1).
  @inlinable
  package static func inquiry(
    vitalProductDataPage page: VitalProductDataPage, allocationLength: UInt16
  ) -> CommandDescriptorBlock {
    let evpd: UInt64 = 1 << 48
    let first =
      OperationCode.inquiry.word | evpd | UInt64(page.rawValue) << 40
      | UInt64(allocationLength) << 24
    return CommandDescriptorBlock(first: first, second: 0, length: 6)
  }

  /// REPORT LUNS; select report 00h leaves out well-known logical units (SPC-5, 6.33).
  @inlinable
  package static func reportLUNs(
    selectReport: UInt8 = 0, allocationLength: UInt32
  ) -> CommandDescriptorBlock {
    let length = UInt64(allocationLength)
    let first = OperationCode.reportLUNs.word | UInt64(selectReport) << 40 | length >> 16
    return CommandDescriptorBlock(first: first, second: length << 48, length: 12)
  }

  /// REPORT TARGET PORT GROUPS, in the format without an extended header (SPC-5, 6.37).
  @inlinable
  package static func reportTargetPortGroups(
    allocationLength: UInt32
  ) -> CommandDescriptorBlock {
    let length = UInt64(allocationLength)
    let action = UInt64(ServiceAction.reportTargetPortGroups.rawValue) << 48
    return CommandDescriptorBlock(
      first: OperationCode.maintenanceIn.word | action | length >> 16, second: length << 48,
      length: 12)
  }

  /// MODE SENSE(6) for current values, without block descriptors (SPC-5, 6.14).
  @inlinable
  package static func modeSense6(
    page: ModePage, subpage: UInt8 = 0, allocationLength: UInt8 = 252
  ) -> CommandDescriptorBlock {
    let disableBlockDescriptors: UInt64 = 1 << 51
    let first =
      OperationCode.modeSense6.word | disableBlockDescriptors | page.field
      | UInt64(subpage) << 32 | UInt64(allocationLength) << 24
    return CommandDescriptorBlock(first: first, second: 0, length: 6)
  }

  /// MODE SENSE(10) for current values, without block descriptors (SPC-5, 6.15).
  @inlinable
  package static func modeSense10(
    page: ModePage, subpage: UInt8 = 0, allocationLength: UInt16 = 252
  ) -> CommandDescriptorBlock {
    let disableBlockDescriptors: UInt64 = 1 << 51
    let length = UInt64(allocationLength)
    let first =
      OperationCode.modeSense10.word | disableBlockDescriptors | page.field
      | UInt64(subpage) << 32 | length >> 8
    return CommandDescriptorBlock(first: first, second: length << 56, length: 10)
  }
}

extension OperationCode {
  /// The operation code where it stands in the first word of a block.
  @inlinable
  package var word: UInt64 { UInt64(rawValue) << 56 }
}

extension ModePage {
  /// The page code where MODE SENSE has it, with page control 00b: current values.
  @inlinable
  package var field: UInt64 { UInt64(rawValue & 0x3F) << 40 }
}
