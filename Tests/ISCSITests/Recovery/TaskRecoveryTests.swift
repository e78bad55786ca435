import ISCSI
import Testing
import Wire

/// RFC 7143, 11.7.2, 11.16 and 13.19.
@Suite("What is missing of a task")
struct TaskRecoveryTests {
  private func dataIn(
    _ number: UInt32, isFinal: Bool = false, acknowledgedBy tag: UInt32? = nil
  ) -> DataIn {
    DataIn(
      initiatorTaskTag: InitiatorTaskTag(rawValue: 1),
      targetTransferTag: TargetTransferTag(rawValue: tag ?? .max), isFinal: isFinal,
      requestsAcknowledgement: tag != nil, expCmdSN: SerialNumber(rawValue: 1),
      maxCmdSN: SerialNumber(rawValue: 1), dataSN: number, bufferOffset: number &* 512)
  }

  @Test("F10.2: a DataACK is owed once, for the last that asked, when no hole is left")
  func acknowledgement() throws {
    var recovery = TaskRecovery()
    #expect(recovery.takeAcknowledgement() == nil)
    _ = try recovery.receive(dataIn(0, isFinal: true, acknowledgedBy: 7))
    #expect(recovery.takeAcknowledgement()?.targetTransferTag.rawValue == 7)
    #expect(recovery.takeAcknowledgement() == nil)
    _ = try recovery.receive(dataIn(2, acknowledgedBy: 8))
    #expect(recovery.takeAcknowledgement() == nil && recovery.awaitsPDUs)
    _ = try recovery.receive(dataIn(1))
    #expect(recovery.takeAcknowledgement()?.targetTransferTag.rawValue == 8)
    #expect(recovery.gaps.next == 3)
  }

  @Test("E06, F10.2: behind an R-Data SNACK a DataACK is sent at once, or not at all")
  func taggedAcknowledgement() throws {
    let parameters = NegotiatedParameters()
    var recovery = TaskRecovery()
    _ = try recovery.receive(dataIn(0))
    #expect(try recovery.acknowledge(dataIn(0, acknowledgedBy: 6), hasAllBefore: true) == nil)
    recovery.reassign(.read, segmentLength: 512)
    _ = recovery.prepareReassignment(segmentLength: 1024)
    _ = try recovery.receive(dataIn(1))
    #expect(try recovery.resegment(parameters: parameters) == 1)
    #expect(try recovery.acknowledge(dataIn(5, acknowledgedBy: 7), hasAllBefore: false) == nil)
    #expect(try recovery.acknowledge(dataIn(2), hasAllBefore: true) == nil)
    let owed = try recovery.acknowledge(dataIn(2, acknowledgedBy: 8), hasAllBefore: true)
    #expect(owed?.targetTransferTag.rawValue == 8 && owed?.begRun == 3)
    #expect(recovery.acknowledgedLength == 1024)
    // What was acknowledged is no news, and not asked for again.
    #expect(try recovery.acknowledge(dataIn(1, acknowledgedBy: 9), hasAllBefore: true) == nil)
    #expect(throws: ProtocolViolation.reservedTransferTag(.dataIn)) {
      _ = try recovery.acknowledge(dataIn(3, acknowledgedBy: .max), hasAllBefore: true)
    }
    #expect(try recovery.resegment(parameters: parameters) == 2)
    #expect(recovery.isTagged && recovery.gaps.firstMissing == 3 && recovery.isHeardOf)
    recovery.reassign(.read, segmentLength: 1024)
    let keepsAll = recovery.prepareReassignment(segmentLength: 512)
    #expect(!keepsAll && recovery.expDataSN == 3)
  }

  @Test("F10.2: the A bit with a reserved tag is a violation: there is nothing to copy")
  func reservedTag() {
    var recovery = TaskRecovery()
    #expect(throws: ProtocolViolation.reservedTransferTag(.dataIn)) {
      _ = try recovery.receive(dataIn(0, acknowledgedBy: .max))
    }
  }

  @Test("E04: with sequences in order a PDU of an earlier one is not asked for again")
  func lastSequence() throws {
    for inOrder in [true, false] {
      var parameters = NegotiatedParameters()
      parameters.dataSequenceInOrder = inOrder
      var recovery = TaskRecovery()
      let first = try recovery.lose(dataIn(0), parameters: parameters)
      #expect(first?.run == .init(first: 0, count: 1))
      _ = try recovery.receive(dataIn(1, isFinal: true))
      // Of the last sequence still, as far as anybody knows.
      let second = try recovery.lose(dataIn(0), parameters: parameters)
      #expect(second?.run == .init(first: 0, count: 1))
      #expect(second?.isAgain == true)
      _ = try recovery.receive(dataIn(2))
      let third = try recovery.lose(dataIn(0), parameters: parameters)
      #expect((third == nil) == inOrder)
      #expect(recovery.isForfeited == inOrder)
      #expect(recovery.awaitsPDUs == !inOrder)
      #expect(!recovery.hasAll(of: 3))
    }
  }

  @Test("E04: a sequence whose last PDU comes late is over as well")
  func lastOfASequenceComesLate() throws {
    let parameters = NegotiatedParameters()
    for first in [0, UInt32.max - 2] as [UInt32] {
      var recovery = TaskRecovery(firstNumber: first)
      _ = try recovery.receive(dataIn(first))
      #expect(try recovery.receive(dataIn(first &+ 4)) == .init(first: first &+ 1, count: 3))
      _ = try recovery.receive(dataIn(first &+ 2, isFinal: true))
      // 3 and 4 are of the next sequence, 1 is not.
      let last = try recovery.lose(dataIn(first &+ 3), parameters: parameters)
      #expect(last?.run == .init(first: first &+ 3, count: 1))
      let earlier = try recovery.lose(dataIn(first &+ 1), parameters: parameters)
      #expect(earlier == nil && recovery.isForfeited)
    }
  }

  @Test("F26: the target's count says what is missing; less than came, or none, is no news")
  func counted() throws {
    var recovery = TaskRecovery()
    _ = try recovery.receive(dataIn(0))
    _ = try recovery.receive(dataIn(1))
    #expect(recovery.hasAll(of: 0) && recovery.hasAll(of: 2) && !recovery.hasAll(of: 3))
    #expect(try recovery.extend(to: 1) == nil)
    #expect(try recovery.extend(to: 4) == .init(first: 2, count: 2))
    #expect(try recovery.extend(to: 4) == nil)
    #expect(recovery.awaitsPDUs)
  }

  @Test("E12: a task is heard of with its first PDU, also where one before it is missing")
  func heardOf() throws {
    var recovery = TaskRecovery(firstNumber: .max)
    #expect(!recovery.isHeardOf)
    let loss = try recovery.lose(dataIn(.max), parameters: NegotiatedParameters())
    #expect(loss?.run == .init(first: .max, count: 1))
    #expect(recovery.isHeardOf)
  }

  @Test("E07: a task has one status")
  func oneStatus() throws {
    var recovery = TaskRecovery()
    let task = InitiatorTaskTag(rawValue: 1)
    let status = TaskRecovery.HeldStatus(statSN: SerialNumber(rawValue: 7), residual: .none)
    try recovery.hold(.dataIn, status, of: task)
    #expect(throws: ProtocolViolation.unexpectedForTask(.scsiResponse, task)) {
      try recovery.hold(.scsiResponse, status, of: task)
    }
    #expect(recovery.takeHeldStatus() == status)
    #expect(recovery.takeHeldStatus() == nil)
  }

  @Test("E05: all from the first hole on is asked for three times, of the last sequence alone")
  func rest() throws {
    let parameters = NegotiatedParameters()
    var recovery = TaskRecovery()
    _ = try recovery.receive(dataIn(0))
    for number in stride(from: 2, through: 18, by: 2) as StrideThrough<UInt32> {
      _ = try recovery.receive(dataIn(number))
    }
    for _ in 0..<3 {
      #expect(try recovery.askForRest(parameters: parameters) == .init(first: 1, count: 0))
    }
    #expect(throws: ProtocolViolation.tooManyMissing(limit: 8)) {
      _ = try recovery.askForRest(parameters: parameters)
    }
    _ = try recovery.receive(dataIn(19, isFinal: true))
    _ = try recovery.receive(dataIn(20))
    #expect(try recovery.askForRest(parameters: parameters) == nil)
    #expect(recovery.isForfeited)
  }

  @Test("E06: after a change of length all not acknowledged is asked for, with a new tag each")
  func resegmented() throws {
    let parameters = NegotiatedParameters()
    var recovery = TaskRecovery()
    _ = try recovery.receive(dataIn(0, isFinal: true, acknowledgedBy: 7))
    #expect(recovery.takeAcknowledgement(receivedLength: 512) != nil)
    _ = try recovery.receive(dataIn(1))
    recovery.reassign(.read, segmentLength: 512)
    let keepsAll = recovery.prepareReassignment(segmentLength: 512)
    #expect(keepsAll && recovery.expDataSN == 2 && !recovery.isResegmented)
    let keepsMore = recovery.prepareReassignment(segmentLength: 1024)
    #expect(!keepsMore && recovery.expDataSN == 1 && recovery.isResegmented)
    #expect(recovery.gaps.next == 1 && recovery.acknowledgedLength == 512)
    for tag in 1...2 as ClosedRange<UInt32> {
      _ = try recovery.receive(dataIn(recovery.gaps.next + 1))
      #expect(try recovery.resegment(parameters: parameters) == tag)
      #expect(recovery.isTagged && recovery.awaitsPDUs && !recovery.hasAll(of: 0))
      #expect(recovery.gaps.firstMissing == 1)
    }
    // The tag was the connection's; what was cut otherwise stays so.
    recovery.reassign(.read, segmentLength: 1024)
    let keepsAnything = recovery.prepareReassignment(segmentLength: 1024)
    #expect(!recovery.isTagged && !keepsAnything)
    #expect(try recovery.resegment(parameters: parameters) == 3)
    #expect(throws: ProtocolViolation.stillMissing(times: 4)) {
      _ = try recovery.resegment(parameters: parameters)
    }
  }
}
