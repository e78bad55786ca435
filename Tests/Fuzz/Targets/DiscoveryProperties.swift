import ISCSI
import Wire

/// A discovery session with a target that may say anything, and the list it tells.
///
/// Input: the target's PDUs with FFh between them: kind and flags, then data.
enum DiscoveryProperties {
  private static let portal = Portal(host: "192.0.2.1", targetPortalGroupTag: 1)

  static func check(_ bytes: [UInt8]) throws(Disagreement) {
    let login = try loggedIn()
    var machine = DiscoveryMachine(login: login, portal: portal)
    var target = Target(cmdSN: login.cmdSN, statSN: login.expStatSN)
    try target.take(machine.start())
    var heard: [UInt8] = []
    var isListening = true
    for piece in FuzzInput.pieces(of: bytes, atMost: 256) where isListening {
      var input = FuzzInput(piece)
      let (unit, isText) = target.unit(&input)
      let wasListing = target.isListing
      guard let action = try answer(&machine, unit) else {
        isListening = false
        break
      }
      if isText && wasListing { heard += unit.data }
      switch action {
      case .send(let request): try target.take(request)
      case .wait: break
      case .completed(let targets):
        try agree(targets, machine.targets, "the list at the end")
        try checkEnd(machine)
        isListening = false
      }
    }
    let isCut = isListening && target.isListing
    if isCut {
      // The time is up.
      guard case .send(let request) = machine.finish() else {
        throw Disagreement("a discovery that is cut short logs out")
      }
      try target.take(request)
      try hold(!target.isListing, "a discovery that is cut short logs out")
    }
    try checkList(machine, heard: heard, isWhole: target.askedToLogOut && !isCut)
  }

  /// What the machine makes of `unit`; nil when it broke off.
  private static func answer(
    _ machine: inout DiscoveryMachine, _ unit: ProtocolDataUnit
  ) throws(Disagreement) -> DiscoveryAction? {
    let failure: DiscoveryError
    do { return try machine.received(unit) } catch { failure = error }
    try holdSentence(failure.sentence, of: "a discovery error")
    try checkEnd(machine)
    return nil
  }

  private static func loggedIn() throws(Disagreement) -> LoginResult {
    var login = FuzzLogin(session: .discovery)
    _ = try login.answer(Array("AuthMethod=None\0".utf8), next: .operationalNegotiation)
    _ = try login.answer([], next: .fullFeaturePhase, tsih: 1)
    guard let result = login.result else { throw Disagreement("a plain login for discovery") }
    return result
  }

  private static func checkEnd(_ machine: DiscoveryMachine) throws(Disagreement) {
    var machine = machine
    let unit = ProtocolDataUnit(header: BasicHeaderSegment(opcode: .textResponse))
    let found: DiscoveryError?
    do {
      _ = try machine.received(unit)
      found = nil
    } catch { found = error }
    try agree(found, .alreadyEnded, "a PDU behind the end")
  }

  /// Valid, each once, and the same when the text comes in one piece or byte by byte.
  private static func checkList(
    _ machine: DiscoveryMachine, heard text: [UInt8], isWhole: Bool
  ) throws(Disagreement) {
    // A list that broke off may have gone on in the middle of a record.
    let lastEnd = text.lastIndex(of: 0).map { $0 + 1 } ?? 0
    let heard = isWhole ? text : Array(text[..<lastEnd])
    let found = machine.targets
    let names = found.map { Array($0.name.value.utf8) }
    try agree(Set(names).count, names.count, "every target stands once")
    for target in found {
      try hold((1...1_024).contains(target.portals.count), "a target has 1 to 1024 portals")
      try agree(Set(target.portals).count, target.portals.count, "every portal stands once")
      for portal in target.portals { try NameProperties.check(portal) }
    }
    var whole = TargetRecords(portalInUse: portal)
    whole.append(heard)
    whole.finish()
    var single = TargetRecords(portalInUse: portal)
    for byte in heard { single.append([byte]) }
    single.finish()
    try agree(single.targets, whole.targets, "a list that came byte by byte")
    try agree(single.problems, whole.problems, "what was left out of it")
    var model = TargetListModel()
    for record in heard.split(separator: 0) { model.take(record) }
    let expected = model.targets.map { name, portals in
      (Array(name.utf8), portals.isEmpty ? [portal] : portals)
    }
    try agree(whole.targets.map { Array($0.name.value.utf8) }, expected.map(\.0), "names")
    try agree(whole.targets.map(\.portals), expected.map(\.1), "portals")
    if isWhole {
      try agree(found, whole.targets, "the list")
    } else {
      // The text that ended it may have told of more.
      try hold(
        names.count >= expected.count && zip(names, expected).allSatisfy { $0 == $1.0 },
        "what was heard is known")
    }
  }

  /// The target's side: what it was asked, and the numbers it must use to be believed.
  private struct Target {
    private let cmdSN: SerialNumber
    private var statSN: SerialNumber
    private(set) var isListing = true
    private(set) var askedToLogOut = false
    private var textTag = InitiatorTaskTag.reserved
    private var logoutTag = InitiatorTaskTag.reserved

    init(cmdSN: SerialNumber, statSN: SerialNumber) {
      (self.cmdSN, self.statSN) = (cmdSN, statSN)
    }

    /// Holds a request to the rules.
    mutating func take(_ unit: ProtocolDataUnit) throws(Disagreement) {
      let header = unit.header
      try hold(header.isImmediate, "a request of a discovery is immediate")
      try hold(header.isFinal, "a request of a discovery is one PDU")
      try agree(header.cmdSN, cmdSN, "CmdSN")
      try agree(header.expStatSN, statSN, "ExpStatSN")
      try hold(unit.additionalHeader.isEmpty, "no additional header")
      switch header.opcode {
      case .textRequest:
        try hold(isListing, "no text is asked for behind the end of the list")
        let isFirst = textTag == .reserved
        try agree(unit.data, isFirst ? Array("SendTargets=All\0".utf8) : [], "text")
        try agree(header.targetTransferTag == .reserved, isFirst, "a tag asks for more")
        textTag = header.initiatorTaskTag
      case .logoutRequest:
        (isListing, askedToLogOut) = (false, true)
        logoutTag = header.initiatorTaskTag
        try hold(logoutTag != textTag, "other requests, other tags")
      case .nopOut:
        try agree(header.initiatorTaskTag, .reserved, "an answer to a ping asks for none")
        try hold(header.targetTransferTag != .reserved, "an answer to a ping names it")
      default: throw Disagreement("\(header.opcode.name) is sent in a discovery")
      }
    }

    /// The next PDU of the target; whether it is text for the list.
    mutating func unit(_ input: inout FuzzInput) -> (ProtocolDataUnit, isText: Bool) {
      let flags = input.byte()
      let isSpoiled = flags & 0x30 == 0x30
      let number = isSpoiled ? statSN.advanced(by: UInt32(input.byte()) &- 2) : statSN
      var header: BasicHeaderSegment
      switch flags >> 6 {
      case 0, 1:
        header =
          TextResponse(
            isFinal: flags & 1 != 0, continues: flags & 2 != 0,
            initiatorTaskTag: flags & 4 == 0 ? textTag : InitiatorTaskTag(rawValue: UInt32(flags)),
            targetTransferTag: flags & 8 != 0 ? .reserved : TargetTransferTag(rawValue: 3),
            statSN: number, expCmdSN: cmdSN, maxCmdSN: cmdSN
          ).header
        statSN = number.successor
        return (ProtocolDataUnit(header: header, data: input.remainder()), true)
      case 2:
        header =
          NOPIn(
            targetTransferTag: flags & 8 != 0 ? .reserved : TargetTransferTag(rawValue: 9),
            statSN: number, expCmdSN: cmdSN, maxCmdSN: cmdSN
          ).header
      default:
        header = BasicHeaderSegment(opcode: flags & 1 == 0 ? .logoutResponse : .asyncMessage)
        if flags & 2 != 0 { header = BasicHeaderSegment(opcode: Opcode(rawValue: flags & 0x3F)) }
        header.initiatorTaskTag = flags & 4 == 0 ? logoutTag : textTag
        header.statSN = number
        if header.opcode == .asyncMessage { statSN = number.successor }
      }
      return (ProtocolDataUnit(header: header), false)
    }
  }
}
