import ISCSI
import Wire

/// What a connection has sent and can send again: Data-In and R2Ts until their task's status is
/// acknowledged, numbered responses until they are.
///
/// Source: RFC 7143, 11.16.
struct SentUnits {
  private var units: [ProtocolDataUnit] = []

  mutating func keep(_ unit: ProtocolDataUnit) {
    guard Self.isSequenced(unit.header) || Self.isNumbered(unit.header) else { return }
    units.append(unit)
  }

  /// The initiator has every status before `expStatSN`, and with it what belongs to its task.
  mutating func acknowledge(_ expStatSN: SerialNumber) {
    let isKnown: (ProtocolDataUnit) -> Bool = {
      Self.isNumbered($0.header) && $0.header.statSN.precedes(expStatSN)
    }
    let tasks = Set(units.filter(isKnown).map(\.header.initiatorTaskTag))
    guard !tasks.isEmpty else { return }
    units.removeAll {
      isKnown($0) || Self.isSequenced($0.header) && tasks.contains($0.header.initiatorTaskTag)
    }
  }

  /// The initiator has the Data-In before BegRun of the task that asked with this tag; which task,
  /// nil when none did.
  mutating func acknowledgeData(_ request: SNACKRequest) -> InitiatorTaskTag? {
    let asking = units.first {
      $0.header.opcode == .dataIn && DataIn($0.header).requestsAcknowledgement
        && $0.header.targetTransferTag == request.header.targetTransferTag
        && $0.header.word1 == request.header.word1
    }
    guard let task = asking?.header.initiatorTaskTag, request.runLength == 0,
      request.header.initiatorTaskTag == .reserved
    else { return nil }
    units.removeAll {
      $0.header.initiatorTaskTag == task && $0.header.opcode == .dataIn
        && !DataIn($0.header).hasStatus && DataIn($0.header).dataSN < request.begRun
    }
    return task
  }

  /// What was sent of a task is about to be sent otherwise (R-Data SNACK).
  mutating func forget(_ task: InitiatorTaskTag) {
    units.removeAll { $0.header.initiatorTaskTag == task }
  }

  /// What a SNACK asks for, as it was sent; nil when some of it is not here.
  func answer(_ request: SNACKRequest) -> [ProtocolDataUnit]? {
    let found: [ProtocolDataUnit]
    switch request.kind {
    case .dataOrR2T:
      found = units.filter {
        Self.isSequenced($0.header)
          && $0.header.initiatorTaskTag == request.header.initiatorTaskTag
          && isAsked(UInt32(truncatingIfNeeded: $0.header.word4), request)
      }
    case .status:
      found = units.filter {
        Self.isNumbered($0.header) && isAsked($0.header.statSN.rawValue, request)
      }
    case .dataACK, .rData, nil: return nil
    }
    let isAll = request.runLength == 0 ? !found.isEmpty : found.count == Int(request.runLength)
    return isAll ? found : nil
  }

  private func isAsked(_ number: UInt32, _ request: SNACKRequest) -> Bool {
    // Both 0: all that is not acknowledged.
    guard request.begRun != 0 || request.runLength != 0 else { return true }
    let distance = number &- request.begRun
    return request.runLength == 0 ? distance < 0x8000_0000 : distance < request.runLength
  }

  private static func isSequenced(_ header: BasicHeaderSegment) -> Bool {
    header.opcode == .dataIn || header.opcode == .readyToTransfer
  }

  /// Whether a PDU takes a StatSN.
  private static func isNumbered(_ header: BasicHeaderSegment) -> Bool {
    switch header.opcode {
    case .dataIn: DataIn(header).hasStatus
    case .nopIn: header.initiatorTaskTag != .reserved
    case .scsiResponse, .taskManagementResponse, .textResponse, .logoutResponse, .asyncMessage,
      .reject:
      true
    default: false
    }
  }
}
