import Testing

@testable import ISCSI

@Suite("Outcome of every key (RFC 7143, 13)")
struct NegotiationTests {
  typealias Offer = WritableKeyPath<OperationalParameters, UInt32>
  typealias Outcome = KeyPath<NegotiatedParameters, UInt32>

  struct Number {
    let key: String
    let offer: Offer
    let outcome: Outcome
    let function: NumericalFunction
    /// Held when the target says nothing and offers do not matter.
    let unanswered: UInt32
  }

  static var numericalKeys: [Number] {
    [
      Number(
        key: "MaxConnections", offer: \.maxConnections, outcome: \.maxConnections,
        function: .minimum, unanswered: 1),
      Number(
        key: "MaxBurstLength", offer: \.maxBurstLength, outcome: \.maxBurstLength,
        function: .minimum, unanswered: 262_144),
      Number(
        key: "DefaultTime2Wait", offer: \.defaultTime2Wait, outcome: \.defaultTime2Wait,
        function: .maximum, unanswered: 2),
      Number(
        key: "DefaultTime2Retain", offer: \.defaultTime2Retain, outcome: \.defaultTime2Retain,
        function: .minimum, unanswered: 20),
      Number(
        key: "MaxOutstandingR2T", offer: \.maxOutstandingR2T, outcome: \.maxOutstandingR2T,
        function: .minimum, unanswered: 1),
      Number(
        key: "ErrorRecoveryLevel", offer: \.errorRecoveryLevel, outcome: \.errorRecoveryLevel,
        function: .minimum, unanswered: 0),
    ]
  }

  @Test("L22 InitialR2T, DataPDUInOrder, DataSequenceInOrder are ORed, ImmediateData ANDed")
  func booleans() throws {
    for ours in [false, true] {
      for theirs in [false, true] {
        let answer = theirs ? "Yes" : "No"
        for (key, offer, outcome) in [
          ("InitialR2T", \OperationalParameters.initialR2T, \NegotiatedParameters.initialR2T),
          ("DataPDUInOrder", \.dataPDUInOrder, \.dataPDUInOrder),
          ("DataSequenceInOrder", \.dataSequenceInOrder, \.dataSequenceInOrder),
        ] {
          if ours && !theirs {
            #expect(throws: LoginError.self) {
              try ScriptedLogin.negotiate("\(key)=\(answer)\0") { $0[keyPath: offer] = ours }
            }
          } else {
            let result = try ScriptedLogin.negotiate("\(key)=\(answer)\0") {
              $0[keyPath: offer] = ours
            }
            #expect(result?[keyPath: outcome] == (ours || theirs))
          }
        }
        if !ours && theirs {
          #expect(throws: LoginError.self) {
            try ScriptedLogin.negotiate("ImmediateData=Yes\0") { $0.immediateData = false }
          }
        } else {
          let result = try ScriptedLogin.negotiate("ImmediateData=\(answer)\0") {
            $0.immediateData = ours
          }
          #expect(result?.immediateData == (ours && theirs))
        }
      }
    }
  }

  @Test("L15 ImmediateData=Maybe fails the login")
  func maybe() {
    #expect(throws: LoginError.text(.notBoolean(key: "ImmediateData", value: "Maybe"))) {
      try ScriptedLogin.negotiate("ImmediateData=Maybe\0")
    }
  }

  @Test(
    "L19, L24, L26, L27, L28 numbers: the answer is taken when the function allows it",
    arguments: numericalKeys.indices)
  func numbers(_ index: Int) throws {
    let number = Self.numericalKeys[index]
    let range = try #require(OperationalKey(rawValue: number.key)).range
    let lower = UInt32(range.lowerBound)
    let upper = UInt32(range.upperBound)
    let middle = lower + (upper - lower) / 2
    for offer in Set([lower, middle, upper]) {
      for answer in Set([lower, middle, upper]) {
        let text = "\(number.key)=\(answer)\0"
        let change: (inout OperationalParameters) -> Void = {
          $0[keyPath: number.offer] = offer
          $0.firstBurstLength = 512
        }
        // FirstBurstLength=512 is answered so that MaxBurstLength alone matters.
        if number.function.outcome(offer, answer) == answer {
          let result = try ScriptedLogin.negotiate(text + "FirstBurstLength=512\0", change)
          #expect(result?[keyPath: number.outcome] == answer, "\(number.key) \(offer) \(answer)")
        } else {
          #expect(throws: LoginError.self, "\(number.key) \(offer) \(answer)") {
            try ScriptedLogin.negotiate(text, change)
          }
        }
      }
    }
    let outside = [UInt64(upper) + 1] + (lower == 0 ? [] : [UInt64(lower) - 1])
    for value in outside {
      #expect(throws: LoginError.text(.outOfRange(key: number.key, value: value, allowed: range))) {
        try ScriptedLogin.negotiate("\(number.key)=\(value)\0")
      }
    }
  }

  @Test(
    "H34 Reject, Irrelevant, NotUnderstood and silence leave what either side can live with",
    arguments: numericalKeys.indices)
  func refusals(_ index: Int) throws {
    let number = Self.numericalKeys[index]
    let ours = OperationalParameters()[keyPath: number.offer]
    let expected = number.function.outcome(ours, number.unanswered)
    for word in ["Reject", "Irrelevant", "NotUnderstood"] {
      let result = try ScriptedLogin.negotiate("\(number.key)=\(word)\0")
      #expect(result?[keyPath: number.outcome] == expected)
    }
    #expect(try ScriptedLogin.negotiate("")?[keyPath: number.outcome] == expected)
    #expect(throws: LoginError.self) { try ScriptedLogin.negotiate("\(number.key)=None\0") }
    #expect(throws: LoginError.self) { try ScriptedLogin.negotiate("\(number.key)=\0") }
  }

  @Test("H34 a refusal in place of any key's value is what silence is, but for a digest's Reject")
  func everyRefusal() throws {
    let silent = try ScriptedLogin.negotiate("")
    for key in OperationalKey.allCases {
      let isDigest = key == .headerDigest || key == .dataDigest
      for word in ["Irrelevant", "NotUnderstood", "Reject"] where !(isDigest && word == "Reject") {
        let result = try ScriptedLogin.negotiate("\(key.rawValue)=\(word)\0")
        #expect(result == silent, "\(key.rawValue)=\(word)")
      }
      if isDigest {
        #expect(try ScriptedLogin.negotiate("\(key.rawValue)=None\0") == silent)
        #expect(throws: LoginError.self) { try ScriptedLogin.negotiate("\(key.rawValue)=Reject\0") }
      } else {
        #expect(throws: LoginError.self, "\(key.rawValue)") {
          try ScriptedLogin.negotiate("\(key.rawValue)=None\0")
        }
      }
    }
  }

  @Test("L18 a further connection has digests of its own, whatever the session's first one has")
  func digestsOfAFurtherConnection() throws {
    var leading = NegotiatedParameters()
    (leading.headerDigest, leading.dataDigest) = (true, true)
    for (answer, holds) in [("None", false), ("CRC32C", true)] {
      var login = ScriptedLogin(
        session: .connection(targetName: ScriptedLogin.targetName, tsih: 0x1234, session: leading)
      ) { $0.operational.headerDigest = [.none, .crc32c] }
      try login.answer(
        "AuthMethod=None\0", current: .securityNegotiation, next: .operationalNegotiation,
        tsih: 0x1234)
      let result = try login.finish("HeaderDigest=\(answer)\0DataDigest=None\0")?.negotiated
      #expect(result?.headerDigest == holds && result?.dataDigest == false)
    }
  }

  @Test("L14, L25 FirstBurstLength is at most the offer and MaxBurstLength")
  func firstBurst() throws {
    #expect(try ScriptedLogin.negotiate("FirstBurstLength=512\0")?.firstBurstLength == 512)
    #expect(throws: LoginError.self) { try ScriptedLogin.negotiate("FirstBurstLength=262145\0") }
    #expect(throws: LoginError.firstBurstAboveMaxBurst(first: 65536, maximum: 4096)) {
      try ScriptedLogin.negotiate("MaxBurstLength=4096\0FirstBurstLength=65536\0")
    }
    let solicited = try ScriptedLogin.negotiate(
      "InitialR2T=Yes\0ImmediateData=No\0FirstBurstLength=Irrelevant\0MaxBurstLength=4096\0")
    #expect(solicited?.firstBurstLength == 4096)
    #expect(try ScriptedLogin.negotiate("MaxBurstLength=4096\0")?.firstBurstLength == 4096)
  }

  @Test("L23 MaxRecvDataSegmentLength is declared: in range, or 8192 when absent")
  func segmentLength() throws {
    for length: UInt32 in [512, 8192, 16_777_215] {
      let result = try ScriptedLogin.negotiate("MaxRecvDataSegmentLength=\(length)\0")
      #expect(result?.maxXmitDataSegmentLength == length)
      #expect(result?.maxRecvDataSegmentLength == 262_144)
    }
    #expect(try ScriptedLogin.negotiate("")?.maxXmitDataSegmentLength == 8192)
    for length in ["511", "0", "16777216", "-1", "x", "4294967296"] {
      #expect(throws: LoginError.self) {
        try ScriptedLogin.negotiate("MaxRecvDataSegmentLength=\(length)\0")
      }
    }
  }

  @Test("L12, L18 digests: one of the offered, and never a list")
  func digests() throws {
    let both: (inout OperationalParameters) -> Void = {
      $0.headerDigest = [.crc32c, .none]
      $0.dataDigest = [.none, .crc32c]
    }
    let last = try ScriptedLogin.negotiate("HeaderDigest=None\0DataDigest=CRC32C\0", both)
    #expect(last?.headerDigest == false && last?.dataDigest == true)
    for answer in ["CRC32C,None", "crc32c", "MD5", "", "Yes", "Reject"] {
      #expect(throws: LoginError.self, "\(answer)") {
        try ScriptedLogin.negotiate("HeaderDigest=\(answer)\0", both)
      }
    }
    #expect(throws: LoginError.self) { try ScriptedLogin.negotiate("HeaderDigest=CRC32C\0") }
    #expect(throws: LoginError.unanswered("HeaderDigest")) {
      try ScriptedLogin.negotiate("") { $0.headerDigest = [.crc32c] }
    }
    #expect(try ScriptedLogin.negotiate("", both)?.headerDigest == false)
  }

  @Test("L40, L43 iSCSIProtocolLevel and TaskReporting, offered or not")
  func levels() throws {
    let plain = try ScriptedLogin.negotiate("")
    #expect(plain?.iSCSIProtocolLevel == 1 && plain?.taskReporting == .rfc3720)
    let modern: (inout OperationalParameters) -> Void = {
      $0.iSCSIProtocolLevel = 2
      $0.taskReporting = [.fastAbort, .rfc3720]
    }
    let new = try ScriptedLogin.negotiate("iSCSIProtocolLevel=2\0TaskReporting=FastAbort\0", modern)
    #expect(new?.iSCSIProtocolLevel == 2 && new?.taskReporting == .fastAbort)
    let old = try ScriptedLogin.negotiate(
      "iSCSIProtocolLevel=NotUnderstood\0TaskReporting=NotUnderstood\0", modern)
    #expect(old?.iSCSIProtocolLevel == 1 && old?.taskReporting == .rfc3720)
    #expect(throws: LoginError.self) {
      try ScriptedLogin.negotiate("TaskReporting=ResponseFence\0", modern)
    }
    let lower = try ScriptedLogin.negotiate("iSCSIProtocolLevel=1\0", modern)
    #expect(lower?.iSCSIProtocolLevel == 1 && lower?.taskReporting == .rfc3720)
    for level in ["3", "32", "-1"] {
      #expect(throws: LoginError.self) {
        try ScriptedLogin.negotiate("iSCSIProtocolLevel=\(level)\0", modern)
      }
    }
  }

  @Test("L10 a key negotiated twice ends the login, in one PDU or in two")
  func twice() throws {
    #expect(throws: LoginError.repeatedKey("ImmediateData")) {
      try ScriptedLogin.negotiate("ImmediateData=Yes\0ImmediateData=Yes\0")
    }
    for key in OperationalKey.allCases {
      var login = ScriptedLogin()
      try login.passSecurity()
      try login.answer("\(key.rawValue)=Irrelevant\0")
      #expect(throws: LoginError.repeatedKey(key.rawValue)) {
        try login.answer("\(key.rawValue)=Irrelevant\0")
      }
    }
  }

  @Test("keys the target offers first are answered, and not offered again")
  func targetOffers() throws {
    var login = ScriptedLogin { $0.operational.maxConnections = 4 }
    try login.answer(
      "AuthMethod=None\0MaxConnections=8\0InitialR2T=Yes\0ImmediateData=No\0"
        + "MaxBurstLength=16777216\0HeaderDigest=MD5,None\0iSCSIProtocolLevel=2\0",
      current: .securityNegotiation, next: .operationalNegotiation)
    #expect(login.said("MaxConnections") == "4")
    #expect(login.said("InitialR2T") == "Yes")
    #expect(login.said("ImmediateData") == "No")
    #expect(login.said("MaxBurstLength") == "16776192")
    #expect(login.said("HeaderDigest") == "None")
    #expect(login.said("iSCSIProtocolLevel") == "1")
    #expect(Set(login.said.map(\.key)).count == login.said.count)
    let result = try login.finish()?.negotiated
    #expect(result?.maxConnections == 4 && result?.maxBurstLength == 16_776_192)
    #expect(result?.initialR2T == true && result?.immediateData == false)
  }
}
