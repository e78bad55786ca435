import ISCSI
import Logging
import LogicalUnit
import Reactor
import SCSI
import SystemPackage

/// Whose LUNs are behind a new connection: asked before anything is read from them or written.
extension Target {
  /// How long the units behind a connection may take to say who they are.
  static let verificationLimit = Duration.seconds(10)

  /// Asks every served unit behind a held session who it is; nil when all have told.
  ///
  /// The file of a unit that is another one, or none, is not served any more when this returns.
  func verifyUnits(behind session: SessionHandle) async -> ControlError? {
    let failures = FirstFailure()
    let isDone = await context.bounded(Self.verificationLimit) {
      if let error = await self.checkIdentities(behind: session) { failures.note(error) }
    }
    guard isDone else {
      return ControlError(
        .timedOut, .transportTimeout, "the LUNs of \(name) did not say in time who they are")
    }
    return failures.first
  }

  private func checkIdentities(behind session: SessionHandle) async -> ControlError? {
    let mine = epoch
    let served = units.keys.filter { units[$0]?.registration != nil }
    guard !served.isEmpty else { return nil }
    let scanner = LogicalUnitScanner(port: context.port, session: session, clock: context.clock)
    let listed: Set<LogicalUnitNumber>
    do {
      listed = Set(try await scanner.inventory())
    } catch {
      return ControlError(error.errno, .generic, "REPORT LUNS of \(name): \(error.sentence)")
    }
    return await eachLogicalUnit(served, in: mine) {
      await self.checkIdentity(of: $0, isListed: listed.contains($0), with: scanner, in: mine)
    }
  }

  /// An error means that the session did not carry the question.
  private func checkIdentity(
    of lun: LogicalUnitNumber, isListed: Bool, with scanner: LogicalUnitScanner, in mine: Int
  ) async -> ControlError? {
    guard epoch == mine, let known = knownFiles[lun], let expected = known.identity else {
      return nil
    }
    // A LUN that is not listed gets no command.
    guard isListed else {
      await forget(lun, error: .noSuchAddressOrDevice)
      return nil
    }
    do {
      let identity = try await scanner.identity(of: lun, expecting: expected)
      guard epoch == mine, knownFiles[lun]?.handle == known.handle else { return nil }
      if let identity {
        if !expected.matches(identity) { await makeStale(lun, known) }
      } else {
        await forget(lun, error: .noSuchAddressOrDevice)
      }
      return nil
    } catch {
      guard epoch == mine else { return nil }
      let place = "LUN \(lun.name) of \(name)"
      guard case .session = error else {
        // It is there and does not say who it is: whoever waits for it must not be served by it.
        logger.warning("\(place): \(error.sentence)")
        await forget(lun, error: .noSuchAddressOrDevice)
        return nil
      }
      return ControlError(error.errno, .generic, "\(place): \(error.sentence)")
    }
  }
}
