package import ISCSI
import Wire

/// A command that has begun and not ended: the data it has and the data it waits for.
package final class SimulatedTask {
  /// A range asked for by R2T.
  struct Solicitation {
    var range: Range<Int>
    var nextOffset: Int
    var nextDataSN: UInt32 = 0
    /// Some of it was lost: what follows is dropped.
    var isBroken = false
  }

  package let logicalUnitNumber: UInt64
  package let initiatorTaskTag: InitiatorTaskTag
  package let cdb: CommandBytes
  package let expectedDataTransferLength: Int
  let isRead: Bool
  let isWrite: Bool
  /// The connection the command came on: every PDU of the task goes there.
  private(set) weak var connection: TargetConnection?
  private(set) var connectionID: UInt16
  /// When that connection was lost or logged out for recovery; nil while it is there.
  var lostAtMilliseconds: UInt64?
  /// It has no allegiance: another connection may have it.
  var isFree = false
  /// How it has ended, its status not acknowledged yet; kept from ErrorRecoveryLevel 2 on.
  var answer: CommandResult?
  var usesDescriptorSense = false
  var statSN = SerialNumber(rawValue: 0)
  /// Data-In before this one have come (ExpDataSN, DataACK).
  private(set) var firstDataSN: UInt32 = 0
  /// How many bytes those had, where data are sent in order.
  private(set) var firstOffset = 0
  /// Where each Data-In began that was sent last, and where the one behind all of them would.
  var dataOffsets: [UInt32: Int] = [:]
  /// Of the last R-Data SNACK.
  var snackTag: UInt32 = 0
  /// Bytes of Data-Out the CDB asks for.
  let wantedByteCount: Int
  /// Bytes that will come: what is wanted, bounded by what is expected.
  let neededByteCount: Int
  /// Data-Out so far, `neededByteCount` long once more than immediate data comes.
  var buffer: [UInt8]
  var receivedByteCount: Int
  /// Unsolicited Data-Out are still to come (F was 0).
  var awaitsUnsolicitedData: Bool
  var unsolicitedOffset: Int
  var nextUnsolicitedDataSN: UInt32 = 0
  var hasLostUnsolicitedData = false
  /// Decided before the data came: told when the data has come.
  var result: CommandResult?
  /// A fault answers never.
  var isHeld = false
  /// Ranges not asked for yet; nil before unsolicited data has ended.
  var rangesToAskFor: [Range<Int>]?
  var solicitations: [TargetTransferTag: Solicitation] = [:]
  var r2tCount: UInt32 = 0

  init(
    _ unit: ProtocolDataUnit, on connection: TargetConnection, cdb: CommandBytes,
    wantedByteCount: Int, result: CommandResult?
  ) {
    self.connection = connection
    connectionID = connection.connectionID
    let command = SCSICommand(unit.header)
    logicalUnitNumber = unit.header.word1
    initiatorTaskTag = unit.header.initiatorTaskTag
    self.cdb = cdb
    expectedDataTransferLength = Int(command.expectedDataTransferLength)
    isRead = command.isRead
    isWrite = command.isWrite
    self.wantedByteCount = wantedByteCount
    neededByteCount = command.isWrite ? min(wantedByteCount, expectedDataTransferLength) : 0
    buffer = unit.data.count <= neededByteCount ? unit.data : Array(unit.data[..<neededByteCount])
    receivedByteCount = buffer.count
    awaitsUnsolicitedData = command.isWrite && !unit.header.isFinal
    unsolicitedOffset = unit.data.count
    self.result = result
  }

  /// It is another connection's from now on.
  func move(to connection: TargetConnection) {
    self.connection = connection
    connectionID = connection.connectionID
    lostAtMilliseconds = nil
    isFree = false
  }

  /// The initiator has the Data-In before this number; one that was never sent says nothing.
  func acknowledgeData(before dataSN: UInt32) {
    guard dataSN > firstDataSN, let offset = dataOffsets[dataSN] else { return }
    (firstDataSN, firstOffset) = (dataSN, offset)
  }

  /// Keeps Data-Out at `offset`, dropping what the command does not need.
  func keep(_ data: [UInt8], at offset: Int) {
    guard result == nil, offset < neededByteCount else { return }
    if buffer.count < neededByteCount {
      buffer += [UInt8](repeating: 0, count: neededByteCount - buffer.count)
    }
    let count = min(data.count, neededByteCount - offset)
    buffer.replaceSubrange(offset..<offset + count, with: data[..<count])
    receivedByteCount += count
  }
}
