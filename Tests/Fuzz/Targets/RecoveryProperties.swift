import ISCSI
import SCSI
import Wire

/// What is lost and comes again, from ErrorRecoveryLevel 1 on: `StatusWindow`, `NumberGaps`,
/// `TaskRecovery`, the bytes of a `TransferState`, `ConnectionRecovery`.
///
/// Input: what is played (bits 0 and 1) and in what order data come (bits 2 and 3), first numbers,
/// lengths, then PDUs that are lost, damaged, doubled, late or of any number.
enum RecoveryProperties {
  static let operationLimit = 256
  private static let taskCount = 3

  static func check(_ bytes: [UInt8]) throws(Disagreement) {
    var input = FuzzInput(bytes)
    let choice = input.byte()
    var parameters = NegotiatedParameters()
    parameters.errorRecoveryLevel = 1
    parameters.dataSequenceInOrder = choice & 0x04 == 0
    parameters.dataPDUInOrder = choice & 0x08 == 0
    switch choice & 0x03 {
    case 3: try ConnectionRecoveryProperties.check(&input)
    case 2: try RecoveringWrite.check(parameters, &input)
    default: try checkReads(parameters, &input)
    }
  }

  private static func checkReads(
    _ parameters: NegotiatedParameters, _ input: inout FuzzInput
  ) throws(Disagreement) {
    let firstStatus = input.near(0xFFFF_FFFE)
    let firstData = input.near(0)
    let (length, piece) = (Int(input.number16() >> 4), 1 + Int(input.byte()))
    let tasks = (1...UInt32(taskCount)).map {
      RecoveringRead(
        tag: $0, first: firstData, length: length, piece: piece, parameters: parameters)
    }
    var connection = RecoveringConnection(
      firstStatus: firstStatus, parameters: parameters, tasks: tasks)
    for _ in 0..<operationLimit where !input.isEmpty {
      let index = Int(input.byte()) % taskCount
      guard try step(&connection, index, &input) else { return }
      try connection.tasks[index].check()
    }
    try drain(&connection)
  }

  /// One PDU of the target, or one event; false where the connection is given up.
  private static func step(
    _ connection: inout RecoveringConnection, _ index: Int, _ input: inout FuzzInput
  ) throws(Disagreement) -> Bool {
    let choice = input.byte()
    let isAgain = choice & 1 != 0
    switch choice {
    case 0..<0x90: return try connection.receiveDataIn(index, &input)
    case 0x90..<0xB0: return try connection.receiveResponse(index, isAgain: isAgain, &input)
    case 0xB0..<0xC8:
      // An Async Message, a Reject, an answer to task management.
      let statSN = connection.statSN(isAgain: isAgain, &input)
      return try connection.arrive(statSN, isOrdered: true) != nil
    case 0xC8..<0xD8:
      return try connection.arrive(connection.statSN(isAgain: isAgain, &input)) != nil
    case 0xD8..<0xE4:
      return try connection.note(next: connection.statSN(isAgain: isAgain, &input))
    case 0xE4..<0xF0:
      return try connection.lose(connection.statSN(isAgain: isAgain, &input))
    case 0xF0..<0xF8:
      connection.tasks[index].forfeit()
      try connection.concludeHeld(index)
    default:
      let length = connection.tasks[index].piece
      switch choice {
      case 0xFA, 0xFB: try connection.tasks[index].reassign(to: max(1, length / 2))
      case 0xFC, 0xFD: try connection.tasks[index].reassign(to: min(4096, length * 2))
      default: try connection.tasks[index].reassign(to: length)
      }
      try connection.releaseHeld(index)
    }
    return true
  }

  /// When all that is missing comes and nothing is held any more, everything is acknowledged.
  private static func drain(_ connection: inout RecoveringConnection) throws(Disagreement) {
    for index in 0..<taskCount { try connection.releaseHeld(index) }
    // In their order, so that each is near enough to be taken.
    while let number = connection.statuses.missing.first {
      let wire = connection.statuses.wire(number)
      let isTaken: Bool
      if case .new = try connection.arrive(wire) { isTaken = true } else { isTaken = false }
      try hold(isTaken, "the missing StatSN \(number) is taken")
    }
    try agree(connection.window.missingCount, 0, "statuses missing in the end")
    try agree(
      connection.window.expected.rawValue, connection.statuses.wire(connection.statuses.known),
      "ExpStatSN in the end")
  }
}

/// PDUs, taken in the steps of the reactor.
extension RecoveringConnection {
  /// The next StatSN, one that is missing, or nearly so.
  func statSN(isAgain: Bool, _ input: inout FuzzInput) -> UInt32 {
    let missing = statuses.missing
    guard isAgain, !missing.isEmpty else { return input.near(statuses.wire(statuses.known)) }
    return statuses.wire(missing[Int(input.byte()) % missing.count])
  }

  mutating func receiveDataIn(
    _ index: Int, _ input: inout FuzzInput
  ) throws(Disagreement) -> Bool {
    let how = input.byte()
    let statSN = how & 0x04 != 0 ? statSN(isAgain: how & 0x20 != 0, &input) : 0
    let dataIn = tasks[index].dataIn(how, statSN: statSN, &input)
    switch try tasks[index].admit(dataIn) {
    case .refused: return false
    case .duplicate:
      // Its status may be new all the same: it was too far ahead, or comes with data that had come.
      guard dataIn.hasStatus else { return true }
      return try end(index, statSN, isGood: dataIn.status == .good, .dataIn)
    case .taken: break
    }
    let isDamaged = how & 0x08 != 0
    guard !tasks[index].isTagged else {
      if !isDamaged {
        guard try tasks[index].countBytes(dataIn, expStatSN: window.expected) else { return false }
      }
      return try holdBack(index, dataIn)
    }
    if isDamaged {
      guard try tasks[index].lose(dataIn, expStatSN: window.expected) != nil else { return false }
      if tasks[index].isTagged { return try holdBack(index, dataIn) }
      guard dataIn.hasStatus else { return true }
      return try lose(statSN)
    }
    switch try tasks[index].receive(dataIn, expStatSN: window.expected) {
    case .givenUp: return false
    case _ where tasks[index].isTagged: return try holdBack(index, dataIn)
    case .counted: break
    case .passedBy where tasks[index].isForfeited: break
    case .passedBy:
      guard dataIn.hasStatus else { return true }
      return try lose(statSN)
    }
    guard dataIn.hasStatus else {
      try concludeHeld(index)
      return true
    }
    return try end(index, statSN, isGood: dataIn.status == .good, .dataIn)
  }

  mutating func receiveResponse(
    _ index: Int, isAgain: Bool, _ input: inout FuzzInput
  ) throws(Disagreement) -> Bool {
    let isGood = input.bit()
    let statSN = statSN(isAgain: isAgain, &input)
    guard !tasks[index].isTagged else {
      return try endTagged(index, statSN, isGood: isGood, tag: input.near(tasks[index].snackTag))
    }
    let count = input.near(tasks[index].wire(tasks[index].numbers.known))
    if isGood {
      guard try tasks[index].extend(to: count, expStatSN: window.expected) else { return false }
    }
    return try end(index, statSN, isGood: isGood, .scsiResponse)
  }

  /// A status ends its task, or waits for the task's data.
  private mutating func end(
    _ index: Int, _ statSN: UInt32, isGood: Bool, _ opcode: Opcode
  ) throws(Disagreement) -> Bool {
    let isHeld = isGood && tasks[index].awaitsPDUs
    guard let arrival = try arrive(statSN, isHeld: isHeld) else { return false }
    guard case .new = arrival else { return true }
    guard isHeld else {
      try conclude(index)
      return true
    }
    let status = TaskRecovery.HeldStatus(
      statSN: SerialNumber(rawValue: statSN), residual: .none)
    let isFirst = heldStatuses[index] == nil
    try agree(tasks[index].keep(status, of: opcode), isFirst, "a task has one status")
    if isFirst { heldStatuses[index] = statuses.number(of: statSN) }
    return isFirst
  }

  /// The status of a Data-In behind an R-Data SNACK is held, where it has one.
  private mutating func holdBack(_ index: Int, _ dataIn: DataIn) throws(Disagreement) -> Bool {
    guard dataIn.hasStatus else { return true }
    return try holdBack(index, dataIn.header.statSN.rawValue, dataIn.status, .dataIn)
  }

  /// Any status behind an R-Data SNACK is held, in the place of what was before.
  private mutating func holdBack(
    _ index: Int, _ statSN: UInt32, _ status: SCSIStatus, _ opcode: Opcode
  ) throws(Disagreement) -> Bool {
    guard let arrival = try arrive(statSN, isHeld: true) else { return false }
    guard case .new = arrival else { return true }
    let number = statuses.number(of: statSN)
    _ = tasks[index].takeHeldStatus()
    try releaseHeld(index)
    let held = TaskRecovery.HeldStatus(
      statSN: SerialNumber(rawValue: statSN), residual: .none, status: status)
    let isKept = tasks[index].keep(held, of: opcode)
    try hold(isKept, "a status takes another's place")
    heldStatuses[index] = number
    return true
  }

  /// A SCSI Response behind an R-Data SNACK ends its task where it bears its tag and all bytes have
  /// come; where they have not all are asked for once more.
  private mutating func endTagged(
    _ index: Int, _ statSN: UInt32, isGood: Bool, tag: UInt32
  ) throws(Disagreement) -> Bool {
    guard try holdBack(index, statSN, isGood ? .good : .checkCondition, .scsiResponse) else {
      return false
    }
    guard heldStatuses[index].map(statuses.wire) == statSN, tag == tasks[index].snackTag else {
      return true
    }
    if isGood, tasks[index].bytes.firstMissing != tasks[index].length {
      guard try tasks[index].askForAll(window.expected) else { return false }
      guard tasks[index].isForfeited else { return true }
    }
    try conclude(index)
    return true
  }

  /// A status that waited for its data ends the task when they have come or never will.
  mutating func concludeHeld(_ index: Int) throws(Disagreement) {
    guard heldStatuses[index] != nil, !tasks[index].awaitsPDUs else { return }
    try conclude(index)
  }

  /// The task is over, and another has its place.
  private mutating func conclude(_ index: Int) throws(Disagreement) {
    let held = tasks[index].takeHeldStatus()?.statSN.rawValue
    try agree(held, heldStatuses[index].map(statuses.wire), "the status that was held")
    try releaseHeld(index)
    tasks[index] = tasks[index].successor
  }

  mutating func releaseHeld(_ index: Int) throws(Disagreement) {
    guard let number = heldStatuses[index].take() else { return }
    try hold(statuses.expected <= number, "a held status is not acknowledged")
    try release(number)
  }
}
