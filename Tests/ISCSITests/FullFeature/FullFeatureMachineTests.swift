import ISCSI
import Testing
import Wire

@Suite("The numbers of a session in full feature phase")
struct FullFeatureMachineTests {
  private func machine(
    expStatSN: UInt32 = 1, _ parameters: NegotiatedParameters = NegotiatedParameters()
  ) -> FullFeatureMachine {
    FullFeatureMachine(parameters: parameters, expStatSN: SerialNumber(rawValue: expStatSN))
  }

  private func commandWindow(cmdSN: UInt32 = 10, maxCmdSN: UInt32 = 12) -> CommandWindow {
    CommandWindow(
      cmdSN: SerialNumber(rawValue: cmdSN), expCmdSN: SerialNumber(rawValue: cmdSN),
      maxCmdSN: SerialNumber(rawValue: maxCmdSN))
  }

  private func header(exp: UInt32, max: UInt32, stat: UInt32 = 0) -> BasicHeaderSegment {
    NOPIn(
      statSN: SerialNumber(rawValue: stat), expCmdSN: SerialNumber(rawValue: exp),
      maxCmdSN: SerialNumber(rawValue: max)
    ).header
  }

  @Test("F1.1, F3.1: commands are numbered one by one until MaxCmdSN, then the window is closed")
  func window() {
    var window = commandWindow()
    for expected: UInt32 in 10...12 {
      #expect(window.isOpen)
      #expect(window.numberCommand().rawValue == expected)
    }
    #expect(!window.isOpen)
    window.update(from: header(exp: 13, max: 12))
    #expect(!window.isOpen)
    window.update(from: header(exp: 13, max: 13))
    #expect(window.isOpen)
  }

  @Test("F21: CmdSN, its window and StatSN wrap")
  func wraps() throws {
    var window = commandWindow(cmdSN: 0xFFFF_FFFE, maxCmdSN: 1)
    var machine = machine(expStatSN: 0xFFFF_FFFF)
    for expected: UInt32 in [0xFFFF_FFFE, 0xFFFF_FFFF, 0, 1] {
      #expect(window.numberCommand().rawValue == expected)
    }
    #expect(!window.isOpen)
    window.update(from: header(exp: 0, max: 2))
    #expect(window.isOpen && window.expCmdSN.rawValue == 0)
    try machine.advanceStatus(from: header(exp: 0, max: 2, stat: 0xFFFF_FFFF))
    #expect(machine.expStatSN.rawValue == 0)
  }

  @Test("F22, H14: a window that goes backwards, or ends before it begins, says nothing")
  func backwards() {
    var window = commandWindow()
    window.update(from: header(exp: 11, max: 20))
    for (exp, max): (UInt32, UInt32) in [(11, 15), (10, 19), (22, 20), (12, 10)] {
      window.update(from: header(exp: exp, max: max))
      #expect(window.expCmdSN.rawValue == 11 && window.maxCmdSN.rawValue == 20)
    }
    window.update(from: header(exp: 11, max: 20 &+ 1 << 31))
    #expect(window.maxCmdSN.rawValue == 20)
  }

  @Test("F5.1, H13: StatSN must be the one expected", arguments: [0, 2, 1 + 1 << 31])
  func statSN(found: UInt32) {
    var machine = machine()
    #expect(throws: ProtocolViolation.statSN(expected: 1, found: found)) {
      try machine.advanceStatus(from: header(exp: 10, max: 12, stat: found))
    }
    #expect(machine.expStatSN.rawValue == 1)
  }

  /// RFC 7143, 4.2.5.2: FirstBurstLength holds for immediate and unsolicited data together.
  @Test(
    "F16.2.1, F16.2.2, F16.2.3, F16.2.4: what travels unasked is what was negotiated",
    arguments: [true, false], [true, false])
  func unsolicited(immediateData: Bool, initialR2T: Bool) {
    var parameters = NegotiatedParameters()
    parameters.immediateData = immediateData
    parameters.initialR2T = initialR2T
    parameters.firstBurstLength = 1024
    parameters.maxXmitDataSegmentLength = 512
    let machine = machine(parameters)
    for expected: UInt32 in [0, 100, 512, 700, 4096] {
      let lengths = machine.unsolicitedLengths(expectedLength: expected)
      #expect(lengths.immediate == (immediateData ? min(512, expected) : 0))
      #expect(
        lengths.unsolicited == (initialR2T ? 0 : min(1024, expected) - lengths.immediate))
    }
  }
}
