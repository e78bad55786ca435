import ISCSI
import Reactor

/// One session of a target, from its first login to its logout; a loss in between is part of it.
struct TargetSession {
  let handle: SessionHandle
  /// The directory's number.
  let number: Int
  /// The same in every login of this session.
  let isid: ISID
  var facts: LoginFacts
  /// The configuration's, but for what was written to `recovery_tmo`.
  var timeouts: SessionTimeouts
  /// The connection is gone and being made again, or its units are not known to be the old ones.
  var isLost = false
  /// While `isLost`: the target may have the tasks of the lost connection still, for another with
  /// its CID (ErrorRecoveryLevel 2).
  var keepsTasks = false
  /// The loss it is coming back from, while `isLost`.
  var outage: SessionOutage?
  var counts = OutageCounts()
  /// How long ago it came back from its last loss.
  var backFor: (@Sendable () -> Duration)?
  /// Logs in again while `isLost`.
  var recovery: Task<Void, Never>?
  /// The first connection was logged out alone; others carry the session.
  var lacksFirst = false
  /// The connections beyond the first.
  var further: [FurtherConnection] = []
  /// Logs in those that are missing.
  var joining: Task<Void, Never>?

  /// A connection beyond the first, and the place the reactor has it in.
  struct FurtherConnection {
    let place: SessionHandle
    let facts: LoginFacts
  }

  /// How many connections it has when none is missing.
  var wantedConnectionCount: Int { Int(facts.parameters.maxConnections) }

  /// The CID of a connection that is missing; nil when none is.
  var missingConnectionID: UInt16? {
    if lacksFirst { return facts.connectionID }
    guard 1 + further.count < wantedConnectionCount else { return nil }
    let taken = further.map(\.facts.connectionID)
    return (1...InitiatorSettings.connectionLimit).map { facts.connectionID &+ UInt16($0) }
      .first { !taken.contains($0) }
  }

  /// Forgets its further connections; their places are returned.
  mutating func takeFurther() -> [SessionHandle] {
    defer {
      further = []
      lacksFirst = false
      joining = nil
    }
    joining?.cancel()
    return further.map(\.place)
  }

  /// How much longer callers' I/O waits for it while it is lost (replacement_timeout).
  var timeToWait: Duration {
    guard let limit = timeouts.replacementMilliseconds else { return .seconds(1 << 30) }
    return .milliseconds(limit) - (outage?.waitingTime ?? .zero)
  }

  /// What its target may have of it when it has ended without saying so.
  var remnant: ISIDTable.Remnant {
    ISIDTable.Remnant(isid: isid, at: facts.portal, inGroup: facts.targetPortalGroupTag)
  }

  /// Nobody wants it back any more.
  func stopRecovering() {
    recovery?.cancel()
    joining?.cancel()
    outage?.timer?.cancel()
  }

  var snapshot: SessionSnapshot {
    var connections = further.map { $0.facts.connection(state: "up") }
    if !lacksFirst {
      connections.insert(facts.connection(state: isLost ? "failed" : "up"), at: 0)
    }
    return SessionSnapshot(
      number: number, handle: handle, isid: isid, tsih: facts.tsih,
      targetPortalGroupTag: facts.targetPortalGroupTag ?? facts.portal.targetPortalGroupTag ?? 1,
      state: isLost ? "FAILED" : "LOGGED_IN", parameters: facts.parameters,
      timeouts: timeouts,
      losses: counts.losses, recoveryTries: counts.tries,
      recoveryMilliseconds: counts.time.inMilliseconds,
      connections: connections)
  }
}

extension LoginFacts {
  fileprivate func connection(state: String) -> ConnectionSnapshot {
    ConnectionSnapshot(
      connectionID: connectionID, address: ends.address, port: ends.port,
      persistentAddress: portal.host, persistentPort: portal.port,
      localAddress: ends.localAddress, localPort: ends.localPort, state: state,
      parameters: parameters)
  }
}
