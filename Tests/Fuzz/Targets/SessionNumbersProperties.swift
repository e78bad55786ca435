import ISCSI
import Wire

/// CmdSN, its window and StatSN beside numbers that never wrap.
enum SessionNumbersProperties {
  /// The most any number may be ahead of another for 32 bits to tell (RFC 1982).
  private static let reach = 1 << 31

  static func check(
    parameters: NegotiatedParameters, _ input: inout FuzzInput
  ) throws(Disagreement) {
    let first = input.near(0xFFFF_FFFE)
    let room = input.near(first &+ 3)
    var window = CommandWindow(
      cmdSN: SerialNumber(rawValue: first), expCmdSN: SerialNumber(rawValue: first),
      maxCmdSN: SerialNumber(rawValue: room))
    var machine = FullFeatureMachine(
      parameters: parameters, expStatSN: SerialNumber(rawValue: first))
    // Where the window ends, counted from the first command; before it when it is closed.
    var end = Int(Int32(bitPattern: room &- first))
    var numbered = 0
    var statuses: UInt32 = 0
    for _ in 0..<(input.byte() & 0x1F) {
      switch input.byte() & 3 {
      case 0, 1:
        let isOpen = window.isOpen
        if isOpen { try hold(numbered <= end, "a window is open only up to the greatest MaxCmdSN") }
        if numbered <= end && end - numbered < reach { try hold(isOpen, "there is room") }
        guard isOpen else { continue }
        try agree(window.numberCommand().rawValue, first &+ UInt32(numbered), "CmdSN")
        numbered += 1
      case 2:
        let newest = window.maxCmdSN.rawValue
        var header = BasicHeaderSegment(opcode: .nopIn)
        header.expCmdSN = SerialNumber(rawValue: input.near(first &+ UInt32(numbered)))
        header.maxCmdSN = SerialNumber(rawValue: input.near(newest &+ 1))
        window.update(from: header)
        let (expected, maximum) = (header.expCmdSN.rawValue, header.maxCmdSN.rawValue)
        let says = Int(Int32(bitPattern: maximum &+ 1 &- expected))
        let growth = Int(Int32(bitPattern: maximum &- newest))
        // Numbers 2^31 apart have no order: nothing is held of them.
        guard abs(says) < reach, abs(growth) < reach else { return }
        if says >= 0 && growth > 0 { end += growth }
        try agree(window.maxCmdSN.rawValue, first &+ UInt32(truncatingIfNeeded: end), "MaxCmdSN")
      default:
        var header = BasicHeaderSegment(opcode: .nopIn)
        header.statSN = SerialNumber(rawValue: input.near(first &+ statuses))
        let isNext = header.statSN.rawValue == first &+ statuses
        let isTaken = (try? machine.advanceStatus(from: header)) != nil
        try agree(isTaken, isNext, "StatSN \(header.statSN.rawValue) is taken")
        if isTaken { statuses &+= 1 }
        try agree(machine.expStatSN.rawValue, first &+ statuses, "ExpStatSN")
      }
    }
  }
}
