import ISCSI
import SCSI
import Wire

/// A connection at ErrorRecoveryLevel 1 that takes PDUs as the reactor does, beside models of all
/// its numbers.
///
/// Every method returns false where the connection is given up, which must be for a reason.
struct RecoveringConnection {
  var window: StatusWindow
  var statuses: StatusModel
  var asked = AskedNumbers()
  var tasks: [RecoveringRead]
  let parameters: NegotiatedParameters
  /// Whether a status of one is waiting for its data, by task.
  var heldStatuses: [Int?]

  init(firstStatus: UInt32, parameters: NegotiatedParameters, tasks: [RecoveringRead]) {
    window = StatusWindow(expected: SerialNumber(rawValue: firstStatus))
    statuses = StatusModel(first: firstStatus)
    self.parameters = parameters
    self.tasks = tasks
    heldStatuses = tasks.map { _ in nil }
  }

  // MARK: - Numbers of statuses

  /// What holds whatever has happened.
  func check() throws(Disagreement) {
    try agree(window.expected.rawValue, statuses.wire(statuses.expected), "ExpStatSN")
    try agree(window.missingCount, statuses.missing.count, "statuses missing")
    try hold(asked.holds(all: statuses.missing), "every status missing was asked for")
  }

  /// Counts a StatSN; nil where the connection is given up.
  mutating func arrive(
    _ wire: UInt32, isOrdered: Bool = false, isHeld: Bool = false
  ) throws(Disagreement) -> StatusWindow.Arrival? {
    let number = statuses.number(of: wire)
    let found: StatusWindow.Arrival
    do throws(ProtocolViolation) {
      found = try window.arrive(
        SerialNumber(rawValue: wire), isOrdered: isOrdered, isHeld: isHeld)
    } catch {
      try Self.holdRefusal(error, isRight: number == nil, "StatSN")
      return nil
    }
    guard let number else { throw Disagreement("StatSN \(wire) is taken from afar") }
    guard !statuses.isBeyond(number) else {
      let isAsked = statuses.overrun(upTo: number + 1)
      try agree(found, .beyond(missing: isAsked ? .all : nil), "StatSN \(number), far ahead")
      try askForAll(isAsked)
      return found
    }
    let (expected, missing) = statuses.arrive(number, isOrdered: isOrdered, isHeld: isHeld)
    try agree(found, expected, "StatSN \(number)")
    if found == .new(missing: .all) {
      try askForAll(true)
    } else {
      try askForStatus(missing, isAgain: false)
    }
    try check()
    return found
  }

  /// A PDU with a StatSN came damaged.
  mutating func lose(_ wire: UInt32) throws(Disagreement) -> Bool {
    let number = statuses.number(of: wire)
    let found: (run: StatusModel.Run, isAgain: Bool)?
    do throws(ProtocolViolation) {
      found = try window.lose(SerialNumber(rawValue: wire))
    } catch {
      try Self.holdRefusal(error, isRight: number == nil, "damaged StatSN")
      return false
    }
    guard let number else { throw Disagreement("StatSN \(wire) is lost far away") }
    guard !statuses.isBeyond(number) else {
      let isAsked = statuses.overrun(upTo: number + 1)
      try agree(found?.run, isAsked ? .all : nil, "damaged StatSN \(number), far ahead")
      try askForAll(isAsked)
      return true
    }
    let loss = statuses.lose(number)
    try agree(found?.run, loss.flatMap { statuses.run($0.found) }, "damaged StatSN \(number)")
    try agree(found?.isAgain, loss?.isAgain, "damaged StatSN \(number) came before")
    if let loss, let found {
      // The last number of the run is the PDU's own.
      try agree(found.run.first &+ found.run.count &- 1, wire, "the end of the run")
      try askForStatus(loss.found, isAgain: loss.isAgain)
    }
    try check()
    return true
  }

  /// A ping of the target's tells the number it will use next.
  mutating func note(next wire: UInt32) throws(Disagreement) -> Bool {
    let number = statuses.number(of: wire)
    let found: StatusModel.Run?
    do throws(ProtocolViolation) {
      found = try window.note(next: SerialNumber(rawValue: wire))
    } catch {
      try Self.holdRefusal(error, isRight: number == nil, "StatSN of a ping")
      return false
    }
    guard let number else { throw Disagreement("StatSN \(wire) is noted from afar") }
    guard !statuses.isBeyond(number - 1) else {
      let isAsked = statuses.overrun(upTo: number)
      try agree(found, isAsked ? .all : nil, "missing before the next, \(number), far ahead")
      try askForAll(isAsked)
      return true
    }
    let missing = statuses.know(upTo: number)
    try agree(found, statuses.run(missing), "missing before the next, \(number)")
    try askForStatus(missing, isAgain: false)
    try check()
    return true
  }

  mutating func release(_ number: Int) throws(Disagreement) {
    let found = window.release(SerialNumber(rawValue: statuses.wire(number)))
    let isAsked = statuses.release(number)
    try agree(found, isAsked ? .all : nil, "what is asked for when StatSN \(number) is released")
    guard isAsked else { return try check() }
    try askForAll(true)
  }

  private mutating func askForStatus(_ run: Range<Int>, isAgain: Bool) throws(Disagreement) {
    guard let request = statuses.run(run) else { return }
    let model = statuses
    try asked.ask(run, isAgain: isAgain) { model.isMissing($0) }
    try SNACKProperties.check(.status, request, expStatSN: window.expected)
  }

  private mutating func askForAll(_ isAsked: Bool) throws(Disagreement) {
    asked.cover(statuses.missing)
    if isAsked {
      try SNACKProperties.check(.status, .all, isAll: true, expStatSN: window.expected)
    }
    try check()
  }

  /// A connection is given up only where it must be.
  static func holdRefusal(
    _ violation: ProtocolViolation, isRight: Bool, _ what: String
  ) throws(Disagreement) {
    try holdSentence(violation.sentence, of: "a violation")
    try hold(isRight, "\(what) is refused: \(violation.sentence)")
  }
}
