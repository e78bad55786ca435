/// What happened, as numbers: all of it in a hash, the last of it to be read.
struct Trace {
  enum Kind: UInt8 {
    case boot, fault
    case readBegan, writeBegan, syncBegan, interrupted, answered
    case command, status, taken, flushed, dataOut
    case sessionLost, loginTried, loggedIn, handedOver, resumed, dropped
    case linkDied, stalled, powerLost, phase
    case connectionLost, joined, loggedOut, snack, repeated, reassigned, rejoined
  }

  private struct Entry {
    var moment: UInt64
    var kind: Kind
    var values: (UInt64, UInt64, UInt64)
  }

  /// How much of the end is kept.
  private static let capacity = 60

  private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  private(set) var count = 0
  private var entries: [Entry] = []
  /// Called with every line; for who watches one seed.
  var printer: ((String) -> Void)?

  mutating func note(
    _ moment: UInt64, _ kind: Kind, _ first: UInt64, _ second: UInt64, _ third: UInt64
  ) {
    for value in [moment, UInt64(kind.rawValue), first, second, third] {
      hash = (hash ^ value) &* 0x0000_0100_0000_01B3
      hash ^= hash >> 29
    }
    let entry = Entry(moment: moment, kind: kind, values: (first, second, third))
    if entries.count < Self.capacity {
      entries.append(entry)
    } else {
      entries[count % Self.capacity] = entry
    }
    count += 1
    if let printer { printer(Self.line(entry)) }
  }

  /// The last events, the oldest first.
  var lines: [String] {
    let start = count % max(entries.count, 1)
    return (0..<entries.count).map { Self.line(entries[(start + $0) % entries.count]) }
  }

  private static func line(_ entry: Entry) -> String {
    let microseconds = entry.moment / 1000
    let fraction = String(microseconds % 1_000_000)
    let padded = String(repeating: "0", count: 6 - fraction.count) + fraction
    return "\(microseconds / 1_000_000).\(padded) s  \(text(entry.kind, entry.values))"
  }

  private static func text(_ kind: Kind, _ values: (UInt64, UInt64, UInt64)) -> String {
    let (a, b, c) = values
    return switch kind {
    case .boot: "a new daemon mounts, \(a) sessions, \(b) LUNs"
    case .fault: "fault: \(FaultKind(rawValue: Int(a)).map { "\($0)" } ?? "?") (\(b), \(c))"
    case .readBegan: "request \(a): READ of \(c) bytes at \(b)"
    case .writeBegan: "request \(a): WRITE of \(c) bytes at \(b)"
    case .syncBegan: "request \(a): FSYNC of LUN \(b)"
    case .interrupted: "the caller of request \(a) wants it over"
    case .answered: "request \(a) is answered: errno \(b), \(c) bytes"
    case .command: "session \(a): command 0x\(String(c, radix: 16)) with tag 0x\(hex(b)) arrives"
    case .status: "session \(a): status 0x\(String(c, radix: 16)) for tag 0x\(hex(b))"
    case .taken: "session \(a): the target takes \(c) bytes at \(b)"
    case .flushed: "session \(a): the target flushes LUN \(b)"
    case .dataOut: "session \(a): Data-Out for tag 0x\(hex(b)), \(c) bytes"
    case .sessionLost: "session \(a) is lost"
    case .loginTried: "session \(a): login attempt, \(b == 0 ? "refused" : "answered")"
    case .loggedIn: "session \(a): logged in at the target, the old nexus is dead"
    case .handedOver: "session \(a): the connection is handed over"
    case .resumed: "session \(a): its LUNs are known, commands go"
    case .dropped: "session \(a): dropped by the control plane"
    case .linkDied: "session \(a): the link dies, \(b == 0 ? "closed" : "reset")"
    case .stalled: "session \(a): the link stands still for \(b / 1_000_000) ms"
    case .powerLost: "\(a == 0 ? "the client" : "the target") loses power"
    case .phase: "phase \(a)"
    case .connectionLost: "session \(a): connection \(b) is lost at the target, its tasks stay"
    case .joined: "session \(a): connection \(b) is logged in"
    case .loggedOut: "session \(a): connection \(b) is logged out, reason \(c)"
    case .snack: "session \(a): SNACK \(b >> 32) for tag 0x\(hex(b & 0xFFFF_FFFF)), \(run(c))"
    case .repeated: "session \(a): opcode 0x\(hex(b)) number \(c) once more"
    case .reassigned: "session \(a): tag 0x\(hex(b)) goes on, data from \(c)"
    case .rejoined: "session \(a): the connection that replaces its only one is handed over"
    }
  }

  private static func run(_ value: UInt64) -> String {
    "\(value & 0xFFFF_FFFF) from \(value >> 32)"
  }

  private static func hex(_ value: UInt64) -> String { String(value, radix: 16) }
}
