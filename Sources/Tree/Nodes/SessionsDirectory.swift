import ControlPlane

/// `sessions/`: one directory a session.
struct SessionsDirectory: TreeDirectory {
  let target: TargetSnapshot

  var names: [String] { target.sessions.map { String($0.number) } }

  func entry(named name: String) -> TreeEntry? {
    target.sessions.first { String($0.number) == name }
      .map { .directory(SessionDirectory(target: target, session: $0)) }
  }
}

/// `sessions/<n>/`, with the names of /sys/class/iscsi_session.
struct SessionDirectory: TreeDirectory {
  private static let connections = "connections"
  private static let capture = "capture"

  let target: TargetSnapshot
  let session: SessionSnapshot

  var names: [String] {
    Rendering.session.names + SessionTimeout.ofSession.map(\.fileName)
      + ["control", Self.connections, TasksDirectory.name, Self.capture]
  }

  func entry(named name: String) -> TreeEntry? {
    switch name {
    case "control":
      let scope = ControlFile.Scope.session(
        target: target.directoryName, number: session.number)
      return .control(ControlFile(scope: scope, permissions: 0o200, usage: ""))
    case Self.connections:
      return .directory(
        ConnectionsDirectory(target: target.directoryName, session: session))
    case Self.capture:
      return .stream(StreamFile(permissions: 0o400, source: .capture(session.handle)))
    case TasksDirectory.name:
      return .directory(TasksDirectory(session: session.handle))
    default:
      if let timeout = SessionTimeout.ofSession.first(where: { $0.fileName == name }) {
        return .attribute(timeout.file(of: session, target: target.directoryName))
      }
      let facts = SessionFacts(targetName: target.name, session: session)
      return Rendering.session.file(named: name, of: facts).map { .attribute($0) }
    }
  }
}

/// A session with what its directory shows of its target.
struct SessionFacts: Sendable {
  var targetName: String
  var session: SessionSnapshot
}
