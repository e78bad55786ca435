package import ISCSI
import Wire

/// A target that lies: each lie is told in the PDUs a selector picks.
package final class HostileFault: ConnectionFault {
  package enum Lie: Equatable, Sendable {
    /// Data-In reaches so many bytes past the expected length.
    case dataBeyondExpected(byteCount: UInt32)
    /// The PDU names a task that does not exist.
    case initiatorTaskTag(InitiatorTaskTag)
    /// The same response comes again, with the next StatSN.
    case secondResponse
    /// An R2T asks for other bytes than there are.
    case r2t(bufferOffset: UInt32, length: UInt32)
    /// StatSN is off by so much.
    case statSN(offset: UInt32)
    /// DataSN (or R2TSN) is off by so much.
    case dataSN(offset: UInt32)
    /// The header claims a data segment of this many bytes, whatever follows.
    case dataSegmentLength(Int)
    /// The header claims so many words of additional header, whatever follows.
    case totalAHSLength(UInt8)
    /// Byte 0 is replaced.
    case opcode(Opcode)
    /// Status and response bytes are replaced.
    case status(response: UInt8, status: UInt8)
    /// Flags are replaced.
    case flags(UInt8)
    /// Residual count is replaced.
    case residual(UInt32)
    /// The data segment is replaced.
    case data([UInt8])
    /// MaxCmdSN is replaced by ExpCmdSN plus this.
    case maxCmdSN(offset: UInt32)
  }

  private let lie: Lie
  private var selector: PDUSelector
  private var wireSelector: PDUSelector

  package init(_ lie: Lie, in selector: PDUSelector) {
    self.lie = lie
    self.selector = selector
    wireSelector = selector
  }

  package func outgoing(
    _ units: [OutgoingUnit], on connection: TargetConnection, at now: UInt64
  ) -> [OutgoingUnit] {
    units.flatMap { unit in
      guard selector.selects(unit.unit.header) else { return [unit] }
      return told(unit, on: connection)
    }
  }

  /// Lengths are lied about here, where encoding no longer corrects them.
  package func wire(
    _ actions: [ConnectionAction], of header: BasicHeaderSegment
  ) -> [ConnectionAction] {
    guard wireSelector.selects(header), case .send(var bytes)? = actions.first else {
      return actions
    }
    switch lie {
    case .dataSegmentLength(let length): bytes.store(number: UInt64(length), at: 5, count: 3)
    case .totalAHSLength(let words): bytes[4] = words
    case .opcode(let opcode): bytes[0] = opcode.rawValue
    default: return actions
    }
    return [.send(bytes)] + actions.dropFirst()
  }

  private func told(_ unit: OutgoingUnit, on connection: TargetConnection) -> [OutgoingUnit] {
    var unit = unit
    let header = unit.unit.header
    switch lie {
    case .dataBeyondExpected(let count):
      unit.unit.data += [UInt8](repeating: 0xEE, count: Int(count))
      unit.unit.header.dataSegmentLength = unit.unit.data.count
    case .initiatorTaskTag(let tag):
      unit.unit.header.initiatorTaskTag = tag
    case .secondResponse:
      var second = unit
      second.unit.header.statSN = connection.statSN
      connection.statSN = connection.statSN.successor
      return [unit, second]
    case .r2t(let offset, let length):
      unit.unit.header.word5 = UInt64(offset) << 32 | UInt64(length)
    case .statSN(let offset):
      unit.unit.header.statSN = header.statSN.advanced(by: offset)
    case .dataSN(let offset):
      let dataSN = UInt32(truncatingIfNeeded: header.word4) &+ offset
      unit.unit.header.word4 = header.word4 & ~0xFFFF_FFFF | UInt64(dataSN)
    case .status(let response, let status):
      unit.unit.header.byte2 = response
      unit.unit.header.byte3 = status
    case .flags(let flags):
      unit.unit.header.flags = flags
    case .residual(let count):
      unit.unit.header.word5 = header.word5 & ~0xFFFF_FFFF | UInt64(count)
    case .data(let data):
      unit.unit.data = data
      unit.unit.header.dataSegmentLength = data.count
    case .maxCmdSN(let offset):
      unit.unit.header.maxCmdSN = header.expCmdSN.advanced(by: offset)
    case .dataSegmentLength, .totalAHSLength, .opcode:
      break
    }
    return [unit]
  }
}
