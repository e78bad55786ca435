import Testing
import Wire

@testable import SCSI

@Suite("The end of a task (SAM-5, 5.3; SPC-5, 4.4.8)")
struct TaskDispositionTests {
  @Test("is decided by the status where there is no sense to read")
  func statuses() {
    #expect(TaskDisposition(status: .good, sense: nil) == .done)
    #expect(TaskDisposition(status: .conditionMet, sense: nil) == .done)
    #expect(TaskDisposition(status: .busy, sense: nil) == .retry(.busy))
    #expect(TaskDisposition(status: .taskSetFull, sense: nil) == .retry(.taskSetFull))
    #expect(TaskDisposition(status: .acaActive, sense: nil) == .retry(.acaActive))
    #expect(TaskDisposition(status: .taskAborted, sense: nil) == .retry(.taskAborted))
    #expect(TaskDisposition(status: .checkCondition, sense: nil) == .retry(.senseMissing))
    #expect(
      TaskDisposition(status: .reservationConflict, sense: nil) == .failed(.reservationConflict))
    #expect(TaskDisposition(status: SCSIStatus(rawValue: 0xFF), sense: nil) == .failed(.other))
  }

  struct Row: Sendable {
    let key: SenseKey
    let code: UInt8
    let qualifier: UInt8
    let expected: TaskDisposition
  }

  static let rows: [Row] = [
    Row(key: .noSense, code: 0, qualifier: 0, expected: .done),
    Row(key: .recoveredError, code: 0x17, qualifier: 0x01, expected: .done),
    Row(key: .completed, code: 0, qualifier: 0, expected: .done),
    Row(key: .notReady, code: 0x04, qualifier: 0x01, expected: .retry(.becomingReady)),
    Row(
      key: .notReady, code: 0x04, qualifier: 0x02, expected: .retry(.initializingCommandRequired)),
    Row(key: .notReady, code: 0x04, qualifier: 0x0A, expected: .retry(.becomingReady)),
    Row(key: .notReady, code: 0x04, qualifier: 0x14, expected: .retry(.becomingReady)),
    Row(key: .notReady, code: 0x04, qualifier: 0x03, expected: .failed(.notReady)),
    Row(key: .notReady, code: 0x04, qualifier: 0x0B, expected: .failed(.notReady)),
    Row(key: .notReady, code: 0x3A, qualifier: 0x00, expected: .failed(.mediumNotPresent)),
    Row(key: .notReady, code: 0x3A, qualifier: 0x02, expected: .failed(.mediumNotPresent)),
    Row(key: .mediumError, code: 0x11, qualifier: 0x00, expected: .failed(.mediumError)),
    Row(key: .hardwareError, code: 0x44, qualifier: 0x00, expected: .failed(.hardwareError)),
    Row(key: .illegalRequest, code: 0x20, qualifier: 0x00, expected: .failed(.unsupportedCommand)),
    Row(key: .illegalRequest, code: 0x20, qualifier: 0x02, expected: .failed(.illegalRequest)),
    Row(key: .illegalRequest, code: 0x21, qualifier: 0x00, expected: .failed(.lbaOutOfRange)),
    Row(key: .illegalRequest, code: 0x24, qualifier: 0x00, expected: .failed(.illegalRequest)),
    Row(key: .illegalRequest, code: 0x25, qualifier: 0x00, expected: .failed(.logicalUnitGone)),
    Row(key: .unitAttention, code: 0x29, qualifier: 0x00, expected: .retry(.unitAttention)),
    Row(key: .unitAttention, code: 0x38, qualifier: 0x07, expected: .retry(.unitAttention)),
    Row(key: .unitAttention, code: 0x3F, qualifier: 0x0E, expected: .retry(.unitAttention)),
    Row(key: .dataProtect, code: 0x27, qualifier: 0x00, expected: .failed(.writeProtected)),
    Row(key: .dataProtect, code: 0x27, qualifier: 0x07, expected: .failed(.spaceExhausted)),
    Row(key: .dataProtect, code: 0x74, qualifier: 0x71, expected: .failed(.writeProtected)),
    Row(key: .abortedCommand, code: 0x47, qualifier: 0x05, expected: .retry(.abortedCommand)),
    Row(key: .miscompare, code: 0x1D, qualifier: 0x00, expected: .failed(.miscompare)),
    Row(key: .volumeOverflow, code: 0, qualifier: 0, expected: .failed(.other)),
    Row(key: SenseKey(rawValue: 0xC), code: 0, qualifier: 0, expected: .failed(.other)),
  ]

  @Test("with CHECK CONDITION is decided by key, code and qualifier", arguments: rows.indices)
  func senseKeys(index: Int) {
    let row = Self.rows[index]
    let sense = SenseData(
      key: row.key, additionalSense: AdditionalSense(code: row.code, qualifier: row.qualifier))
    #expect(
      TaskDisposition(status: .checkCondition, sense: sense) == row.expected,
      "\(sense.description)")
  }

  @Test("with a deferred error is another command's failure: this one was not processed (4.4.9)")
  func deferred() {
    let sense = SenseData(
      key: .mediumError, additionalSense: .writeError, isDeferred: true)
    #expect(TaskDisposition(status: .checkCondition, sense: sense) == .retry(.deferredError))
  }

  @Test("with GOOD is done, whatever sense data came along")
  func senseWithGood() {
    let sense = SenseData(key: .mediumError, additionalSense: .writeError)
    #expect(TaskDisposition(status: .good, sense: sense) == .done)
  }

  @Test("after exhausted tries has a reason, and aborted commands are tried five times")
  func exhaustion() {
    #expect(RetryReason.abortedCommand.retryLimit == 5)
    #expect(RetryReason.busy.retryLimit == nil)
    #expect(RetryReason.busy.needsBackoff)
    #expect(!RetryReason.unitAttention.needsBackoff)
    #expect(RetryReason.becomingReady.failureWhenExhausted == .notReady)
    #expect(RetryReason.abortedCommand.failureWhenExhausted == .aborted)
  }

  @Test("is told from a span of the wire's bytes")
  func fromBytes() {
    let bytes = SenseData.fixedFormat(key: .unitAttention, additional: .capacityDataHasChanged)
    let found = bytes.withRawSpan { span in
      TaskDisposition(status: .checkCondition, sense: SenseData(parsing: span))
    }
    #expect(found == .retry(.unitAttention))
  }
}
