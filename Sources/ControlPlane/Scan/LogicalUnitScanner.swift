import Reactor
import SCSI
import Synchronization

/// Sends the commands of a scan on one session and reads their answers.
///
/// Every command is tried again for what passes by itself, bounded in number and time; the waits
/// are on the clock given.
final class LogicalUnitScanner: Sendable {
  /// How long a command may be told "busy" or "not yet".
  static let patience = Duration.seconds(5)
  /// The same, while others wait for who the unit is.
  static let identityPatience = Duration.seconds(1)
  /// How long a unit may take to become ready.
  static let readyPatience = Duration.seconds(30)

  let port: ReactorPort
  let session: SessionHandle
  let clock: any Clock<Duration>
  private let changed = Mutex(false)

  init(port: ReactorPort, session: SessionHandle, clock: any Clock<Duration>) {
    self.port = port
    self.session = session
    self.clock = clock
  }

  /// True when a unit said meanwhile that the list of units has changed (3F/0E).
  var inventoryChanged: Bool { changed.withLock { $0 } }

  /// The LUNs of REPORT LUNS, which alone says what exists; LUN 0 where the command is not known.
  ///
  /// A list that is not whole is a failure: a LUN it does not name may exist all the same.
  func inventory() async throws(ScanFailure) -> [LogicalUnitNumber] {
    var allocationLength: UInt32 = 4096
    for _ in 0..<4 {
      let bytes: [UInt8]
      do {
        bytes = try await run(
          .reportLUNs(allocationLength: allocationLength), on: .zero,
          capacity: Int(allocationLength))
      } catch {
        if error.isUnsupported { return [.zero] }
        throw error
      }
      let answer: ReportLUNsParameterData = try parse(bytes)
      guard answer.isTruncated else { return answer.logicalUnitNumbers }
      guard answer.wantedAllocationLength > allocationLength else { throw .incomplete }
      allocationLength = answer.wantedAllocationLength
    }
    throw .incomplete
  }

  /// Sends one command until it has ended for good, and returns what it read.
  func run(
    _ cdb: CommandDescriptorBlock, on lun: LogicalUnitNumber, capacity: Int = 0,
    patience: Duration = LogicalUnitScanner.patience
  ) async throws(ScanFailure) -> [UInt8] {
    let task = ControlTask(session: session, lun: lun, cdb: cdb, dataInCapacity: capacity)
    var waits = Backoff(patience: patience)
    var tries: [RetryReason: Int] = [:]
    var isStarted = false
    while true {
      let result: ControlTask.Result
      do {
        result = try await port.execute(task)
      } catch {
        guard error == .busy, await waits.pause(on: clock) else { throw .session(error) }
        continue
      }
      let sense = SenseData(parsing: result.sense)
      note(sense)
      switch TaskDisposition(status: result.status, sense: sense) {
      case .done: return result.data
      case .failed(let failure): throw .refused(failure, sense)
      case .retry(let reason):
        tries[reason, default: 0] += 1
        if reason == .initializingCommandRequired, !isStarted {
          isStarted = true
          try await start(lun)
        } else if reason.needsBackoff {
          guard await waits.pause(on: clock) else {
            throw .refused(reason.failureWhenExhausted, sense)
          }
        } else if tries[reason, default: 0] > reason.retryLimit ?? 5 {
          throw .refused(reason.failureWhenExhausted, sense)
        }
      }
    }
  }

  /// Makes what was written to a unit durable: SYNCHRONIZE CACHE(16), or (10) where it has no (16).
  func synchronizeCache(of lun: LogicalUnitNumber) async throws(ScanFailure) {
    do {
      _ = try await run(.synchronizeCache16(), on: lun)
    } catch {
      guard error.isUnsupported else { throw error }
      _ = try await run(.synchronizeCache10(), on: lun)
    }
  }

  /// Reads parameter data, or says why they cannot be read.
  func parse<Data: ParameterData>(_ bytes: [UInt8]) throws(ScanFailure) -> Data {
    do { return try Data(parsing: bytes) } catch { throw .malformed(error) }
  }

  /// START STOP UNIT for a unit that waits for it (04/02); what it answers, the next try shows.
  private func start(_ lun: LogicalUnitNumber) async throws(ScanFailure) {
    let task = ControlTask(
      session: session, lun: lun, cdb: .startStopUnit(start: true), dataInCapacity: 0,
      timeoutMilliseconds: 30_000)
    do {
      _ = try await port.execute(task)
    } catch {
      guard error == .timedOut || error == .busy else { throw .session(error) }
    }
  }

  private func note(_ sense: SenseData?) {
    guard let sense, sense.key == .unitAttention,
      sense.additionalSense == .reportedLUNsDataHasChanged
    else { return }
    changed.withLock { $0 = true }
  }
}
