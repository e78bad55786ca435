package import SystemPackage

/// Replies we write without libfuse: `fuse_out_header`, then the body.
///
/// Source: linux/fuse.h, `struct fuse_out_header`, `struct fuse_open_out`, `struct fuse_poll_out`.
package enum RawReply {
  /// A reply that carries only an error, or none and no body.
  package static func bytes(unique: UInt64, error: Errno?) -> [UInt8] {
    header(unique: unique, error: error, bodyCount: 0)
  }

  /// An OPEN's reply.
  package static func bytes(unique: UInt64, opened: OpenedFile) -> [UInt8] {
    var bytes = header(unique: unique, error: nil, bodyCount: 16)
    append(opened.number.rawValue, to: &bytes)
    append(opened.options.rawValue, to: &bytes)
    append(UInt32(0), to: &bytes)
    return bytes
  }

  /// A POLL's reply.
  package static func bytes(unique: UInt64, events: PollEvents) -> [UInt8] {
    var bytes = header(unique: unique, error: nil, bodyCount: 8)
    append(events.rawValue, to: &bytes)
    append(UInt32(0), to: &bytes)
    return bytes
  }

  /// The notice for who polls: FUSE_NOTIFY_POLL, `struct fuse_notify_poll_wakeup_out`.
  package static func pollNotice(handle: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    append(UInt32(24), to: &bytes)
    // A notice has its code where a reply has its error, and answers no request.
    append(UInt32(1), to: &bytes)
    append(UInt64(0), to: &bytes)
    append(handle, to: &bytes)
    return bytes
  }

  private static func header(unique: UInt64, error: Errno?, bodyCount: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(16 + bodyCount)
    append(UInt32(16 + bodyCount), to: &bytes)
    append(UInt32(bitPattern: -(error?.rawValue ?? 0)), to: &bytes)
    append(unique, to: &bytes)
    return bytes
  }

  /// The kernel's structs are in the machine's byte order: little-endian wherever we build.
  private static func append<T: FixedWidthInteger>(_ value: T, to bytes: inout [UInt8]) {
    for index in 0..<(T.bitWidth / 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> T(index * 8)))
    }
  }
}
