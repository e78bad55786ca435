package import ISCSI
package import Reactor
package import SystemPackage

/// The commands of a session, for who looks at them and ends them.
extension Initiator {
  package func tasks(_ session: SessionHandle) async -> [OutstandingTask]? {
    guard context.registry.owner(of: session) != nil else { return nil }
    return await context.port.tasks(session)
  }

  package func capture(_ session: SessionHandle) async throws(Errno) -> ByteStream {
    guard context.registry.owner(of: session) != nil else { throw .socketNotConnected }
    return try await context.port.capture(session)
  }

  package func abort(_ task: InitiatorTaskTag, of session: SessionHandle) async throws(Errno) {
    guard let tasks = await tasks(session), tasks.contains(where: { $0.tag == task }) else {
      throw .noSuchFileOrDirectory
    }
    let request = TaskManagement(session: session, function: .abortTask, task: task)
    switch await context.port.manage(request) {
    case .complete, .succeeded: return
    case .taskNotFound:
      // One that waits to be sent is none of the target's yet.
      let isWaiting = await self.tasks(session)?.contains { $0.tag == task } ?? false
      throw isWaiting ? .resourceBusy : .noSuchFileOrDirectory
    case .refused: throw .ioError
    case .rejected: throw .protocolError
    case .notNegotiated: throw .notSupportedOnSocket  // EOPNOTSUPP
    case .notConnected, .sessionLost: throw .socketNotConnected
    case .timedOut: throw .timedOut
    case .busy: throw .resourceBusy
    }
  }
}
