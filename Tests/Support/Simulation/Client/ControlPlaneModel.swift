import Glibc
import ISCSI
import LinuxIO
import Reactor
import Wire

@testable import ControlPlane

/// What the control plane does about sessions: logs in, waits, reinstates, hands over, looks, gives
/// up. How long it waits is the real one's schedule.
final class ControlPlaneModel {
  let world: World
  let target: SimulatedTarget
  let sessions: [SessionModel]
  private(set) var client: Client
  /// Sessions lost so far that were seen.
  private var seenLossCount = 0
  private var returnCount = 0
  /// How often each unit had lost bytes when the last of them was.
  private(set) var noticedLosses: [Int]

  init(world: World, target: SimulatedTarget, client: Client) {
    self.world = world
    self.target = target
    self.client = client
    noticedLosses = Array(repeating: 0, count: world.scenario.unitCount)
    sessions = (0..<world.scenario.sessionCount).map { _ in SessionModel() }
  }

  /// Logs all sessions in, for a daemon that has just begun.
  func start() {
    for index in sessions.indices { plan(index, after: 0) }
  }

  /// Ends everything of the daemon before, and begins with another.
  func restart(_ client: Client) {
    self.client = client
    for session in sessions { session.forget() }
    start()
  }

  /// Whether every session has a connection that works as far as anyone knows.
  var areAllUp: Bool {
    sessions.indices.allSatisfy {
      sessions[$0].state == .up && sessions[$0].link?.isDead == false && areOthersUp($0)
    }
  }
  /// Whether every session of this daemon has been there once.
  var areAllKnown: Bool { sessions.allSatisfy(\.isKnown) }
  /// Since when the session that is away for the longest has been.
  var awaySince: UInt64? { sessions.compactMap(\.lostAt).min() }

  /// The same, from when the target last said anything to it.
  var silentSince: UInt64? {
    sessions.indices.compactMap { index in
      let session = sessions[index]
      // What the reactor has just lost this has not seen yet.
      guard let lostAt = session.lostAt else {
        return client.isLost(index) ? session.silentSince : nil
      }
      return min(lostAt, session.silentAt)
    }.min()
  }

  /// Sessions lost so far, those too that the reactor has just lost and this has not seen yet.
  var lossCount: Int {
    seenLossCount
      + sessions.indices.count {
        sessions[$0].state != .away && client.isLost($0) && !client.awaitsLogin($0)
      }
  }

  /// The same and sessions that came back beside others: a flush over one proves nothing of what
  /// others brought before.
  var changeCount: Int { lossCount + returnCount }

  /// Takes what the clients have sent; true when there was something.
  func collect() -> Bool {
    var hasCome = false
    for session in sessions {
      if let link = session.link, link.collect() { hasCome = true }
      for link in session.otherLinks where link.collect() { hasCome = true }
    }
    return hasCome
  }

  /// Ends every connection, whatever state it is in.
  func endLinks() {
    for session in sessions {
      session.link?.die(isFault: false)
      for link in session.otherLinks { link.die(isFault: false) }
    }
  }

  /// Sees what the reactor has lost.
  func look() {
    for index in sessions.indices {
      if sessions[index].state != .away, client.isLost(index) {
        lose(index)
      } else if world.scenario.recovery != nil {
        lookAtConnections(index)
      }
    }
  }

  private func lose(_ index: Int) {
    let session = sessions[index]
    world.note(.sessionLost, index)
    session.keepsTasks = client.awaitsLogin(index)
    session.countsAsKept = session.keepsTasks
    if !session.keepsTasks { noteLoss() }
    session.state = .away
    session.epoch += 1
    if session.lostAt == nil {
      session.lostAt = world.now
      session.silentAt = session.silentSince ?? world.now
    }
    session.outageAt = world.now
    session.joining = nil
    let stay = world.now - session.backAt
    let asked = UInt64(waitAsked(index)) * World.second
    let first = stay < World.second ? World.second - stay : 0
    plan(index, after: max(first, asked))
  }

  /// The tasks of a session are over at its target, and the reactor hears of it.
  func noteLoss() {
    seenLossCount += 1
    noticedLosses = target.media.map(\.lossCount)
    client.plantAtLoss()
  }

  func plan(_ index: Int, after delay: UInt64) {
    let (session, epoch) = (sessions[index], sessions[index].epoch)
    world.after(delay) { [weak self] in
      guard let self, session.epoch == epoch else { return }
      logIn(index)
    }
  }

  func planAgain(_ index: Int, isUnanswered: Bool = false) {
    let session = sessions[index]
    let seconds = session.schedule.delay(
      isPermanent: false, isUrgent: isUnanswered && world.scenario.recovery != nil,
      random: world.random.fraction())
    let parts = seconds.components
    plan(
      index,
      after: UInt64(parts.seconds) * World.second + UInt64(parts.attoseconds / 1_000_000_000))
  }

  /// One attempt: the request travels, the target decides, the answer travels.
  private func logIn(_ index: Int) {
    let (session, epoch) = (sessions[index], sessions[index].epoch)
    if world.wants(60) {
      world.inject(.loginRefused, index)
      return planAgain(index, isUnanswered: true)
    }
    world.after(world.random.delay(upTo: 100 * World.millisecond)) { [weak self] in
      guard let self, session.epoch == epoch else { return }
      if mayRejoin(index) { arriveAgain(index) } else { arrive(index) }
    }
  }

  /// A socket as the network gives one; nil when none is left.
  func pair() -> (SocketEnd, theirs: CInt)? {
    let room = world.random.pick([CInt](arrayLiteral: 4 << 20, 4 << 20, 65_536, 4608))
    guard let pair = SocketEnd.pair(SOCK_STREAM, sendBytes: room) else {
      world.violate("no descriptor is left")
      return nil
    }
    return pair
  }

  private func arrive(_ index: Int) {
    let (session, epoch) = (sessions[index], sessions[index].epoch)
    guard !target.isDown else {
      world.note(.loginTried, index, 0)
      return planAgain(index, isUnanswered: true)
    }
    guard let (socket, theirs) = pair() else { return }
    let parameters = world.scenario.negotiate(&world.random)
    let link = Link(world: world, socket: socket, session: index, parameters: parameters)
    session.link = link
    session.forgetConnections()
    let nexus = target.login(link)
    session.nexus = nexus
    if world.wants(30) {
      // The target has a new session, and we do not know.
      world.inject(.loginLost, index)
      Glibc.close(theirs)
      return world.after(15 * World.second) { [weak self] in
        guard let self, session.epoch == epoch else { return }
        planAgain(index)
      }
    }
    let numbers = (nexus.connections[0].statSN, nexus.expCmdSN, nexus.maxCmdSN)
    let descriptor = OwnedBox(OwnedDescriptor(owning: theirs))
    world.after(world.random.delay(upTo: 100 * World.millisecond)) { [weak self] in
      guard let self, session.epoch == epoch, let descriptor = descriptor.take() else { return }
      var handover = ConnectionHandover(
        socket: descriptor, connectionID: 0, parameters: parameters,
        cmdSN: SerialNumber(rawValue: numbers.1), expStatSN: SerialNumber(rawValue: numbers.0),
        expCmdSN: SerialNumber(rawValue: numbers.1), maxCmdSN: SerialNumber(rawValue: numbers.2),
        earlyBytes: [], timeouts: world.scenario.timeouts)
      handover.isHeld = true
      endKeeping(index)
      client.port.start(client.session(index), handover)
      world.note(.handedOver, index)
      session.state = .held
      session.isKnown = true
      verify(index)
    }
  }

  /// Asks whose LUNs are behind the connection, then lets commands go.
  func verify(_ index: Int) {
    let (session, epoch) = (sessions[index], sessions[index].epoch)
    world.after(world.random.delay(upTo: 500 * World.millisecond)) { [weak self] in
      guard let self, session.epoch == epoch, session.state == .held else { return }
      if world.wants(30) {
        world.inject(.lookFailed, index)
        world.note(.dropped, index)
        return client.port.drop(client.session(index))
      }
      session.state = .up
      if sessions.count > 1 { returnCount += 1 }
      session.backAt = world.now
      session.lostAt = nil
      session.keepsTasks = false
      session.refusesMore = false
      session.schedule = RecoverySchedule()
      client.port.resume(client.session(index))
      world.note(.resumed, index)
      // What the LUNs had to tell, the questions have heard.
      if world.random.chance(500) { target.forgetAttentions(index) }
    }
  }
}
