import ControlPlane
package import FUSE
import ISCSI
import Reactor
package import SystemPackage

/// What lies in `tasks/`, which no snapshot knows.
extension Tree {
  /// Whether what a snapshot leads to is there: a task may be over.
  func isThere(_ entry: TreeEntry) async -> Bool {
    guard case .attribute(let file) = entry, case .task(let session, let tag) = file.content
    else { return true }
    return await task(tag, of: session) != nil
  }

  func task(
    _ tag: InitiatorTaskTag, of session: SessionHandle
  ) async -> OutstandingTask? {
    await source.tasks(session)?.first { $0.tag == tag }
  }

  func listing(of directory: any TreeDirectory) async -> [TreeListing] {
    guard let tasks = directory as? TasksDirectory else { return directory.listing }
    return tasks.listing(of: await source.tasks(tasks.session) ?? [])
  }

  /// `unlink`: ABORT TASK for a task's file; nothing else can be removed.
  package func remove(_ name: String, from parent: NodeNumber) async throws(Errno) {
    guard case .directory(let directory) = try await resolve(parent).entry,
      let tasks = directory as? TasksDirectory
    else { throw .notPermitted }
    guard let tag = TasksDirectory.tag(named: name) else { throw .noSuchFileOrDirectory }
    try await source.abort(tag, of: tasks.session)
  }
}
