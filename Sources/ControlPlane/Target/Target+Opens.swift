import ISCSI
import Reactor
import SCSI
import SystemPackage

/// Who has a LUN's file open.
extension Target {
  /// How long a logout waits for closes on their way.
  static let closingLimit = Duration.milliseconds(500)

  /// Counts an open of a LUN's file, or says why it does not open.
  func open(_ handle: LogicalUnitHandle, writable: Bool) async throws(Errno) {
    try await waitForPath()
    if openCounts[handle] != nil { try await waitForReads(of: handle) }
    guard let lun = units.lun(of: handle), let unit = units[lun] else {
      throw .noSuchAddressOrDevice
    }
    if case .closed(let error, _) = unit.probed.availability { throw error }
    guard let registration = unit.registration else { throw .noSuchAddressOrDevice }
    if writable, registration.isWriteProtected || context.settings.isReadOnly {
      throw .readOnlyFileSystem
    }
    openCounts[handle, default: 0] += 1
    units.touch(handle)
    publish()
  }

  /// Lets an open wait until the reads under way have ended, where its caller can be interrupted.
  ///
  /// Let go, the kernel drops the file's cached pages and waits, deaf to every signal, for those
  /// that reads under way have locked: at a target that has just fallen silent, for as long as they
  /// wait. Reads that begin later are not waited for.
  private func waitForReads(of handle: LogicalUnitHandle) async throws(Errno) {
    var owed = await readsUnderWay(of: handle)
    var pause = Duration.milliseconds(1)
    while !owed.isEmpty {
      do { try await context.clock.sleep(for: pause) } catch { throw .interrupted }
      pause = min(pause * 2, .milliseconds(50))
      try await waitForPath()
      owed.formIntersection(await readsUnderWay(of: handle))
    }
  }

  /// The tags of READs whose callers wait, of every session.
  private func readsUnderWay(of handle: LogicalUnitHandle) async -> Set<InitiatorTaskTag> {
    guard let lun = units.lun(of: handle) else { return [] }
    var tags: Set<InitiatorTaskTag> = []
    for session in sessions.map(\.handle) {
      for task in await context.port.tasks(session) ?? []
      where task.lun == lun && task.state != .abandoned
        && [.read10, .read16].contains(task.cdb.operationCode)
      {
        tags.insert(task.tag)
      }
    }
    return tags
  }

  /// Takes back one open.
  func close(_ handle: LogicalUnitHandle) {
    guard let count = openCounts[handle] else { return }
    openCounts[handle] = count > 1 ? count - 1 : nil
    units.touch(handle)
    publish()
    guard openCounts.isEmpty else { return }
    for logout in waitingLogouts { logout.finish(true) }
  }

  /// Waits until no LUN's file is open, at most `closingLimit`.
  ///
  /// The kernel tells of a file's last close when close(2) has returned already, beside whatever
  /// the same script asks next: a file that was closed first must not keep a logout.
  func waitForCloses() async {
    guard !openCounts.isEmpty else { return }
    let outcome = FirstOutcome()
    waitingLogouts.append(outcome)
    let timer = Task { [context] in
      do { try await context.clock.sleep(for: Self.closingLimit) } catch { return }
      outcome.finish(false)
    }
    _ = await outcome.value
    timer.cancel()
    waitingLogouts.removeAll { $0 === outcome }
  }
}
