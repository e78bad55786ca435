import ISCSI
import Reactor

/// `sessions/<n>/stats`.
extension Rendering {
  /// The PDUs that are counted, under iscsiadm's names and in its order.
  static let pduCounters: [(name: String, opcode: Opcode)] = [
    ("noptx_pdus", .nopOut),
    ("scsicmd_pdus", .scsiCommand),
    ("tmfcmd_pdus", .taskManagementRequest),
    ("login_pdus", .loginRequest),
    ("text_pdus", .textRequest),
    ("dataout_pdus", .dataOut),
    ("logout_pdus", .logoutRequest),
    ("snack_pdus", .snackRequest),
    ("noprx_pdus", .nopIn),
    ("scsirsp_pdus", .scsiResponse),
    ("tmfrsp_pdus", .taskManagementResponse),
    ("textrsp_pdus", .textResponse),
    ("datain_pdus", .dataIn),
    ("logoutrsp_pdus", .logoutResponse),
    ("r2t_pdus", .readyToTransfer),
    ("async_pdus", .asyncMessage),
    ("rjt_pdus", .reject),
  ]

  /// The counters of `iscsiadm -m session -s`, under its names and in its order, one a line.
  ///
  /// As with iscsi_tcp, octets are all bytes of the connections, not only data segments'.
  static func statistics(_ statistics: SessionStatistics) -> String {
    var counters = [
      ("txdata_octets", statistics.transmittedBytes), ("rxdata_octets", statistics.receivedBytes),
    ]
    counters += pduCounters.map { ($0.name, statistics.pdus[$0.opcode]) }
    counters += [("digest_err", statistics.digestErrors), ("timeout_err", statistics.timeouts)]
    return counters.map { "\($0.0): \($0.1)\n" }.joined()
  }
}
