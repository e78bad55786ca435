import ControlPlane

/// `connections/`: one directory a connection.
struct ConnectionsDirectory: TreeDirectory {
  let session: SessionSnapshot

  var names: [String] { session.connections.map { String($0.connectionID) } }

  func entry(named name: String) -> TreeEntry? {
    session.connections.first { String($0.connectionID) == name }
      .map {
        .directory(
          ConnectionDirectory(facts: ConnectionFacts(session: session, connection: $0)))
      }
  }
}

/// `connections/<cid>/`, with the names of /sys/class/iscsi_connection.
struct ConnectionDirectory: TreeDirectory {
  let facts: ConnectionFacts

  var names: [String] { Rendering.connection.names(of: facts) }

  func entry(named name: String) -> TreeEntry? {
    Rendering.connection.file(named: name, of: facts).map { .attribute($0) }
  }
}

/// A connection with what its directory shows of its session.
struct ConnectionFacts: Sendable {
  var session: SessionSnapshot
  var connection: ConnectionSnapshot
}
