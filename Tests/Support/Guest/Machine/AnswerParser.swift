/// What comes from a guest's control channel, taken apart byte by byte.
///
/// Pure. The guest says `ready` once; after every script it says `done STATUS COUNT` and as many
/// bytes of output. Lines that are neither are noise of the line's first moments.
package struct AnswerParser {
  package enum Event: Equatable, Sendable {
    case ready
    case done(GuestResult)
  }

  private enum State {
    case line
    case output(status: Int32, count: Int)
  }

  private var state = State.line
  private var pending: [UInt8] = []

  package init() {}

  /// Takes what came; returns what it completes.
  package mutating func received(_ bytes: some Sequence<UInt8>) -> [Event] {
    var events: [Event] = []
    for byte in bytes {
      if let event = received(byte) { events.append(event) }
    }
    return events
  }

  private mutating func received(_ byte: UInt8) -> Event? {
    switch state {
    case .output(let status, let count):
      pending.append(byte)
      return pending.count == count ? finish(status: status) : nil
    case .line where byte == UInt8(ascii: "\n"):
      let words = String(decoding: pending, as: UTF8.self).split { $0 == " " || $0 == "\r" }
      pending = []
      if words == ["ready"] { return .ready }
      guard words.count == 3, words[0] == "done", let status = Int32(words[1]),
        let count = Int(words[2]), count >= 0
      else { return nil }
      if count == 0 { return finish(status: status) }
      state = .output(status: status, count: count)
      return nil
    case .line:
      pending.append(byte)
      return nil
    }
  }

  private mutating func finish(status: Int32) -> Event {
    let output = String(decoding: pending, as: UTF8.self)
    pending = []
    state = .line
    return .done(GuestResult(status: status, output: output))
  }
}
