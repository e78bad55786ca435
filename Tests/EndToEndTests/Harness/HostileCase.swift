import ISCSI

@testable import TargetSimulator

/// One way in which a target misbehaves, and what its user must come to see.
struct HostileCase: Sendable {
  /// How the user moves bytes while it misbehaves.
  enum Use: Sendable {
    case read
    case write
    /// More commands than a window that never opens again lets go.
    case manyReads
  }

  /// In a name of a target, so of letters, digits and hyphens.
  var name: String
  var use: Use
  /// What the user's command says of its error; nil where it succeeds.
  ///
  /// Who has waited for too long is told ENOLINK where the path is away just then, and EIO where
  /// his command is at the target again.
  var error: String?
  /// What stands in the target's `last_error` meanwhile; nil where nothing may.
  ///
  /// A path that was there for a while is back at once, and the line then stands in the log alone;
  /// one that is lost again and again waits for a second each time.
  var words: String?
  /// The same of its LUN's, behind the command's name: what its SCSI layer answered wrongly.
  var unitWords: String?
  var lie: HostileFault.Lie?
  var flood: FloodFault.Kind?
  /// A fault of one connection.
  var makeFaults: @Sendable () -> [any ConnectionFault]

  /// The lies there are; the switch below asks for a new one's name, and the test for its row.
  enum LieKind: CaseIterable {
    case dataBeyondExpected, initiatorTaskTag, secondResponse, r2t, statSN, dataSN
    case dataSegmentLength, totalAHSLength, opcode, status, flags, residual, data, maxCmdSN
  }

  static func kind(of lie: HostileFault.Lie) -> LieKind {
    switch lie {
    case .dataBeyondExpected: .dataBeyondExpected
    case .initiatorTaskTag: .initiatorTaskTag
    case .secondResponse: .secondResponse
    case .r2t: .r2t
    case .statSN: .statSN
    case .dataSN: .dataSN
    case .dataSegmentLength: .dataSegmentLength
    case .totalAHSLength: .totalAHSLength
    case .opcode: .opcode
    case .status: .status
    case .flags: .flags
    case .residual: .residual
    case .data: .data
    case .maxCmdSN: .maxCmdSN
    }
  }

  /// READ and WRITE, of 10 and 16 bytes.
  private static let mediumAccess: Set<UInt8> = [0x28, 0x2A, 0x88, 0x8A]

  /// ENOLINK and EIO.
  static let severed = "Link has been severed"
  static let failed = "Input/output error"

  private static func lie(
    _ name: String, _ use: Use, _ lie: HostileFault.Lie, in opcode: Opcode,
    beside other: HostileFault.Lie? = nil, error: String?, words: String?,
    unitWords: String? = nil
  ) -> HostileCase {
    HostileCase(
      name: name, use: use, error: error, words: words, unitWords: unitWords, lie: lie
    ) {
      [other, lie].compactMap(\.self).map {
        CommandFault(mediumAccess, HostileFault($0, in: PDUSelector(opcode)))
      }
    }
  }

  private static func flood(
    _ use: Use, _ kind: FloodFault.Kind, at opcode: Opcode, error: String?, words: String?
  ) -> HostileCase {
    HostileCase(
      name: "flood-\(kind)".lowercased(), use: use, error: error, words: words, flood: kind
    ) {
      // One a connection: what comes behind an answer finds its command done. Pings must be more
      // than are answered while they arrive, however slowly they are sent.
      [
        CommandFault(
          mediumAccess,
          FloodFault(
            kind, count: kind == .ping ? 40_000 : 4000, at: PDUSelector(opcode, count: 1)))
      ]
    }
  }

  static let all: [HostileCase] = [
    lie(
      "beyond", .read, .dataBeyondExpected(byteCount: 8192), in: .dataIn, error: severed,
      words: "SCSI Data-In carries 73728 bytes at 0 of a transfer of 65536"),
    lie(
      "tag", .read, .initiatorTaskTag(InitiatorTaskTag(rawValue: 0x0007_FFF0)), in: .dataIn,
      error: severed, words: "SCSI Data-In names task 0x7fff0, which does not exist"),
    lie(
      "twice", .write, .secondResponse, in: .scsiResponse, error: nil,
      words: "SCSI Response names task"),
    lie(
      "r2t", .write, .r2t(bufferOffset: 0xFFFF_FFFF, length: 512), in: .readyToTransfer,
      error: severed, words: "R2T asks for 512 bytes at 4294967295 of a transfer of 65536"),
    lie(
      "statsn", .read, .statSN(offset: 1 << 31), in: .dataIn, error: severed,
      words: "StatSN is"),
    lie(
      "datasn", .read, .dataSN(offset: 1), in: .dataIn, error: severed,
      words: "DataSN is 1, expected 0"),
    lie(
      "length", .read, .dataSegmentLength(0xFF_FFFF), in: .dataIn, error: severed,
      words: "SCSI Data-In announces a data segment of 16777215 bytes"),
    // Its data are taken for additional headers, what follows for data: nothing answers a ping.
    lie(
      "ahs", .read, .totalAHSLength(255), in: .dataIn, error: failed,
      words: "did not answer a NOP-Out in time"),
    lie(
      "opcode", .read, .opcode(.loginRequest), in: .dataIn, error: severed,
      words: "Login Request may not arrive in full feature phase"),
    lie(
      "response", .write, .status(response: 1, status: 0), in: .scsiResponse, error: failed,
      words: nil, unitWords: "The command was aborted too often"),
    lie(
      "flags", .write, .flags(0x86), in: .scsiResponse, error: severed,
      words: "residual flags 0x86 claim overflow and underflow at once"),
    lie(
      "residual", .write, .residual(512), in: .scsiResponse, beside: .flags(0x82), error: failed,
      words: nil, unitWords: "The command was aborted too often"),
    lie(
      "empty", .read, .data([]), in: .dataIn, error: failed, words: nil,
      unitWords: "The command was aborted too often"),
    HostileCase(
      name: "window", use: .manyReads, error: failed, words: nil,
      unitWords: "no answer in the time I/O may wait", lie: .maxCmdSN(offset: .max)
    ) { [HostileFault(.maxCmdSN(offset: .max), in: .all)] },
    HostileCase(
      name: "duplicate", use: .read, error: nil, words: "SCSI Data-In names task"
    ) { [CommandFault(mediumAccess, DuplicateFault(.all))] },
    HostileCase(
      name: "cut", use: .read, error: severed,
      words: "the connection failed: Connection reset by peer"
    ) {
      [CommandFault(mediumAccess, CutFault(.inside(PDUSelector(.dataIn), byteCount: 1000)))]
    },
    flood(
      .read, .ping, at: .dataIn, error: nil,
      words: "NOP-In arrives faster than answers can leave"),
    flood(.read, .event, at: .dataIn, error: nil, words: nil),
    flood(
      .read, .reject, at: .dataIn, error: nil, words: "the target rejected a PDU with reason 0x4"),
    flood(
      .write, .response, at: .scsiResponse, error: nil, words: "SCSI Response names task"),
    flood(.read, .emptyData, at: .dataIn, error: nil, words: nil),
    flood(
      .write, .readyToTransfer, at: .readyToTransfer, error: severed,
      words: "more R2Ts are outstanding than the"),
  ]
}
