/// Ends chosen commands otherwise than the unit would: BUSY, CHECK CONDITION, not at all.
package final class OutcomeFault: ConnectionFault {
  private let operationCodes: Set<UInt8>?
  private let logicalUnitNumber: UInt64?
  private var skip: Int
  private var remaining: Int
  private let outcome: InjectedOutcome

  /// - Parameters:
  ///   - operationCodes: nil for every command.
  ///   - logicalUnitNumber: the LUN field's eight bytes; nil for every unit.
  ///   - skip: matching commands that run first.
  ///   - count: commands that end so.
  package init(
    _ outcome: InjectedOutcome, operationCodes: Set<UInt8>? = nil,
    logicalUnitNumber: UInt64? = nil, skip: Int = 0, count: Int = 1
  ) {
    self.outcome = outcome
    self.operationCodes = operationCodes
    self.logicalUnitNumber = logicalUnitNumber
    self.skip = skip
    remaining = count
  }

  /// BUSY so many times.
  package static func busy(count: Int) -> OutcomeFault {
    OutcomeFault(.result(.busy), count: count)
  }

  /// TASK SET FULL so many times.
  package static func taskSetFull(count: Int) -> OutcomeFault {
    OutcomeFault(.result(.taskSetFull), count: count)
  }

  /// CHECK CONDITION with `sense`, for unit attentions too.
  package static func check(
    _ sense: SenseData, operationCodes: Set<UInt8>? = nil, count: Int = 1
  ) -> OutcomeFault {
    OutcomeFault(.result(.check(sense)), operationCodes: operationCodes, count: count)
  }

  package func outcome(
    of command: LoggedCommand, on connection: TargetConnection
  ) -> InjectedOutcome? {
    guard remaining > 0, operationCodes?.contains(command.operationCode) != false,
      logicalUnitNumber == nil || logicalUnitNumber == command.logicalUnitNumber
    else { return nil }
    guard skip == 0 else {
      skip -= 1
      return nil
    }
    remaining -= 1
    return outcome
  }
}
