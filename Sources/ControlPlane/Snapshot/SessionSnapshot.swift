package import ISCSI
package import Reactor

/// A session as `sessions/<n>/` shows it, with sysfs' names.
package struct SessionSnapshot: Equatable, Sendable {
  /// The directory's number, from 1, never used twice in a mount's life.
  package var number: Int
  package var handle: SessionHandle
  package var isid: ISID
  package var tsih: UInt16
  package var targetPortalGroupTag: UInt16
  /// LOGGED_IN, FAILED (lost, recovering) or FREE, as sysfs says.
  package var state: String
  package var parameters: NegotiatedParameters
  /// Its own, which may have been changed since its login.
  package var timeouts: SessionTimeouts
  /// How often its connection was lost, logins tried to bring it back, and how long that took up to
  /// its last return.
  package var losses = 0
  package var recoveryTries = 0
  package var recoveryMilliseconds: UInt64 = 0
  package var connections: [ConnectionSnapshot]
}

/// A connection as `connections/<cid>/` shows it.
package struct ConnectionSnapshot: Equatable, Sendable {
  package var connectionID: UInt16
  package var address: String
  package var port: UInt16
  package var persistentAddress: String
  package var persistentPort: UInt16
  package var localAddress: String
  package var localPort: UInt16
  /// up, down or failed, as sysfs says.
  package var state: String
  /// Its own digests and segment lengths, with what all of the session's have in common.
  package var parameters: NegotiatedParameters
}
