import ISCSI
import LinuxIO
import Reactor
import SystemPackage

/// A TCP connection to a portal over which whole PDUs are exchanged, before the reactor has it.
///
/// Every call blocks, the deadline bounds them all together. Of what the peer sends at most one PDU
/// of the declared size and one read are kept.
struct PortalConnection: ~Copyable {
  /// Bytes taken from the socket at once.
  private static let readByteCount = 4096

  let portal: Portal
  private let socket: StreamSocket
  private(set) var assembler: PDUAssembler
  private var deadline: MonotonicTime
  /// What was said in the login; nothing once it is over.
  private var recorder: LoginRecorder? = LoginRecorder()

  /// Connects to the first of the portal's addresses that answers.
  ///
  /// An address that does not answer leaves the later ones their share of the time.
  /// - Parameter sentFrom: how near the target was that sent us there, which bounds where it may;
  ///   nil where nobody did.
  /// - Parameter knownAddresses: given in a recovery, in which a name service is not waited for.
  init(
    to portal: Portal, sentFrom: AddressScope? = nil, knownAddresses: KnownAddresses? = nil,
    with options: SocketOptions, deadline: MonotonicTime, cancellation: CancellationSignal,
    lookUp: HostLookup = Self.lookUp
  ) throws(PortalFailure) {
    let route = PortalRoute(
      portal: portal, sentFrom: sentFrom, options: options, deadline: deadline,
      cancellation: cancellation)
    socket = try route.connect(knownAddresses, lookUp)
    self.portal = portal
    self.deadline = deadline
    assembler = PDUAssembler(maximumDataSegmentLength: LoginMachine.maximumDataSegmentLength)
  }

  /// Asks the resolver.
  static let lookUp: HostLookup = { (host, port, deadline, cancellation) throws(ResolverError) in
    try Resolver.resolve(host: host, port: port, deadline: deadline, cancellation: cancellation)
  }

  /// Sends one PDU.
  mutating func send(_ unit: ProtocolDataUnit) throws(PortalFailure) {
    recorder?.note(unit, isSent: true)
    let bytes = unit.encoded(
      headerDigest: assembler.headerDigest, dataDigest: assembler.dataDigest)
    do {
      try socket.sendAll(bytes, deadline: deadline)
    } catch {
      throw .socket(error)
    }
  }

  /// The next PDU of the peer's.
  mutating func receive() throws(PortalFailure) -> ProtocolDataUnit {
    while true {
      do {
        if let unit = try assembler.next() {
          recorder?.note(unit, isSent: false)
          return unit
        }
      } catch {
        throw .malformed(error)
      }
      let bytes: [UInt8]
      do {
        bytes = try socket.receive(maximumCount: Self.readByteCount, deadline: deadline)
      } catch {
        throw .socket(error)
      }
      guard let first = bytes.first else { throw .closed }
      if assembler.pendingByteCount == 0, !Self.isTargetOpcode(first) { throw .notISCSI(first) }
      assembler.append(bytes)
    }
  }

  /// From the login on: digests, longer data segments, another deadline.
  mutating func enterFullFeaturePhase(
    _ parameters: NegotiatedParameters, deadline: MonotonicTime
  ) {
    assembler.headerDigest = parameters.headerDigest
    assembler.dataDigest = parameters.dataDigest
    assembler.maximumDataSegmentLength = Int(parameters.maxRecvDataSegmentLength)
    self.deadline = deadline
    recorder = nil
  }

  /// Our end and the peer's as sysfs shows them.
  borrowing func ends() throws(PortalFailure) -> ConnectionEnds {
    do {
      let (local, remote) = (try socket.localName(), try socket.remoteName())
      return ConnectionEnds(
        address: remote.host, port: remote.port, localAddress: local.host, localPort: local.port)
    } catch {
      throw .socket(error)
    }
  }

  /// How near the peer is.
  var scope: AddressScope {
    (try? socket.remoteName()).map { AddressScope(of: $0.host) } ?? .elsewhere
  }

  /// Turns the connection into what the reactor takes over.
  consuming func handover(
    _ result: LoginResult, connectionID: UInt16, timeouts: SessionTimeouts
  ) -> ConnectionHandover {
    let earlyBytes = assembler.remainder()
    let units = recorder?.units ?? []
    var handover = ConnectionHandover(
      socket: socket.release(), connectionID: connectionID, parameters: result.negotiated,
      cmdSN: result.cmdSN, expStatSN: result.expStatSN, expCmdSN: result.expCmdSN,
      maxCmdSN: result.maxCmdSN, earlyBytes: earlyBytes, timeouts: timeouts)
    handover.loginPDUs = units
    return handover
  }

  /// Opcodes only targets send; 48 bytes of anything else are not waited for.
  ///
  /// The two bits before the opcode are reserved here, so they mean nothing (RFC 7143, 11.2.1).
  private static func isTargetOpcode(_ byte: UInt8) -> Bool {
    byte & 0x20 != 0
  }
}
