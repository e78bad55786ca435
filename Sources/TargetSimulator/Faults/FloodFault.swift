import ISCSI
import SCSI
import Wire

/// Sends very many PDUs of one kind at once, at the PDUs a selector picks.
package final class FloodFault: ConnectionFault {
  package enum Kind: CaseIterable, Sendable {
    /// NOP-Ins that want an answer, behind the PDU.
    case ping
    /// Async Messages that tell of nothing, behind it.
    case event
    /// Rejects of nothing, behind it.
    case reject
    /// The same response again and again, behind it.
    case response
    /// Data-In without data before the task's own, numbered as they should be.
    case emptyData
    /// R2Ts that cut up what the picked one asks for, a block each, instead of it.
    case readyToTransfer
  }

  private let kind: Kind
  private let count: Int
  private var selector: PDUSelector

  package init(_ kind: Kind, count: Int, at selector: PDUSelector) {
    self.kind = kind
    self.count = count
    self.selector = selector
  }

  package func outgoing(
    _ units: [OutgoingUnit], on connection: TargetConnection, at now: UInt64
  ) -> [OutgoingUnit] {
    units.flatMap { unit -> [OutgoingUnit] in
      guard selector.selects(unit.unit.header) else { return [unit] }
      return flood(unit, on: connection)
    }
  }

  private func flood(_ unit: OutgoingUnit, on connection: TargetConnection) -> [OutgoingUnit] {
    switch kind {
    case .ping, .event, .reject, .response:
      return [unit]
        + (0..<count).map { number in
          var next = unit
          next.unit = follower(of: unit.unit, number, on: connection)
          return next
        }
    case .emptyData:
      var last = unit
      last.unit.header.word4 &+= UInt64(count)
      return (0..<count).map { number in
        var next = unit
        let header = unit.unit.header
        next.unit = ProtocolDataUnit(
          header: DataIn(
            initiatorTaskTag: header.initiatorTaskTag, isFinal: false, expCmdSN: header.expCmdSN,
            maxCmdSN: header.maxCmdSN, dataSN: DataIn(header).dataSN &+ UInt32(number),
            bufferOffset: DataIn(header).bufferOffset
          ).header)
        return next
      } + [last]
    case .readyToTransfer:
      let picked = ReadyToTransfer(unit.unit.header)
      return (0..<UInt32(count)).map { number in
        var next = unit
        next.unit.header.word4 &+= UInt64(number)
        next.unit.header.word5 = UInt64(picked.bufferOffset &+ number &* 512) << 32 | 512
        return next
      }
    }
  }

  /// What comes behind a PDU for the nth time, with the StatSN that is its turn.
  private func follower(
    of unit: ProtocolDataUnit, _ number: Int, on connection: TargetConnection
  ) -> ProtocolDataUnit {
    let header = unit.header
    switch kind {
    case .ping:
      return ProtocolDataUnit(
        header: NOPIn(
          targetTransferTag: TargetTransferTag(rawValue: UInt32(number)),
          statSN: connection.statSN, expCmdSN: header.expCmdSN, maxCmdSN: header.maxCmdSN
        ).header)
    case .event:
      return ProtocolDataUnit(
        header: AsyncMessage(
          event: .scsiAsyncEvent, logicalUnit: LogicalUnitNumber(rawValue: 0),
          parameters: (0, 0, 0), statSN: connection.takeStatSN(), expCmdSN: header.expCmdSN,
          maxCmdSN: header.maxCmdSN
        ).header)
    case .reject:
      return ProtocolDataUnit(
        header: Reject(
          reason: .protocolError, statSN: connection.takeStatSN(), expCmdSN: header.expCmdSN,
          maxCmdSN: header.maxCmdSN
        ).header)
    case .response, .emptyData, .readyToTransfer:
      var again = unit
      again.header.statSN = connection.takeStatSN()
      return again
    }
  }
}
