/// What is asked of an initiator and a target together; the columns of the table.
enum Capability: String, CaseIterable, Sendable {
  case discovery
  case login = "login, no authentication"
  case scan = "LUN scan"
  case patterns = "integrity patterns"
  case bigTransfers = "big transfers"
  case depth = "32 commands at once"
  case logout
  case chap = "CHAP"
  case mutual = "mutual CHAP"
  case guardedDiscovery = "discovery with CHAP"
  case digests = "digests"
  case modes = "write modes, odd lengths"
  case newKeys = "RFC 7144's keys offered"
  case pings = "the target's pings"
  case anyOrder = "data in any order"
  case connections = "several connections a session"
  case recovery = "damaged data asked for again"
  case reassignment = "tasks of a lost connection go on"
  case wire = "on the wire"
}
