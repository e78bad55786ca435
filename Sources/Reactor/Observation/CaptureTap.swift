import ISCSI
import LinuxIO

/// Shows a session's PDUs to everyone who has its `capture` open; there only as long as somebody
/// has.
///
/// The reactor's thread alone uses it; a stream that is full loses the record, never holds it up.
final class CaptureTap {
  /// Readers of one session at once.
  static let streamLimit = 4
  /// Bytes between the reactor and one reader.
  static let streamBytes = 256 * 1024

  private var writer: PacketWriter
  private var streams: [ByteStream] = []
  /// The header of a PDU whose payload is still to come.
  private var stagedHeader: [UInt8] = []

  init(path: CapturePath) {
    writer = PacketWriter(path: path)
  }

  /// For another connection of a session that is shown already: its PDUs go to the same readers.
  init(path: CapturePath, sharing other: CaptureTap) {
    writer = PacketWriter(path: path)
    streams = other.streams
  }

  /// Nobody reads any more.
  var isIdle: Bool { streams.isEmpty }

  /// Adds a reader; false when there are enough.
  func add(_ stream: ByteStream) -> Bool {
    streams.removeAll(where: \.isClosed)
    guard streams.count < Self.streamLimit else { return false }
    stream.write(PacketWriter.fileHeader[...])
    streams.append(stream)
    return true
  }

  /// Adds a reader that another connection's tap has begun to show PDUs to.
  func share(_ stream: ByteStream) { streams.append(stream) }

  /// The session goes on over another connection.
  func connect(_ path: CapturePath) {
    writer = PacketWriter(path: path)
  }

  /// The session is over: readers get the rest, then the end.
  func finish() {
    for stream in streams { stream.finish() }
    streams = []
  }

  func show(_ pdu: CapturedPDU, _ direction: PacketWriter.Direction) {
    writer.write(pdu, direction, at: .now) { record in
      streams.removeAll { !$0.write(record) }
    }
  }

  /// Shows a PDU of the login that made the connection.
  func show(_ login: LoginPDU) {
    guard login.bytes.count >= BasicHeaderSegment.byteCount else { return }
    unsafe login.bytes.withUnsafeBytes { bytes in
      // SAFETY: a PDU of ours or one that was parsed: its parts lie in its bytes.
      let header = unsafe BasicHeaderSegment(parsing: bytes.bytes)
      let start = BasicHeaderSegment.byteCount + Int(header.totalAHSLength) * 4
      let end = start + header.dataSegmentLength
      unsafe show(
        CapturedPDU(
          header: UnsafeRawBufferPointer(rebasing: bytes[..<start]),
          payload: UnsafeRawBufferPointer(rebasing: bytes[start..<end]),
          trailer: UnsafeRawBufferPointer(rebasing: bytes[end...])),
        login.isSent ? .sent : .received)
    }
  }

  /// Keeps a received header until its payload has come.
  func stage(_ header: UnsafeRawBufferPointer) {
    stagedHeader.removeAll(keepingCapacity: true)
    unsafe stagedHeader.append(contentsOf: header)
  }

  /// The payload of the staged header has come.
  func showStaged(payload: UnsafeRawBufferPointer, trailer: UnsafeRawBufferPointer) {
    // It began before anybody looked.
    guard !stagedHeader.isEmpty else { return }
    defer { stagedHeader.removeAll(keepingCapacity: true) }
    unsafe stagedHeader.withUnsafeBytes { header in
      unsafe show(CapturedPDU(header: header, payload: payload, trailer: trailer), .received)
    }
  }
}
