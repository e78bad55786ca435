import ISCSI

/// One session at the target: the numbers of its commands, its tasks, what it has been told, and
/// its connections.
final class Nexus {
  let world: World
  unowned let target: SimulatedTarget
  let session: Int
  /// What all connections have in common.
  let parameters: NegotiatedParameters
  /// False once the session is over at the target: nothing of it happens any more.
  private(set) var isAlive = true
  var expCmdSN: UInt32
  private(set) var maxCmdSN: UInt32
  private let window: UInt32
  private var isWindowClosed = false
  /// What was told before.
  private var toldBefore: (expCmdSN: UInt32, maxCmdSN: UInt32)
  /// In the order they came.
  var tasks: [TargetTask] = []
  /// Those whose status may still be asked for.
  var answered: [TargetTask] = []
  /// Sense codes each unit has to tell first.
  var attentions: [[(code: UInt8, qualifier: UInt8)]]
  var connections: [NexusConnection] = []
  /// Connections that are gone, and whose tasks wait for another; logged out already, or not.
  var lost: [NexusConnection] = []
  var loggedOut: [NexusConnection] = []
  /// Commands that did not get through, and those that came, by CmdSN.
  var dropped: [UInt32: DroppedCommand] = [:]
  var seen: [UInt32: [UInt8]] = [:]
  /// Those whose status was acknowledged.
  private(set) var over: Set<UInt32> = []
  /// Numbers that were ended before their commands had come.
  var skipped: Set<UInt32> = []
  /// Functions that wait for all commands before them (RFC 7143, 4.2.3.3).
  var waiting: [(cmdSN: UInt32, action: () -> Void)] = []
  private(set) var nextTransferTag: UInt32 = 1
  /// Data of the last read by slot and length, for a planted bug.
  var lastReads: [Int: [UInt8]] = [:]

  /// A command that did not get through, and must come again as it was.
  struct DroppedCommand {
    var header: [UInt8]
    var connection: NexusConnection
  }

  init(world: World, target: SimulatedTarget, link: Link) {
    self.world = world
    self.target = target
    session = link.session
    parameters = link.parameters
    let connection = NexusConnection(world: world, target: target, link: link)
    expCmdSN = connection.statSN &+ 77
    window = UInt32(world.random.pick([1, 2, 4, 32, 32]))
    maxCmdSN = expCmdSN &+ window &- 1
    toldBefore = (expCmdSN, maxCmdSN)
    attentions = Array(repeating: [], count: world.scenario.unitCount)
    connections = [connection]
    connection.join(self)
  }

  /// Whether commands may come in another order than that of their numbers.
  var mayComeUnordered: Bool { parameters.maxConnections > 1 || parameters.errorRecoveryLevel > 0 }

  // MARK: - Ends

  /// The session is over, with everything in it.
  ///
  /// - Parameter isInOrder: what was sent before still arrives.
  func end(isInOrder: Bool = false) {
    guard isAlive else { return }
    isAlive = false
    for task in tasks { target.abort(task) }
    target.forget(self)
    waiting = []
    for connection in connections {
      connection.close()
      if isInOrder {
        connection.link.dieBehindLast()
      } else {
        connection.link.die(isFault: false)
      }
    }
  }

  func finish(_ task: TargetTask) {
    task.isEnded = true
    tasks.removeAll { $0 === task }
  }

  /// The same with an answer, which may be asked for again.
  func finish(_ task: TargetTask, with answer: TargetTask.Answer) {
    finish(task)
    task.answer = answer
    if parameters.errorRecoveryLevel > 0 { answered.append(task) }
  }

  /// The initiator has its status.
  func forgetAnswered(_ task: TargetTask) {
    answered.removeAll { $0 === task }
    over.insert(task.cmdSN)
  }

  /// Ends a task with a status.
  func respond(
    _ task: TargetTask, status: UInt8, sense: [UInt8] = [], response: UInt8 = 0,
    dataCount: UInt32 = 0, missing: Int = 0
  ) {
    guard isAlive, !task.isEnded else { return }
    let answer = TargetTask.Answer(
      status: status, sense: sense, response: response, dataCount: dataCount, missing: missing)
    finish(task, with: answer)
    world.note(.status, session, UInt64(task.tag), UInt64(status))
    task.connection?.send(answer, of: task)
  }

  // MARK: - The window

  /// What a PDU says of the window; one or the other is told late.
  func window(toldBy opcode: UInt8) -> (expCmdSN: UInt32, maxCmdSN: UInt32) {
    let maximum = expCmdSN &+ window &- UInt32(min(tasks.count, Int(window))) &- 1
    if !isWindowClosed, Int32(bitPattern: maximum &- maxCmdSN) > 0 { maxCmdSN = maximum }
    // A Logout Response and what refuses something must be right.
    if mayComeUnordered, opcode != 0x26, opcode != 0x3F, world.wantsInRecovery(10) {
      world.inject(.windowToldLate, session)
      return toldBefore
    }
    toldBefore = (expCmdSN, maxCmdSN)
    return toldBefore
  }

  /// Opens no window for a while.
  func closeWindow(for duration: UInt64) {
    guard !isWindowClosed else { return }
    isWindowClosed = true
    world.after(duration) { [weak self] in
      guard let self, isAlive else { return }
      isWindowClosed = false
      connections.first?.ping(wantsAnswer: false)
    }
  }

  func takeTransferTag() -> UInt32 {
    nextTransferTag += 1
    return nextTransferTag - 1
  }

  func shuffle<Element>(_ list: inout [Element]) {
    for index in list.indices.reversed() where index > 0 {
      list.swapAt(index, world.random.below(index + 1))
    }
  }

  /// Sense data in fixed format.
  static func sense(
    _ key: UInt8, _ code: UInt8, _ qualifier: UInt8, isDeferred: Bool = false
  ) -> [UInt8] {
    [isDeferred ? 0x71 : 0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, code, qualifier, 0, 0, 0, 0]
  }
}
