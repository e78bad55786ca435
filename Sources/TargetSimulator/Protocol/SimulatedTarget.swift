package import ISCSI

/// A target node: a name, who may log in, how it negotiates, and its logical units.
package final class SimulatedTarget {
  /// A login answered with a status other than success.
  package struct LoginRefusal: Equatable, Sendable {
    package var statusClass: UInt8
    package var statusDetail: UInt8
    /// TargetAddress for redirections (class 01h).
    package var address: String?

    package init(statusClass: UInt8, statusDetail: UInt8, address: String? = nil) {
      self.statusClass = statusClass
      self.statusDetail = statusDetail
      self.address = address
    }
  }

  package let name: String
  package var parameters: TargetParameters
  /// CHAP credentials; nil lets everyone in.
  package var credentials: CHAPAuthenticator.Credentials?
  /// Set, every login ends with it.
  package var loginRefusal: LoginRefusal?
  /// The next answers to TASK REASSIGN, whatever the task.
  package var reassignmentAnswers: [TaskManagementResponse.Response] = []
  /// The next answers to any other task management function, which then does nothing.
  package var managementAnswers: [TaskManagementResponse.Response] = []
  /// Addresses with portal group tag SendTargets tells instead of the portal's own.
  package var addresses: [String]?
  /// Logical units by the LUN field's eight bytes.
  package private(set) var logicalUnits: [UInt64: SimulatedLogicalUnit] = [:]
  /// Sessions logged in.
  package private(set) var sessions: [SimulatedSession] = []

  package init(
    name: String, parameters: TargetParameters = TargetParameters(),
    credentials: CHAPAuthenticator.Credentials? = nil
  ) {
    self.name = name
    self.parameters = parameters
    self.credentials = credentials
  }

  /// The LUN field for number `lun`: peripheral addressing below 256, flat below 16384.
  package static func encoded(lun: Int) -> UInt64 {
    precondition(lun >= 0 && lun < 16384, "14 bits in flat space addressing (SAM-5, 4.7.7.3)")
    return UInt64(lun < 256 ? lun : 0x4000 | lun) << 48
  }

  /// The logical unit a LUN field means; flat and peripheral forms of one number are the same unit.
  package func logicalUnit(_ number: UInt64) -> SimulatedLogicalUnit? {
    if let unit = logicalUnits[number] { return unit }
    guard number & 0xFFFF_FFFF_FFFF == 0, number >> 62 <= 1 else { return nil }
    return logicalUnits[Self.encoded(lun: Int(number >> 48 & 0x3FFF))]
  }

  /// Adds a unit under `lun`; sessions hear of it by 3F/0E.
  package func add(_ unit: SimulatedLogicalUnit, lun: Int) {
    add(unit, number: Self.encoded(lun: lun))
  }

  /// Adds a unit under any eight-byte LUN.
  package func add(_ unit: SimulatedLogicalUnit, number: UInt64) {
    logicalUnits[number] = unit
    raise(.reportedLUNsChanged)
  }

  /// Takes a unit away; sessions hear of it by 3F/0E.
  package func remove(lun: Int) {
    let number = Self.encoded(lun: lun)
    guard logicalUnits.removeValue(forKey: number) != nil else { return }
    for session in sessions { session.endTasks(of: number) }
    raise(.reportedLUNsChanged)
  }

  /// Changes a unit's size; sessions hear of it by 2A/09 unless told not to.
  package func resize(lun: Int, blockCount: UInt64, raisesUnitAttention: Bool = true) {
    let number = Self.encoded(lun: lun)
    logicalUnits[number]?.configuration.blockCount = blockCount
    if raisesUnitAttention { raise(.capacityChanged, number: number) }
  }

  /// Queues a unit attention for every session, on one unit or on all.
  package func raise(_ sense: SenseData, number: UInt64? = nil) {
    for session in sessions {
      for unit in logicalUnits.keys where number == nil || number == unit {
        session.raise(sense, number: unit)
      }
    }
  }

  /// Ends every session, as a target going down does.
  package func endSessions() {
    for session in sessions {
      for connection in session.connections { connection.close() }
    }
    forgetSessions()
  }

  /// Ends the sessions that would outlive their connections.
  func forgetSessions() {
    for session in sessions where session.recoversConnections { session.end() }
  }

  func takeReassignmentAnswer() -> TaskManagementResponse.Response? {
    reassignmentAnswers.isEmpty ? nil : reassignmentAnswers.removeFirst()
  }

  func takeManagementAnswer() -> TaskManagementResponse.Response? {
    managementAnswers.isEmpty ? nil : managementAnswers.removeFirst()
  }

  /// REPORT LUNS: the listed units, ascending (SPC-5, 6.36).
  package func reportLUNs(_ cdb: CommandBytes) -> CommandResult {
    let allocationLength = cdb.number(at: 6, count: 4)
    guard allocationLength >= 16, cdb[2] <= 2 else { return .check(.invalidFieldInCDB) }
    // SELECT REPORT 01h asks for well-known units only: there are none.
    let units = logicalUnits.filter(\.value.configuration.isListed)
    let listed = cdb[2] == 1 ? [] : units.keys.sorted()
    var data: [UInt8] = []
    data.append(number: UInt64(listed.count * 8), count: 4)
    data += [0, 0, 0, 0]
    for number in listed { data.append(number: number, count: 8) }
    return .good(data, allocationLength: allocationLength)
  }

  func begin(_ session: SimulatedSession) {
    sessions.append(session)
    if parameters.raisesUnitAttentionAtLogin {
      for number in logicalUnits.keys { session.raise(.powerOnOrReset, number: number) }
    }
  }

  func end(_ session: SimulatedSession) {
    sessions.removeAll { $0 === session }
  }
}
