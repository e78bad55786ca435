import Testing

@testable import FuzzTargets

/// The models the program is held against are right where published vectors say so, and object.
@Suite("Oracles of the fuzzer")
struct OracleTests {
  @Test("CRC32C: the check value of 123456789, and RFC 3720's 32 zeros")
  func checksum() {
    #expect(NaiveBytes.crc32c(Array("123456789".utf8)[...]) == 0xE306_9283)
    #expect(NaiveBytes.crc32c([UInt8](repeating: 0, count: 32)[...]) == 0x8A91_36AA)
  }

  @Test("base64: the vectors of RFC 4648, 10, with and without padding")
  func base64() {
    for (text, bytes) in [
      ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"), ("Zm9vYmE=", "fooba"),
      ("Zm9vYmFy", "foobar"),
    ] {
      let unpadded = text.utf8.filter { $0 != UInt8(ascii: "=") }
      #expect(NaiveBytes.base64(Array(text.utf8)) == Array(bytes.utf8))
      #expect(NaiveBytes.base64(unpadded) == Array(bytes.utf8))
    }
    for text in ["", "A", "AA=", "AAA==", "AB==", "A===", "====", "AA*A"] {
      #expect(NaiveBytes.base64(Array(text.utf8)) == nil, "\(text)")
    }
  }

  @Test("numbers and binary values: RFC 7143, 6.1's forms and no others")
  func values() {
    #expect(NaiveText.number("0x1F") == 31 && NaiveText.number("0017") == 17)
    for text in ["", "0x", "+1", "-1", "1 ", "0xg", "18446744073709551616"] {
      #expect(NaiveText.number(text[...]) == nil, "\(text)")
    }
    #expect(NaiveText.binary("0xAb") == [0xAB] && NaiveText.binary("0bqw") == [0xAB])
    #expect(NaiveText.binary("0x1") == nil && NaiveText.binary("ab") == nil)
  }

  @Test("a set of pieces is a map with an entry for every byte")
  func bytes() {
    var set = ByteSet()
    var map = [Bool](repeating: false, count: 64)
    // Steps of 27 visit every multiple of 4 below 64 once, in a shuffled order.
    for step in 0..<16 {
      let piece = step * 27 % 16 * 4..<step * 27 % 16 * 4 + 4
      #expect(!set.overlaps(piece))
      set.insert(piece)
      for index in piece { map[index] = true }
      for lower in 0..<64 {
        let end = map[lower...].firstIndex(of: true) ?? 64
        #expect(set.room(at: lower, end: 64) == (map[lower] ? 0 : end - lower))
        for upper in lower + 1...64 {
          #expect(set.overlaps(lower..<upper) == map[lower..<upper].contains(true))
          #expect(set.contains(lower..<upper) == !map[lower..<upper].contains(false))
        }
      }
      let starts = map.indices.count { map[$0] && $0 > 0 && !map[$0 - 1] }
      #expect(set.apartCount == starts)
      #expect(set.firstMissing == map.firstIndex(of: false) ?? 64)
    }
  }

  @Test("the model of a write objects to a byte sent twice, and to one nobody asked for")
  func write() throws {
    var model = WriteModel(expectedLength: 8, immediate: 2, unsolicited: 2)
    #expect(!model.isWhole)
    #expect(throws: Disagreement.self) {
      try model.send(tag: 0xFFFF_FFFF, offset: 0, length: 2, dataSN: 0, isFinal: true)
    }
    try model.send(tag: 0xFFFF_FFFF, offset: 2, length: 2, dataSN: 0, isFinal: true)
    #expect(throws: Disagreement.self) {
      try model.send(tag: 1, offset: 4, length: 1, dataSN: 0, isFinal: true)
    }
    func takes(_ offset: Int, _ length: Int) -> Bool {
      model.takes(
        r2tSN: 0, tag: 1, offset: offset, length: length, maxBurstLength: 8, maxOutstanding: 1)
    }
    #expect(takes(4, 4) && !takes(3, 4) && !takes(5, 3) && !takes(4, 5) && !takes(4, 0))
    model.ask(tag: 1, offset: 4, length: 4)
    #expect(model.isWhole && model.hasBurst && !model.isSent)
    try model.send(tag: 1, offset: 4, length: 4, dataSN: 0, isFinal: true)
    #expect(model.isSent)
  }

  @Test("the model of a write takes R2Ts in any order where that was negotiated, none twice")
  func writeInAnyOrder() {
    var model = WriteModel(
      expectedLength: 12, order: DataOrder(sequenceInOrder: false), immediate: 0, unsolicited: 2)
    func takes(_ offset: Int, _ length: Int, outstanding: Int = 2) -> Bool {
      model.takes(
        r2tSN: UInt32(model.requestCount), tag: 1, offset: offset, length: length,
        maxBurstLength: 8, maxOutstanding: outstanding)
    }
    #expect(takes(2, 4) && takes(8, 4) && !takes(1, 4) && !takes(8, 5) && !takes(2, 9))
    model.ask(tag: 1, offset: 8, length: 4)
    #expect(takes(2, 6) && !takes(2, 7) && !takes(8, 4) && !takes(2, 6, outstanding: 1))
    model.ask(tag: 2, offset: 2, length: 6)
    #expect(model.isWhole)
  }

  @Test("the model of a read objects to gaps, to bytes that have come, and to too many")
  func read() {
    var model = ReadModel(expectedLength: 8)
    #expect(!model.takes(dataSN: 1, offset: 0, length: 4, isFinal: false))
    #expect(!model.takes(dataSN: 0, offset: 4, length: 4, isFinal: false))
    model.receive(offset: 0, length: 4, isFinal: false)
    #expect(!model.takes(dataSN: 1, offset: 2, length: 4, isFinal: false) && !model.isWhole)
    #expect(!model.takes(dataSN: 1, offset: 4, length: 5, isFinal: false))
    model.receive(offset: 4, length: 4, isFinal: true)
    #expect(model.isWhole)
  }

  @Test("the model of a read orders PDUs in a sequence and sequences, each where it was negotiated")
  func readInAnyOrder() {
    func takes(
      _ offset: UInt32, _ length: Int, isFinal: Bool = false, pdu: Bool, sequence: Bool
    ) -> Bool {
      // 8 to 12 has come, of a sequence that goes on.
      var model = ReadModel(
        expectedLength: 16, order: DataOrder(pduInOrder: pdu, sequenceInOrder: sequence))
      model.receive(offset: 8, length: 4, isFinal: false)
      return model.takes(dataSN: 1, offset: offset, length: length, isFinal: isFinal)
    }
    #expect(takes(0, 8, pdu: false, sequence: false) && takes(12, 4, pdu: false, sequence: false))
    #expect(!takes(10, 4, pdu: false, sequence: false))
    #expect(!takes(12, 5, pdu: false, sequence: false))
    #expect(!takes(4, 4, pdu: true, sequence: false) && takes(12, 4, pdu: true, sequence: false))
    #expect(takes(0, 8, isFinal: true, pdu: false, sequence: true))
    #expect(!takes(0, 4, isFinal: true, pdu: false, sequence: true))
    #expect(takes(0, 4, pdu: false, sequence: true))
  }

  @Test("the model of a sequence keeps what was found missing together, splits it and is bounded")
  func numbers() {
    var model = NumberModel()
    #expect(model.arrive(0).isEmpty && model.arrive(4) == 1..<4 && model.known == 5)
    #expect(model.know(upTo: 7) == 5..<7 && model.know(upTo: 7).isEmpty)
    #expect(model.missing == [1, 2, 3, 5, 6] && model.firstMissing == 1)
    #expect(model.isNew(2) && model.isNew(7) && !model.isNew(4) && !model.isNew(-1))
    #expect(model.arrive(2).isEmpty && model.missing == [1, 3, 5, 6])
    #expect(model.isNear(7 + 4_096) && !model.isNear(7 + 4_097))
    for end in 8...12 { _ = model.know(upTo: end) }
    // 1, 3, 5 to 6, then five by themselves: eight runs, though six of them touch.
    #expect(!model.hasRoom(upTo: 13) && model.hasRoom(for: 11) && model.hasRoom(for: 12))
    var joined = model
    joined.join(upTo: 14)
    #expect(joined.known == 14 && joined.missing == Array(1..<14) && joined.hasRoom(upTo: 15))
    model.forget(from: 3)
    #expect(model.known == 3 && model.missing == [1])
  }

  @Test("the model of statuses acknowledges what has come and is not held, in order alone")
  func statuses() {
    var model = StatusModel(first: .max)
    #expect(model.number(of: 4094) == 4095 && model.number(of: 4095) == nil)
    #expect(!model.isBeyond(127) && model.isBeyond(128))
    #expect(model.number(of: .max &+ 0x8000_0000) == nil && model.number(of: .max - 1) == -1)
    #expect(model.arrive(1, isOrdered: false, isHeld: true).1 == 0..<1)
    #expect(model.arrive(2, isOrdered: true, isHeld: false).1 == 2..<3)
    #expect(model.expected == 0 && model.missing == [0, 2])
    #expect(model.arrive(0, isOrdered: false, isHeld: false).1.isEmpty)
    #expect(model.expected == 1 && model.missing == [2] && model.lose(0) == nil)
    let isAsked = model.release(1)
    #expect(!isAsked && model.expected == 2)
    #expect(model.lose(2)?.isAgain == true && model.lose(1) == nil)
  }

  @Test("the model of statuses asks for what was dropped as soon as it acknowledges anything")
  func dropped() {
    var model = StatusModel(first: 0)
    for number in 0..<128 {
      #expect(model.arrive(number, isOrdered: false, isHeld: number == 0).1.isEmpty)
    }
    let asks = (0..<2).map { _ in model.overrun(upTo: 129) }
    #expect(asks == [true, false] && model.expected == 0)
    let releases = (0..<2).map { _ in model.release(0) }
    #expect(releases == [true, false] && model.expected == 128 && model.missing == [128])
  }

  @Test("what has come, or was not asked for before, is not asked for")
  func asked() throws {
    var asked = AskedNumbers()
    #expect(throws: Disagreement.self) { try asked.ask(1..<3, isAgain: false) { $0 == 1 } }
    asked = AskedNumbers()
    #expect(throws: Disagreement.self) { try asked.ask(1..<2, isAgain: true) { _ in true } }
    try asked.ask(1..<3, isAgain: false) { _ in true }
    #expect(throws: Disagreement.self) { try asked.ask(2..<3, isAgain: false) { _ in true } }
    try asked.ask(2..<3, isAgain: true) { _ in true }
    #expect(asked.holds(all: [1, 2]) && !asked.holds(all: [3]))
  }

  @Test("the parts of a range that are missing lie between the pieces")
  func gaps() {
    var set = ByteSet(upTo: 4)
    set.insert(6..<8)
    #expect(set.gaps(in: 0..<10) == [4..<6, 8..<10] && set.gaps(in: 5..<7) == [5..<6])
    #expect(set.gaps(in: 6..<8) == [] && set.gaps(in: 5..<5) == [])
  }
}
