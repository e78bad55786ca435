import Glibc
import ISCSI
import LinuxIO
import Reactor
import Wire

@testable import ControlPlane

/// Further connections of a session, and the one that replaces its only one: what the control plane
/// does about what the reactor tells it. The model reads the reactor's tables instead of its
/// events, which say the same, because those can only be awaited.
extension ControlPlaneModel {
  /// The seconds a target wants to be left alone for, or were agreed on (RFC 7143, 13.15).
  func waitAsked(_ index: Int) -> Int {
    let asked = target.takeWait(index)
    guard world.scenario.recovery != nil, asked == 0 else { return asked }
    return Int(sessions[index].link?.parameters.defaultTime2Wait ?? 0)
  }

  /// Whether what there is of a session's connections works as far as anyone knows.
  func areOthersUp(_ index: Int) -> Bool {
    guard world.scenario.recovery != nil else { return true }
    guard client.recoveringIDs(index).isEmpty else { return false }
    return client.connectionIDs(index).allSatisfy {
      sessions[index].link($0)?.isDead == false
    }
  }

  // MARK: - Further connections

  /// Sees which connections of a session are missing, and has them logged in one by one.
  func lookAtConnections(_ index: Int) {
    let session = sessions[index]
    // Nobody waits for the tasks any more.
    if session.state == .away, !client.awaitsLogin(index) { endKeeping(index) }
    guard session.state == .up, session.joining == nil, !session.refusesMore,
      let parameters = session.link?.parameters
    else { return }
    let wanted = min(
      parameters.maxConnections, UInt32(world.scenario.recovery?.connectionCount ?? 1))
    let (present, lost) = (client.connectionIDs(index), client.recoveringIDs(index))
    guard
      let missing = (0..<UInt16(wanted)).first(where: {
        !present.contains($0) && !lost.contains($0)
      })
    else { return }
    session.joining = missing
    planJoin(
      index, missing,
      after: session.known.contains(missing)
        ? World.second + world.random.delay(upTo: 3 * World.second) : 0)
  }

  private func planJoin(_ index: Int, _ connectionID: UInt16, after delay: UInt64) {
    let (session, epoch) = (sessions[index], sessions[index].epoch)
    world.after(delay) { [weak self] in
      guard let self, session.epoch == epoch, session.joining == connectionID else { return }
      world.after(world.random.delay(upTo: 100 * World.millisecond)) { [weak self] in
        guard let self, session.epoch == epoch, session.joining == connectionID else { return }
        join(index, connectionID)
      }
    }
  }

  private func planJoinAgain(_ index: Int, _ connectionID: UInt16, after delay: UInt64 = 0) {
    let seconds = sessions[index].joinSchedule.delay(
      isPermanent: false, random: world.random.fraction())
    let parts = seconds.components
    planJoin(
      index, connectionID,
      after: delay + UInt64(parts.seconds) * World.second
        + UInt64(parts.attoseconds / 1_000_000_000))
  }

  /// One attempt at a further connection.
  private func join(_ index: Int, _ connectionID: UInt16) {
    let (session, epoch) = (sessions[index], sessions[index].epoch)
    if world.wants(60) || target.isDown {
      if !target.isDown { world.inject(.loginRefused, index) }
      return planJoinAgain(index, connectionID)
    }
    guard let first = session.nexus?.parameters ?? session.link?.parameters,
      let (socket, theirs) = pair()
    else { return }
    let parameters = world.scenario.negotiate(&world.random, joining: first)
    let link = Link(
      world: world, socket: socket, session: index, connectionID: connectionID,
      parameters: parameters)
    guard let connection = target.join(link, to: session.nexus), let nexus = session.nexus else {
      Glibc.close(theirs)
      session.joining = nil
      session.refusesMore = true
      return
    }
    session.set(link, as: connectionID)
    session.known.insert(connectionID)
    if world.wants(30) {
      world.inject(.loginLost, index)
      Glibc.close(theirs)
      return planJoinAgain(index, connectionID, after: 15 * World.second)
    }
    let numbers = (connection.statSN, nexus.expCmdSN, nexus.maxCmdSN)
    let descriptor = OwnedBox(OwnedDescriptor(owning: theirs))
    world.after(world.random.delay(upTo: 100 * World.millisecond)) { [weak self] in
      guard let self, session.epoch == epoch, session.joining == connectionID,
        let socket = descriptor.take()
      else { return }
      session.joining = nil
      session.joinSchedule = RecoverySchedule()
      client.port.join(
        client.session(index), at: client.place(index, connectionID),
        makeHandover(socket, connectionID, parameters, numbers))
    }
  }

  private func makeHandover(
    _ socket: consuming OwnedDescriptor, _ connectionID: UInt16,
    _ parameters: NegotiatedParameters, _ numbers: (UInt32, UInt32, UInt32)
  ) -> ConnectionHandover {
    ConnectionHandover(
      socket: socket, connectionID: connectionID, parameters: parameters,
      cmdSN: SerialNumber(rawValue: numbers.1), expStatSN: SerialNumber(rawValue: numbers.0),
      expCmdSN: SerialNumber(rawValue: numbers.1), maxCmdSN: SerialNumber(rawValue: numbers.2),
      earlyBytes: [], timeouts: world.scenario.timeouts)
  }

  // MARK: - The only connection comes back

  /// Whether a lost session is logged in with its TSIH: while the target keeps its tasks.
  func mayRejoin(_ index: Int) -> Bool {
    let session = sessions[index]
    guard session.keepsTasks, let parameters = session.link?.parameters else { return false }
    let kept = parameters.defaultTime2Wait + parameters.defaultTime2Retain
    session.keepsTasks = world.now < session.outageAt + UInt64(kept) * World.second
    return session.keepsTasks
  }

  /// The reactor gives the tasks of a session up: it does not wait for them any more, or is given a
  /// new session's connection, however long the control plane has known.
  func endKeeping(_ index: Int) {
    let session = sessions[index]
    session.keepsTasks = false
    guard session.countsAsKept else { return }
    session.countsAsKept = false
    noteLoss()
  }

  /// A login with the lost session's TSIH and CID has arrived, which logs that connection out.
  func arriveAgain(_ index: Int) {
    let (session, epoch) = (sessions[index], sessions[index].epoch)
    guard !target.isDown, let first = session.link?.parameters else {
      world.note(.loginTried, index, 0)
      return planAgain(index, isUnanswered: true)
    }
    guard let (socket, theirs) = pair() else { return }
    let parameters = world.scenario.negotiate(&world.random, joining: first)
    let link = Link(world: world, socket: socket, session: index, parameters: parameters)
    guard let connection = target.join(link, to: session.nexus), let nexus = session.nexus else {
      // The target does not have the session any more: a new one takes its place at once.
      Glibc.close(theirs)
      session.keepsTasks = false
      return plan(index, after: 0)
    }
    session.set(link, as: 0)
    if world.wants(30) {
      world.inject(.loginLost, index)
      Glibc.close(theirs)
      return world.after(15 * World.second) { [weak self] in
        guard let self, session.epoch == epoch else { return }
        planAgain(index, isUnanswered: true)
      }
    }
    let numbers = (connection.statSN, nexus.expCmdSN, nexus.maxCmdSN)
    let descriptor = OwnedBox(OwnedDescriptor(owning: theirs))
    world.after(world.random.delay(upTo: 100 * World.millisecond)) { [weak self] in
      guard let self, session.epoch == epoch, let socket = descriptor.take() else { return }
      var handover = makeHandover(socket, 0, parameters, numbers)
      handover.isHeld = true
      session.countsAsKept = false
      client.port.rejoin(client.session(index), handover)
      world.note(.rejoined, index)
      session.state = .held
      verify(index)
    }
  }
}
