import ISCSI
import Reactor

/// `sessions/<n>/stats`.
extension Rendering {
  /// The counters of `iscsiadm -m session -s`, under its names and in its order, one a line.
  ///
  /// As with iscsi_tcp, octets are all bytes of the connections, not only data segments'.
  static func statistics(_ statistics: SessionStatistics) -> String {
    let pdus = statistics.pdus
    let counters: [(name: String, value: UInt64)] = [
      ("txdata_octets", statistics.transmittedBytes),
      ("rxdata_octets", statistics.receivedBytes),
      ("noptx_pdus", pdus[.nopOut]),
      ("scsicmd_pdus", pdus[.scsiCommand]),
      ("tmfcmd_pdus", pdus[.taskManagementRequest]),
      ("login_pdus", pdus[.loginRequest]),
      ("text_pdus", pdus[.textRequest]),
      ("dataout_pdus", pdus[.dataOut]),
      ("logout_pdus", pdus[.logoutRequest]),
      ("snack_pdus", pdus[.snackRequest]),
      ("noprx_pdus", pdus[.nopIn]),
      ("scsirsp_pdus", pdus[.scsiResponse]),
      ("tmfrsp_pdus", pdus[.taskManagementResponse]),
      ("textrsp_pdus", pdus[.textResponse]),
      ("datain_pdus", pdus[.dataIn]),
      ("logoutrsp_pdus", pdus[.logoutResponse]),
      ("r2t_pdus", pdus[.readyToTransfer]),
      ("async_pdus", pdus[.asyncMessage]),
      ("rjt_pdus", pdus[.reject]),
      ("digest_err", statistics.digestErrors),
      ("timeout_err", statistics.timeouts),
    ]
    return counters.map { "\($0.name): \($0.value)\n" }.joined()
  }
}
