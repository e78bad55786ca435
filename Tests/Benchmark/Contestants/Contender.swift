import Lab

/// A contestant that is ready to be measured.
struct Contender: Sendable {
  let contestant: Contestant
  let role: Role
  /// The LUN: a file, or the URL of one that has none.
  let path: String
  /// The initiator; nil where it is the program that makes the load.
  let processID: Int32?
  let sessionCount: Int
  fileprivate let resource: (any Resource)?

  init(
    _ contestant: Contestant, _ role: Role, path: String, processID: Int32?,
    sessionCount: Int = 1, resource: (any Resource)?
  ) {
    self.contestant = contestant
    self.role = role
    self.path = path
    self.processID = processID
    self.sessionCount = sessionCount
    self.resource = resource
  }

  func end() async { await resource?.end() }
}
