import ControlPlane
import ISCSI
import LogicalUnit
import Reactor
import SCSI

/// How the values of sessions, connections and LUNs are written: the one place that knows the
/// shape of what lies below the control plane.
///
/// Names and formats are those of sysfs (scsi_transport_iscsi.c, sd.c) where it shows the same.
enum Rendering {
  /// The word of a LUN that answers.
  static let runningState = "running"

  /// `sessions/<n>/`.
  static let session = AttributeTable<SessionFacts>([
    ("targetname", { .text(line($0.targetName)) }),
    ("isid", { .text($0.session.isid.description) }),
    ("tsih", { .text("\($0.session.tsih)") }),
    ("tpgt", { .text("\($0.session.targetPortalGroupTag)") }),
    ("erl", { .text("\($0.session.parameters.errorRecoveryLevel)") }),
    ("state", { .text(line($0.session.state)) }),
    ("losses", { .text("\($0.session.losses)") }),
    ("recovery_tries", { .text("\($0.session.recoveryTries)") }),
    ("recovery_ms", { .text("\($0.session.recoveryMilliseconds)") }),
    ("initial_r2t", { .text(flag($0.session.parameters.initialR2T)) }),
    ("immediate_data", { .text(flag($0.session.parameters.immediateData)) }),
    ("first_burst_len", { .text("\($0.session.parameters.firstBurstLength)") }),
    ("max_burst_len", { .text("\($0.session.parameters.maxBurstLength)") }),
    ("max_outstanding_r2t", { .text("\($0.session.parameters.maxOutstandingR2T)") }),
    ("data_pdu_in_order", { .text(flag($0.session.parameters.dataPDUInOrder)) }),
    ("data_seq_in_order", { .text(flag($0.session.parameters.dataSequenceInOrder)) }),
    ("cmdsn", { AttributeFile(content: .counter($0.session.handle) { $0.cmdSN }) }),
    ("exp_cmdsn", { AttributeFile(content: .counter($0.session.handle) { $0.expCmdSN }) }),
    ("max_cmdsn", { AttributeFile(content: .counter($0.session.handle) { $0.maxCmdSN }) }),
    ("stats", { AttributeFile(content: .counters($0.session.handle, statistics)) }),
  ])

  /// `connections/<cid>/`.
  ///
  /// StatSN is the last one received: one less than the one expected (RFC 7143, 4.2.2.2).
  static let connection = AttributeTable<ConnectionFacts>([
    ("address", { .text(line($0.connection.address)) }),
    ("port", { .text("\($0.connection.port)") }),
    ("persistent_address", { .text(line($0.connection.persistentAddress)) }),
    ("persistent_port", { .text("\($0.connection.persistentPort)") }),
    ("local_ipaddr", { .text(line($0.connection.localAddress)) }),
    ("local_port", { .text("\($0.connection.localPort)") }),
    ("state", { .text(line($0.connection.state)) }),
    ("header_digest", { .text(flag($0.connection.parameters.headerDigest)) }),
    ("data_digest", { .text(flag($0.connection.parameters.dataDigest)) }),
    ("max_recv_dlength", { .text("\($0.connection.parameters.maxRecvDataSegmentLength)") }),
    ("max_xmit_dlength", { .text("\($0.connection.parameters.maxXmitDataSegmentLength)") }),
    ("statsn", { statusNumber(of: $0) { $0 &- 1 } }),
    ("exp_statsn", { statusNumber(of: $0) { $0 } }),
  ])

  /// `lun<N>.info/`. Sizes are in bytes.
  static let information = AttributeTable<LogicalUnitSnapshot>([
    ("size", { geometry(of: $0).map { .text("\($0.capacityBytes)") } }),
    ("logical_block_size", { geometry(of: $0).map { .text("\($0.logicalBlockLength)") } }),
    ("physical_block_size", { geometry(of: $0).map { .text("\($0.physicalBlockLength)") } }),
    ("vendor", { .text(line($0.description.inquiry.vendor)) }),
    ("model", { .text(line($0.description.inquiry.product)) }),
    ("rev", { .text(line($0.description.inquiry.revision)) }),
    ("type", { .text("\($0.description.inquiry.peripheralDeviceType.rawValue)") }),
    ("serial", { serial(of: $0).map { .text(line($0)) } }),
    ("wwid", { worldWideName(of: $0).map { .text(line($0)) } }),
    ("state", { .text(line($0.state)) }),
    ("access_state", { $0.description.accessState.map { .text("\($0)") } }),
    ("queue_depth", { $0.handle.map { AttributeFile(content: .queueDepth($0)) } }),
    ("timeout", { $0.timeoutSeconds.map { .text("\($0)") } }),
    ("last_error", { .text(lastError(of: $0)) }),
    ("write_cache", { $0.description.modeParameters?.writeCacheEnabled.map(writeCache) }),
    ("fua", { $0.description.modeParameters.map { .text(flag($0.supportsForceUnitAccess)) } }),
    ("provisioning_mode", { provisioning(of: $0).map { .text($0) } }),
    ("discard_granularity", { discard(of: $0).map { .text("\($0.granularityBytes)") } }),
    ("discard_max_bytes", { discard(of: $0).map { .text("\($0.maximumBytes)") } }),
  ])

  /// Why there is no file, or none that opens; else why a call on it got an error the last time.
  private static func lastError(of unit: LogicalUnitSnapshot) -> String {
    let code: InitiatorErrorCode
    let sentence: String
    if !unit.lastError.isEmpty {
      (code, sentence) = (.operationNotSupported, unit.lastError)
    } else if let failure = unit.lastFailure {
      (code, sentence) = (failure.cause == .unanswered ? .requestTimedOut : .generic, "\(failure)")
    } else {
      return ControlError.successLine
    }
    return "\(code.rawValue) \(code.name) \(line(sentence))"
  }

  /// The word of a target's state, and while it is recovering since when and until when.
  static func state(of target: TargetSnapshot) -> String {
    guard let outage = target.outage else { return target.state.rawValue }
    return "\(target.state.rawValue) \(outage.words)"
  }

  /// The LUN's data file, nil where there is none.
  static func file(of unit: LogicalUnitSnapshot) -> LogicalUnitFile? {
    guard let handle = unit.handle else { return nil }
    let geometry = geometry(of: unit)
    let preferred = geometry?.preferredTransferBytes ?? 4096
    var granularity = UInt64(preferred)
    if let geometry, unit.description.isThinlyProvisioned,
      let blocks = unit.description.blockLimits?.unmapGranularity
    {
      // More than the unit has is a lie, and statfs has 32 bits for it.
      let told = UInt64(blocks) * UInt64(geometry.logicalBlockLength)
      if told <= min(geometry.capacityBytes, UInt64(UInt32.max)) { granularity = told }
    }
    return LogicalUnitFile(
      handle: handle, isWriteProtected: unit.description.isWriteProtected,
      capacityBytes: geometry?.capacityBytes ?? 0, preferredTransferBytes: preferred,
      granularityBytes: granularity)
  }

  /// The name by which the device is the same on every path, nil where it has none.
  static func worldWideName(of unit: LogicalUnitSnapshot) -> String? {
    unit.description.deviceIdentification?.worldWideName
  }

  /// Vendor and model, or the kind of device where it names neither.
  static func device(of unit: LogicalUnitSnapshot) -> String {
    let inquiry = unit.description.inquiry
    let names = [inquiry.vendor, inquiry.product].filter { !$0.isEmpty }
    return line(names.isEmpty ? "\(inquiry.peripheralDeviceType)" : names.joined(separator: " "))
  }

  /// `text` without anything that could end the line or move a terminal's cursor.
  static func line(_ text: String) -> String {
    if text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: result.append("?")
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  /// A number made of the StatSN a connection expects; 0 for one that is not there any more.
  private static func statusNumber(
    of facts: ConnectionFacts, _ number: @escaping @Sendable (UInt32) -> UInt32
  ) -> AttributeFile {
    let connectionID = facts.connection.connectionID
    return AttributeFile(
      content: .counter(facts.session.handle) { $0.expStatSN[connectionID].map(number) ?? 0 })
  }

  private static func flag(_ value: Bool) -> String { value ? "1" : "0" }

  private static func writeCache(isVolatile: Bool) -> AttributeFile {
    .text(isVolatile ? "write back" : "write through")
  }

  private static func geometry(of unit: LogicalUnitSnapshot) -> Geometry? {
    // A geometry that cannot be served has no size to show; the control plane says why.
    do throws(GeometryError) { return try unit.description.geometry() } catch { return nil }
  }

  private static func serial(of unit: LogicalUnitSnapshot) -> String? {
    guard let text = unit.description.unitSerialNumber?.text, !text.isEmpty else { return nil }
    return text
  }

  /// What is given back at once, and by one command at most; 0 where nothing is.
  private static func discard(
    of unit: LogicalUnitSnapshot
  ) -> (granularityBytes: UInt64, maximumBytes: UInt64)? {
    guard let geometry = geometry(of: unit) else { return nil }
    let provisioning = Provisioning(unit.description, geometry: geometry)
    let blocks = provisioning.maximumDeallocationBlocks
    let length = UInt64(geometry.logicalBlockLength)
    return (blocks == 0 ? 0 : provisioning.granularityBlocks * length, blocks * length)
  }

  private static func provisioning(of unit: LogicalUnitSnapshot) -> String? {
    guard unit.description.capacity != nil else { return nil }
    return unit.description.provisioningMode.rawValue
  }
}
