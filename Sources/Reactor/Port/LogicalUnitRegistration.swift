package import LogicalUnit
package import SCSI

/// What the reactor must know to serve a LUN's file.
///
/// The sessions are a pool: up to four that show the LUN; the one with the fewest tasks serves
/// next.
package struct LogicalUnitRegistration: Equatable, Sendable {
  package static let sessionCapacity = 4
  /// How long a command may take where nobody says otherwise, as sd.c has it.
  package static let commandSeconds: UInt64 = 30

  package var sessions: [SessionHandle]
  package var lun: LogicalUnitNumber
  package var geometry: Geometry
  package var isWriteProtected: Bool
  /// The device takes FUA (DPOFUA in its mode parameters).
  package var supportsForceUnitAccess: Bool
  /// A volatile write cache stands before the medium (WCE): fsync must synchronise it.
  package var hasVolatileCache: Bool
  /// READ/WRITE/SYNCHRONIZE CACHE (16) are known; otherwise the 10-byte forms are sent.
  package var supportsSixteenByteCommands: Bool
  /// How blocks are zeroed and given back.
  package var provisioning: Provisioning
  /// Requests that may have a command at the target at once, in each reactor
  /// (node.session.queue_depth); not 0.
  package var queueDepth: UInt16
  /// What a volatile cache holds may be flushed though nobody asked: behind the first write, so
  /// that nothing of an earlier daemon's is left, and before memory for what is written ends.
  package var flushesUnasked: Bool
  /// A command without any answer for so long has the ladder climbed for it; not 0.
  package var commandSeconds: UInt64

  package init(
    sessions: [SessionHandle],
    lun: LogicalUnitNumber,
    geometry: Geometry,
    isWriteProtected: Bool,
    supportsForceUnitAccess: Bool,
    hasVolatileCache: Bool,
    supportsSixteenByteCommands: Bool,
    provisioning: Provisioning? = nil,
    queueDepth: UInt16 = 32,
    flushesUnasked: Bool = false,
    commandSeconds: UInt64 = Self.commandSeconds
  ) {
    precondition(
      !sessions.isEmpty && sessions.count <= Self.sessionCapacity, "one to four sessions")
    self.sessions = sessions
    self.lun = lun
    self.geometry = geometry
    self.isWriteProtected = isWriteProtected
    self.supportsForceUnitAccess = supportsForceUnitAccess
    self.hasVolatileCache = hasVolatileCache
    self.supportsSixteenByteCommands = supportsSixteenByteCommands
    self.queueDepth = queueDepth
    self.flushesUnasked = flushesUnasked
    self.commandSeconds = commandSeconds
    self.provisioning = provisioning ?? Provisioning(geometry: geometry)
  }
}
