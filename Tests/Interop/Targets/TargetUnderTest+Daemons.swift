import Lab

extension TargetUnderTest {
  /// tgt with its own defaults, or with every key it has set to the widest it takes.
  static func tgt(_ lab: Lab, mebibytes: Int, isTuned: Bool) async throws -> TargetUnderTest {
    let units = [(1, 512), (2, 4096)].map {
      TargetDaemon.Unit(lun: $0, mebibytes: mebibytes, blockSize: $1)
    }
    let small = [TargetDaemon.Unit(lun: 1, mebibytes: 1)]
    let parameters = isTuned ? tunedParameters : []
    let daemon = try await TargetDaemon.start(
      lab,
      [
        TargetDaemon.Target(name: TargetKind.name("open"), units: units, parameters: parameters),
        TargetDaemon.Target(
          name: TargetKind.name("chap"), units: small, account: Credentials.initiator,
          parameters: parameters),
        TargetDaemon.Target(
          name: TargetKind.name("mutual"), units: small, account: Credentials.initiator,
          outgoing: Credentials.target, parameters: parameters),
      ])
    let nodes = daemon.targets.enumerated().map { index, target in
      Node(
        name: target.name,
        units: target.units.map {
          Unit(lun: $0.lun, mebibytes: $0.mebibytes, blockSize: $0.blockSize)
        },
        checksum: { try await lab.checksum(of: daemon.backingFile(target: index, lun: $0)) })
    }
    let version = await lab.shell("tgtd -V").value
    return TargetUnderTest(
      title: "tgt \(version), \(isTuned ? "tuned" : "default")",
      settings: parameters.map { "\($0.key)=\($0.value)" }.joined(separator: ", "),
      port: daemon.port, open: nodes[0], authenticating: nodes[1], mutual: nodes[2],
      limits: isTuned
        ? [
          .recovery: "it agrees and ends the connection over a SNACK; nothing is lost by that",
          .reassignment: "it agrees and has no task then: sessions anew, nothing is lost by that",
        ]
        : [
          .digests: "it answers None", .anyOrder: "it answers Yes", .pings: "it sends none",
          .recovery: "it agrees on level 0", .reassignment: "it agrees on level 0",
        ],
      guardDiscovery: {
        // Accounts bound to no target are discovery's.
        for account in [Credentials.initiator.user, "\(Credentials.target.user) --outgoing"] {
          let result = await daemon.administer("--op bind --mode account --user \(account)")
          guard result.status == 0 else { throw InteropFailure("\(result)") }
        }
        return daemon.port
      },
      idleSeconds: isTuned ? 5 : nil, sessionCount: { await daemon.sessionCount() })
  }

  /// tgt sums what its target says with what it was told, as each key wants it.
  private static let tunedParameters = [
    ("MaxConnections", "8"), ("InitialR2T", "No"), ("MaxOutstandingR2T", "8"),
    ("MaxBurstLength", "16776192"), ("FirstBurstLength", "262144"),
    ("MaxRecvDataSegmentLength", "1048576"), ("DataPDUInOrder", "No"),
    ("DataSequenceInOrder", "No"), ("ErrorRecoveryLevel", "2"),
    ("HeaderDigest", "CRC32C,None"), ("DataDigest", "CRC32C,None"), ("nop_interval", "2"),
    ("nop_count", "5"),
  ].map { (key: $0, value: $1) }

  /// istgt, whose LUNs of one target share a block length.
  static func istgt(_ lab: Lab, mebibytes: Int) async throws -> TargetUnderTest {
    let daemon = try await ISTGTDaemon.start(
      lab,
      [
        ISTGTDaemon.Target(name: TargetKind.name("open"), mebibytes: [mebibytes, mebibytes]),
        ISTGTDaemon.Target(
          name: TargetKind.name("chap"), mebibytes: [1], blockSize: 4096,
          account: Credentials.initiator),
        ISTGTDaemon.Target(
          name: TargetKind.name("mutual"), mebibytes: [1], account: Credentials.initiator,
          outgoing: Credentials.target),
      ])
    let nodes = daemon.targets.enumerated().map { index, target in
      Node(
        name: target.name,
        units: target.mebibytes.enumerated().map {
          Unit(lun: $0, mebibytes: $1, blockSize: target.blockSize)
        },
        checksum: { try await lab.checksum(of: daemon.backingFile(target: index, lun: $0)) })
    }
    let version = await lab.shell("istgt -V | sed -n 's/.*extra version //p'").value
    return TargetUnderTest(
      title: "istgt 0.4 (\(version))", settings: "MaxBurstLength=1048576, QueueDepth 32",
      port: daemon.port, open: nodes[0], authenticating: nodes[1], mutual: nodes[2],
      limits: [
        .anyOrder: "it answers Yes", .recovery: "it agrees on level 0",
        .reassignment: "it agrees on level 0",
      ],
      guardDiscovery: {
        // Its configuration says so once and for all: another one.
        let target = ISTGTDaemon.Target(
          name: TargetKind.name("mutual"), mebibytes: [1], account: Credentials.initiator,
          outgoing: Credentials.target)
        return try await ISTGTDaemon.start(lab, [target], guardsDiscovery: true).port
      }, idleSeconds: 5)
  }
}

extension Lab {
  /// MD5 of a file of this machine's.
  func checksum(of file: String) async throws -> String {
    let result = await shell("md5sum < '\(file)'")
    guard result.status == 0, let sum = result.value.split(separator: " ").first else {
      throw InteropFailure("\(file) cannot be read: \(result)")
    }
    return String(sum)
  }
}
