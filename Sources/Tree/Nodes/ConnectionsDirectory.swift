import ControlPlane

/// `connections/`: one directory a connection.
struct ConnectionsDirectory: TreeDirectory {
  let target: String
  let session: SessionSnapshot

  var names: [String] { session.connections.map { String($0.connectionID) } }

  func entry(named name: String) -> TreeEntry? {
    session.connections.first { String($0.connectionID) == name }
      .map {
        .directory(
          ConnectionDirectory(
            target: target, facts: ConnectionFacts(session: session, connection: $0)))
      }
  }
}

/// `connections/<cid>/`, with the names of /sys/class/iscsi_connection.
struct ConnectionDirectory: TreeDirectory {
  private static let control = "control"

  let target: String
  let facts: ConnectionFacts

  var names: [String] {
    Rendering.connection.names(of: facts) + SessionTimeout.ofConnection.map(\.fileName)
      + [Self.control]
  }

  func entry(named name: String) -> TreeEntry? {
    if name == Self.control {
      let scope = ControlFile.Scope.connection(
        target: target, session: facts.session.number, facts.connection.connectionID)
      return .control(ControlFile(scope: scope, permissions: 0o200, usage: ""))
    }
    if let timeout = SessionTimeout.ofConnection.first(where: { $0.fileName == name }) {
      return .attribute(timeout.file(of: facts.session, target: target))
    }
    return Rendering.connection.file(named: name, of: facts).map { .attribute($0) }
  }
}

/// A connection with what its directory shows of its session.
struct ConnectionFacts: Sendable {
  var session: SessionSnapshot
  var connection: ConnectionSnapshot
}
