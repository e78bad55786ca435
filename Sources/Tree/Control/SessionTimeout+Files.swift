import ControlPlane

/// The files that show and take a session's waits, with sysfs' names (scsi_transport_iscsi.c,
/// iscsi_session_attr and iscsi_conn_attr).
extension SessionTimeout {
  /// Those of /sys/class/iscsi_session; the others are in the directory of a connection.
  static let ofSession: [SessionTimeout] = [.recovery, .abort, .logicalUnitReset, .targetReset]
  static let ofConnection: [SessionTimeout] = [.pingInterval, .ping]

  package var fileName: String {
    switch self {
    case .recovery: "recovery_tmo"
    case .abort: "abort_tmo"
    case .logicalUnitReset: "lu_reset_tmo"
    case .targetReset: "tgt_reset_tmo"
    case .pingInterval: "recv_tmo"
    case .ping: "ping_tmo"
    }
  }

  /// What a file may be set to, in seconds: as the key in the configuration.
  var bounds: ClosedRange<UInt64> {
    switch self {
    case .recovery, .pingInterval: 0...86_400
    case .abort, .logicalUnitReset, .targetReset, .ping: 1...86_400
    }
  }

  /// The value of `timeouts`, "off" where it is for ever, in a file that can be written.
  func file(
    of session: SessionSnapshot, target: String
  ) -> AttributeFile {
    var file = AttributeFile.text(session.timeouts[self].map { "\($0)" } ?? "off")
    file.permissions = 0o644
    file.writes = .timeout(self, target: target, session: session.number)
    return file
  }
}
