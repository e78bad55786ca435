/// The lengths RFC 7143 allows for bursts and segments (13.12 to 13.14).
private let lengths: ClosedRange<UInt32> = 512...16_777_215
/// Timeouts: up to a day.
private let seconds: ClosedRange<UInt32> = 1...86_400

extension ConfigurationKey {
  static let initiator: [ConfigurationKey] = [
    .init(
      "InitiatorName", \.initiatorName, .initiatorName,
      "Who we are to targets. Not set: /etc/iscsi/initiatorname.iscsi if it can be read,\n"
        + "else a name that stays the same for this machine and user."),
    .init(
      "InitiatorAlias", \.initiatorAlias, .text("a name for people", maximumByteCount: 255),
      "A name for people, shown by some targets beside InitiatorName."),
  ]

  static let node: [ConfigurationKey] = [
    .init(
      "node.name", \.node.targetName, .text("a target name", maximumByteCount: 223),
      "A target known without discovery; needs node.conn[0].address."),
    .init("node.tpgt", \.node.targetPortalGroupTag, .number(0...65_535), "Its portal group tag."),
    .init(
      "node.conn[0].address", \.node.address, .host, "The host or address of node.name's portal."),
    .init("node.conn[0].port", \.node.port, .number(1...65_535), "Its port."),
    .init(
      "node.startup", \.node.startup, .word,
      "automatic or onboot: log in when mounted; manual: wait for \"login\" in a control file.\n"
        + "A mount of a portal logs in unless -o login=manual."),
  ]

  static let session: [ConfigurationKey] = [
    .init(
      "node.session.nr_sessions", \.session.sessionCount, .number(1...32, or: 0),
      "Sessions to each target; also -o sessions=N. 0: one for each thread that serves requests."),
    .init(
      "node.session.cmds_max", \.session.commandsMax, .powerOfTwo(2...2048),
      "Commands a session may have outstanding."),
    .init(
      "node.session.queue_depth", \.session.queueDepth, .number(1...1024),
      "Commands a LUN may have outstanding, on each thread that serves requests; halved for a\n"
        + "while where the target says that it has too many."),
    .init(
      "node.session.initial_login_retry_max", \.session.initialLoginRetryMax, .number(0...1000),
      "Attempts before the first login is given up; 0: as long as it is wanted (open-iscsi: 8)."),
    .init(
      "node.session.reopen_max", \.session.reopenMax, .number(0...1_000_000),
      "Attempts to bring a lost session back before it is logged out; 0 tries for ever."),
    .init(
      "node.conn[0].tcp.window_size", \.session.tcpWindowBytes, .number(0...16_777_216),
      "Socket buffers in bytes; 0 lets the kernel tune them, which is nearly always best."),
    .init(
      "node.conn[0].tcp.type_of_service", \.session.typeOfService, .number(0...255),
      "IP type of service of the connection."),
  ]

  static let authentication = authenticationKeys(
    prefix: "node.session.auth", at: \.authentication, of: "log in to targets")

  static let timeouts: [ConfigurationKey] = [
    .init(
      "node.session.timeo.replacement_timeout", \.timeouts.replacementSeconds,
      .number(-1...86_400),
      "Seconds I/O waits for a lost session; 0 fails it at once, -1 waits for ever."),
    .init(
      "node.session.err_timeo.abort_timeout", \.timeouts.abortSeconds, .number(seconds),
      "Seconds to wait for ABORT TASK."),
    .init(
      "node.session.err_timeo.lu_reset_timeout", \.timeouts.logicalUnitResetSeconds,
      .number(seconds), "Seconds to wait for LOGICAL UNIT RESET."),
    .init(
      "node.session.err_timeo.tgt_reset_timeout", \.timeouts.targetResetSeconds, .number(seconds),
      "Seconds to wait for a target reset."),
    .init(
      "node.conn[0].timeo.login_timeout", \.timeouts.loginSeconds, .number(seconds),
      "Seconds a login may take, connecting included."),
    .init(
      "node.conn[0].timeo.logout_timeout", \.timeouts.logoutSeconds, .number(seconds),
      "Seconds a logout may take before the connection is closed without it."),
    .init(
      "node.conn[0].timeo.noop_out_interval", \.timeouts.noopOutIntervalSeconds,
      .number(0...86_400),
      "Seconds of silence before a NOP-Out asks whether the target lives; 0 never asks."),
    .init(
      "node.conn[0].timeo.noop_out_timeout", \.timeouts.noopOutSeconds, .number(seconds),
      "Seconds its answer may take."),
  ]

  static let negotiation: [ConfigurationKey] = [
    .init(
      "node.session.iscsi.InitialR2T", \.negotiation.initialR2T, .yesNo,
      "Yes: every write waits for the target's R2T."),
    .init(
      "node.session.iscsi.ImmediateData", \.negotiation.immediateData, .yesNo,
      "Send data along with the write command."),
    .init(
      "node.session.iscsi.FirstBurstLength", \.negotiation.firstBurstLength, .number(lengths),
      "Bytes of a write sent without being asked."),
    .init(
      "node.session.iscsi.MaxBurstLength", \.negotiation.maxBurstLength, .number(lengths),
      "Bytes of one solicited burst."),
    .init(
      "node.session.iscsi.MaxOutstandingR2T", \.negotiation.maxOutstandingR2T,
      .number(1...65_535), "R2Ts a target may have open for one write (open-iscsi: 1)."),
    .init(
      "node.session.iscsi.MaxConnections", \.negotiation.maxConnections, .number(1...65_535),
      "Connections of one session."),
    .init(
      "node.session.iscsi.ERL", \.negotiation.errorRecoveryLevel, .number(0...2),
      "Error recovery level: 1 asks again for what is lost, 2 keeps tasks too (LIO dies of it)."),
    .init(
      "node.session.iscsi.DefaultTime2Wait", \.negotiation.defaultTime2Wait, .number(0...3600),
      "Seconds to wait after a lost connection before logging in again."),
    .init(
      "node.session.iscsi.DefaultTime2Retain", \.negotiation.defaultTime2Retain,
      .number(0...3600), "Seconds the target keeps lost tasks; with ERL 2 0 stands for 20."),
    .init(
      "node.session.iscsi.DataPDUInOrder", \.negotiation.dataPDUInOrder, .word,
      "iscsifs's own: whether PDUs of a sequence must come in order."),
    .init(
      "node.session.iscsi.DataSequenceInOrder", \.negotiation.dataSequenceInOrder, .word,
      "iscsifs's own: whether sequences must come in order."),
    .init(
      "node.session.iscsi.iSCSIProtocolLevel", \.negotiation.protocolLevel,
      .number(1...2, or: 0),
      "iscsifs's own: the level to offer, 2 for RFC 7144's task management; 0: none is offered."),
    .init(
      "node.session.iscsi.TaskReporting", \.negotiation.taskReporting, .list(),
      "iscsifs's own: RFC3720, ResponseFence or FastAbort, or a list. Not set: not offered."),
    .init(
      "node.conn[0].iscsi.MaxRecvDataSegmentLength", \.negotiation.maxRecvDataSegmentLength,
      .number(lengths), "Bytes of data we take in one PDU."),
    .init(
      "node.conn[0].iscsi.MaxXmitDataSegmentLength", \.negotiation.maxXmitDataSegmentLength,
      .number(lengths, or: 0), "Bytes of data we send in one PDU; 0: what the target takes."),
    .init(
      "node.conn[0].iscsi.HeaderDigest", \.negotiation.headerDigest, .word,
      "CRC32C over headers: None, CRC32C, or both in the order you like them."),
    .init(
      "node.conn[0].iscsi.DataDigest", \.negotiation.dataDigest, .word, "CRC32C over data."),
  ]

  static let discovery: [ConfigurationKey] =
    [
      .init(
        "discovery.sendtargets.address", \.discovery.address, .host,
        "The portal to ask for targets when this file is mounted as SOURCE."),
      .init("discovery.sendtargets.port", \.discovery.port, .number(1...65_535), "Its port."),
    ]
    + authenticationKeys(
      prefix: "discovery.sendtargets.auth", at: \.discovery.authentication, of: "discover")
    + [
      .init(
        "discovery.sendtargets.timeo.login_timeout", \.discovery.loginSeconds, .number(seconds),
        "Seconds a discovery login may take."),
      .init(
        "discovery.sendtargets.iscsi.MaxRecvDataSegmentLength",
        \.discovery.maxRecvDataSegmentLength, .number(lengths),
        "Bytes of text we take in one PDU."),
    ]

  /// The keys of one `AuthenticationSettings`.
  private static func authenticationKeys(
    prefix: String, at path: Path<Configuration, AuthenticationSettings>, of purpose: String
  ) -> [ConfigurationKey] {
    let name = ValueForm<String?>.text("a name", maximumByteCount: 255)
    return [
      .init(
        "\(prefix).authmethod", within: path, \.method, .word,
        "CHAP or None, to \(purpose)."),
      .init("\(prefix).username", within: path, \.userName, name, "Our name."),
      .init(
        "\(prefix).password", within: path, \.secret, .secret,
        "Our secret, 12 bytes or more. This file must then be yours or root's, of mode 0600."),
      .init(
        "\(prefix).username_in", within: path, \.targetUserName, name,
        "The name the target must answer with, for mutual CHAP."),
      .init(
        "\(prefix).password_in", within: path, \.targetSecret, .secret,
        "The secret the target must know; never the same as ours."),
      .init(
        "\(prefix).chap_algs", within: path, \.algorithms, .list(),
        "Digests offered for CHAP, the wanted one first."),
      .init(
        "\(prefix).allow_weak", within: path, \.allowsWeakSecrets, .yesNo,
        "iscsifs's own: Yes lets secrets below 12 bytes pass."),
    ]
  }
}
