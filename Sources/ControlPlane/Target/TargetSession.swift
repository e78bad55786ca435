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
  /// Connections of it that were lost.
  var lossCount = 0
  /// How long it has been lost.
  var lostFor: (@Sendable () -> Duration)?
  /// How long ago it came back from its last loss.
  var backFor: (@Sendable () -> Duration)?
  /// Logs in again while `isLost`.
  var recovery: Task<Void, Never>?

  var snapshot: SessionSnapshot {
    let connection = ConnectionSnapshot(
      connectionID: facts.connectionID, address: facts.ends.address, port: facts.ends.port,
      persistentAddress: facts.portal.host, persistentPort: facts.portal.port,
      localAddress: facts.ends.localAddress, localPort: facts.ends.localPort,
      state: isLost ? "failed" : "up")
    return SessionSnapshot(
      number: number, handle: handle, isid: isid, tsih: facts.tsih,
      targetPortalGroupTag: facts.targetPortalGroupTag ?? facts.portal.targetPortalGroupTag ?? 1,
      state: isLost ? "FAILED" : "LOGGED_IN", parameters: facts.parameters,
      recoveryTimeoutSeconds: timeouts.replacementMilliseconds.map { $0 / 1000 },
      connections: [connection])
  }
}
