import Testing
import Wire

@testable import ISCSI

@Suite("Discovery by SendTargets (RFC 7143, appendix C)")
struct DiscoveryMachineTests {
  private static let portal = Portal(host: "10.0.0.9", port: 3261)

  /// A machine that has asked, and the target's side of the conversation.
  private struct Conversation {
    var machine: DiscoveryMachine
    var request: ProtocolDataUnit
    var statSN = SerialNumber(rawValue: 100)

    init() {
      var negotiated = NegotiatedParameters()
      negotiated.maxRecvDataSegmentLength = 32_768
      machine = DiscoveryMachine(
        login: LoginResult(
          negotiated: negotiated, tsih: 1, targetPortalGroupTag: nil, targetAlias: nil,
          cmdSN: SerialNumber(rawValue: 1), expStatSN: SerialNumber(rawValue: 100),
          expCmdSN: SerialNumber(rawValue: 1), maxCmdSN: SerialNumber(rawValue: 1)),
        portal: DiscoveryMachineTests.portal)
      request = machine.start()
    }

    @discardableResult
    mutating func text(
      _ text: [UInt8], isFinal: Bool, continues: Bool = false, tag: UInt32? = nil
    ) throws(DiscoveryError) -> DiscoveryAction {
      let response = TextResponse(
        isFinal: isFinal, continues: continues, initiatorTaskTag: InitiatorTaskTag(rawValue: 1),
        targetTransferTag: tag.map(TargetTransferTag.init(rawValue:)) ?? .reserved,
        statSN: statSN, expCmdSN: SerialNumber(rawValue: 1), maxCmdSN: SerialNumber(rawValue: 1))
      statSN = statSN.successor
      let action = try machine.received(ProtocolDataUnit(header: response.header, data: text))
      if case .send(let next) = action { request = next }
      return action
    }

    mutating func logout() throws(DiscoveryError) -> DiscoveryAction {
      let response = LogoutResponse(
        response: .closed, initiatorTaskTag: InitiatorTaskTag(rawValue: 2), statSN: statSN,
        expCmdSN: SerialNumber(rawValue: 1), maxCmdSN: SerialNumber(rawValue: 1))
      return try machine.received(ProtocolDataUnit(header: response.header))
    }
  }

  /// Everything one whole answer leads to.
  private func list(_ text: String) throws -> Conversation {
    var conversation = Conversation()
    try conversation.text(Array(text.utf8), isFinal: true)
    return conversation
  }

  private func names(_ conversation: Conversation) -> [String] {
    conversation.machine.targets.map {
      ([$0.name.value] + $0.portals.map(\.description)).joined(separator: " ")
    }
  }

  @Test("N01, N11 asks for All in the discovery session, logs out with reason 0, and is done")
  func wholeConversation() throws {
    var conversation = Conversation()
    #expect(
      conversation.request.encoded()
        == bytes(
          """
          44 80 00 00  00 00 00 10  00000000 00000000  00000001  ffffffff
          00000001  00000064  00000000 00000000 00000000 00000000
          53656e64 54617267 6574733d 416c6c00
          """))
    try conversation.text(
      Array("TargetName=iqn.2001-04.com.a:1\0TargetAddress=10.0.0.1:3260,1\0".utf8), isFinal: true)
    #expect(
      conversation.request.encoded()
        == bytes(
          """
          46 80 00 00  00 00 00 00  00000000 00000000  00000002  00000000
          00000001  00000065  00000000 00000000 00000000 00000000
          """))
    let expected = [
      DiscoveredTarget(
        name: try ISCSIName("iqn.2001-04.com.a:1"),
        portals: [Portal(host: "10.0.0.1", port: 3260, targetPortalGroupTag: 1)])
    ]
    #expect(try conversation.logout() == .completed(expected))
    #expect(throws: DiscoveryError.alreadyEnded) { try conversation.logout() }
  }

  @Test("N02, N04, N05, N06 no address, several, IPv6, names; duplicates are merged")
  func records() throws {
    let conversation = try list(
      "TargetName=iqn.2001-04.com.a:1\0TargetAddress=10.0.0.1:3260,1\0"
        + "TargetAddress=[2001:db8::1]:860,2\0TargetAddress=san.example.com\0"
        + "TargetName=iqn.2001-04.com.a:2\0TargetName=IQN.2001-04.com.a:1\0"
        + "TargetAddress=10.0.0.1:3260,1\0TargetAddress=10.0.0.3:3260,1\0")
    #expect(
      names(conversation) == [
        "iqn.2001-04.com.a:1 10.0.0.1:3260,1 [2001:db8::1]:860,2 san.example.com:3260 "
          + "10.0.0.3:3260,1",
        "iqn.2001-04.com.a:2 10.0.0.9:3261",
      ])
    #expect(conversation.machine.problems.isEmpty)
    #expect(try list("").machine.targets.isEmpty)
  }

  @Test(
    "N02 no target, one with 100 addresses, 10 000, and what 4 MiB hold of 10 000 with 100 each")
  func counts() throws {
    func addresses(_ count: Int) -> String {
      (0..<count).map { "TargetAddress=10.0.0.\($0):3260,1\0" }.joined()
    }
    #expect(try list("").machine.targets.isEmpty)
    let one = try list("TargetName=iqn.2001-04.com.a:0\0" + addresses(100)).machine.targets
    #expect(one.map(\.portals.count) == [100])
    for (addressCount, expected) in [(1, 10_000), (100, 4 << 20)] {
      var records = TargetRecords(portalInUse: Self.portal)
      var byteCount = 0
      for index in 0..<10_000 where !records.isFull {
        let text = Array(
          "TargetName=iqn.2001-04.com.a:\(index)\0\(addresses(addressCount))".utf8)
        byteCount += text.count
        records.append(text)
      }
      records.finish()
      if addressCount == 1 {
        #expect(records.targets.count == expected && records.problems.isEmpty)
      } else {
        // The last may have been cut off; those before it are whole.
        #expect(records.problems == [.tooMuchText: 1] && byteCount > expected)
        #expect(records.targets.dropLast().allSatisfy { $0.portals.count == 100 })
        #expect(records.targets.count > 1_000)
      }
    }
  }

  @Test("N03 an answer in 1 to 500 PDUs, cut wherever it falls, is the same answer")
  func pieces() throws {
    let text = Array(
      (0..<24).map { "TargetName=iqn.2001-04.com.a:\($0)\0TargetAddress=10.0.0.\($0):3260,1\0" }
        .joined().utf8)
    for count in 1...500 {
      var conversation = Conversation()
      for index in 0..<count {
        let (start, end) = (text.count * index / count, text.count * (index + 1) / count)
        let isLast = index == count - 1
        try conversation.text(
          Array(text[start..<end]), isFinal: isLast, continues: !isLast,
          tag: isLast ? nil : UInt32(index))
      }
      #expect(conversation.request.header.opcode == .logoutRequest)
      let found = conversation.machine.targets
      #expect(found.map(\.name.value) == (0..<24).map { "iqn.2001-04.com.a:\($0)" })
      #expect(
        found.map { $0.portals.map(\.description) } == (0..<24).map { ["10.0.0.\($0):3260,1"] })
    }
  }

  @Test("N03 an answer split at every byte, by C or by F, is the same answer")
  func splits() throws {
    let text = Array(
      ("TargetName=iqn.2001-04.com.a:1\0TargetAddress=[::1]:3260,1\0"
        + "TargetName=eui.0123456789abcdef\0").utf8)
    for split in 0...text.count {
      var conversation = Conversation()
      try conversation.text(
        Array(text[..<split]), isFinal: false, continues: split % 2 == 0, tag: 0x77)
      #expect(conversation.request.header.targetTransferTag.rawValue == 0x77)
      #expect(conversation.request.data.isEmpty)
      try conversation.text(Array(text[split...]), isFinal: true)
      #expect(
        names(conversation) == [
          "iqn.2001-04.com.a:1 [::1]:3260,1", "eui.0123456789abcdef 10.0.0.9:3261",
        ])
    }
    var drip = Conversation()
    for byte in text { try drip.text([byte], isFinal: false, continues: true, tag: 0x77) }
    try drip.text([], isFinal: true)
    #expect(drip.machine.targets.count == 2)
  }

  @Test("H38, H72 bad records are left out and counted; good ones stay")
  func badRecords() throws {
    let long = String(repeating: "x", count: 300)
    let conversation = try list(
      "TargetAddress=10.0.0.1\0junk\0TargetName=\0TargetAddress=10.0.0.1\0"
        + "TargetName=iqn.2001-04.com.a:\(long)\0TargetName=evil\n10.0.0.1:3260,1 x\0"
        + "TargetName=iqn.2001-04.com.a:1\0TargetAddress=[fe80::1%eth0]:3260,1\0"
        + "TargetAddress=unix:/run/x\0TargetAlias=hello\0TargetAddress=10.0.0.1:3260,1\0")
    #expect(names(conversation) == ["iqn.2001-04.com.a:1 10.0.0.1:3260,1"])
    #expect(
      conversation.machine.problems == [
        .addressWithoutName: 2, .malformedRecord: 1, .badName: 3, .badAddress: 2, .unknownKey: 1,
      ])
  }

  @Test("H37 10 000 targets, 1024 addresses each and 4 MiB are the most")
  func bounds() throws {
    var many = Conversation()
    var action = DiscoveryAction.wait
    for start in stride(from: 0, to: 20_000, by: 500) {
      let text = (start..<start + 500).map { "TargetName=iqn.2001-04.com.a:\($0)\0" }.joined()
      action = try many.text(Array(text.utf8), isFinal: false, tag: 1)
      if many.request.header.opcode == .logoutRequest { break }
    }
    #expect(action == .send(many.request))
    #expect(many.machine.targets.count == 10_000 && many.machine.problems == [.tooManyTargets: 1])

    var records = TargetRecords(portalInUse: Self.portal)
    records.append(Array("TargetName=iqn.2001-04.com.a:1\0".utf8))
    for index in 0..<2_000 {
      records.append(Array("TargetAddress=10.0.\(index / 250).\(index % 250)\0".utf8))
    }
    #expect(records.targets.first?.portals.count == 1024)
    #expect(records.problems == [.tooManyAddresses: 976])
    let block = [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 20)
    for _ in 0..<5 { records.append(block) }
    #expect(records.isFull && records.problems[.tooMuchText] == 1)
  }

  @Test("H37 empty answers for ever end the session; a deadline ends the list and keeps it")
  func endless() throws {
    var empty = Conversation()
    #expect(throws: DiscoveryError.tooManyExchanges(limit: 32)) {
      for _ in 0..<100 { try empty.text([], isFinal: false, tag: 1) }
    }
    var late = Conversation()
    try late.text(Array("TargetName=iqn.2001-04.com.a:1\0".utf8), isFinal: false, tag: 1)
    guard case .send(let logout) = late.machine.finish() else { return #expect(Bool(false)) }
    #expect(logout.header.opcode == .logoutRequest)
    #expect(try late.text([], isFinal: true) == .wait)
    #expect(try late.logout() == .completed(late.machine.targets))
    #expect(late.machine.targets.count == 1)
  }

  @Test("pings are answered, other PDUs and broken rules end the session")
  func otherPDUs() throws {
    var conversation = Conversation()
    let ping = NOPIn(
      targetTransferTag: TargetTransferTag(rawValue: 5), statSN: SerialNumber(rawValue: 100),
      expCmdSN: SerialNumber(rawValue: 1), maxCmdSN: SerialNumber(rawValue: 1))
    let action = try conversation.machine.received(ProtocolDataUnit(header: ping.header))
    guard case .send(let pong) = action else { return #expect(Bool(false)) }
    #expect(pong.header.opcode == .nopOut && pong.header.targetTransferTag.rawValue == 5)
    #expect(pong.header.initiatorTaskTag == .reserved)
    try conversation.text([], isFinal: true)

    var rejected = Conversation()
    let reject = Reject(
      reason: .commandNotSupported, statSN: SerialNumber(rawValue: 100),
      expCmdSN: SerialNumber(rawValue: 1), maxCmdSN: SerialNumber(rawValue: 1))
    #expect(throws: DiscoveryError.rejected(5)) {
      try rejected.machine.received(ProtocolDataUnit(header: reject.header))
    }
    var strange = Conversation()
    #expect(throws: DiscoveryError.unexpectedPDU(.dataIn)) {
      try strange.machine.received(
        ProtocolDataUnit(header: BasicHeaderSegment(opcode: .dataIn)))
    }
    var untagged = Conversation()
    #expect(throws: DiscoveryError.continuation) { try untagged.text([], isFinal: false) }
    var both = Conversation()
    #expect(throws: DiscoveryError.continuation) {
      try both.text([], isFinal: true, continues: true, tag: 1)
    }
    var jump = Conversation()
    jump.statSN = SerialNumber(rawValue: 7)
    #expect(throws: DiscoveryError.self) { try jump.text([], isFinal: true) }
  }
}
