import ISCSI
import Reactor

/// Keeps a login's PDUs without their secrets, until the connection is handed over.
///
/// At most as many as a login has; each has 8 KiB of text at most.
struct LoginRecorder: Sendable {
  private static let limit = 2 * LoginMachine.maximumExchangeCount

  private(set) var units: [LoginPDU] = []
  private var sent = SecretMask()
  private var received = SecretMask()

  mutating func note(_ unit: ProtocolDataUnit, isSent: Bool) {
    guard units.count < Self.limit else { return }
    // The C bit (RFC 7143, 11.12.2).
    let continues = unit.header.flags & 0x40 != 0
    let data =
      isSent
      ? sent.masked(unit.data, continues: continues)
      : received.masked(unit.data, continues: continues)
    let shown = ProtocolDataUnit(
      header: unit.header, additionalHeader: unit.additionalHeader, data: data)
    units.append(LoginPDU(isSent: isSent, bytes: shown.encoded()))
  }
}
