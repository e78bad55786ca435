import Reactor
import SystemPackage

/// Who has a LUN's file open.
extension Target {
  /// How long a logout waits for closes on their way.
  static let closingLimit = Duration.milliseconds(500)

  /// Counts an open of a LUN's file, or says why it does not open.
  func open(_ handle: LogicalUnitHandle, writable: Bool) async throws(Errno) {
    try await waitForPath()
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
