package import SystemPackage

/// Small text files, read and written whole.
package enum TextFile {
  /// More is no configuration and no value.
  package static let maximumByteCount = 1 << 20

  /// The text of a file, at most `limit` bytes of it.
  package static func read(
    _ path: String, limit: Int = maximumByteCount
  ) throws(Errno) -> String {
    let descriptor = try open(path, options: [.closeOnExec, .nonBlocking])
    return try closing(descriptor) { (descriptor) throws(Errno) in
      try readAll(descriptor, limit: limit)
    }
  }

  /// What `body` makes of `descriptor`, which is closed afterwards.
  static func closing<Value>(
    _ descriptor: FileDescriptor, _ body: (FileDescriptor) throws(Errno) -> Value
  ) throws(Errno) -> Value {
    defer { try? descriptor.close() }
    return try body(descriptor)
  }

  static func open(
    _ path: String, options: FileDescriptor.OpenOptions
  ) throws(Errno) -> FileDescriptor {
    do {
      return try FileDescriptor.open(FilePath(path), .readOnly, options: options)
    } catch { throw error as? Errno ?? .ioError }
  }

  /// All that is left to read, up to the maximum; the size a file states is not believed.
  static func readAll(
    _ descriptor: FileDescriptor, limit: Int = maximumByteCount
  ) throws(Errno) -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while bytes.count < limit {
      let count: Int
      do {
        // SAFETY: the buffer is the array's own and is not kept past the call.
        count = try unsafe chunk.withUnsafeMutableBytes { unsafe try descriptor.read(into: $0) }
      } catch { throw error as? Errno ?? .ioError }
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return String(decoding: bytes.prefix(limit), as: UTF8.self)
  }

  /// Writes a file of mode 0600 so that a reader sees the old text or the new one, never a part.
  package static func replace(_ path: String, with text: String) throws(Errno) {
    let scratch = path + ".new"
    do {
      try makeDirectories(above: path)
      let descriptor = try FileDescriptor.open(
        FilePath(scratch), .writeOnly, options: [.create, .truncate, .noFollow, .closeOnExec],
        permissions: .ownerReadWrite)
      try descriptor.closeAfter { _ = try descriptor.writeAll(text.utf8) }
      try rename(scratch, to: path)
    } catch { throw error as? Errno ?? .ioError }
  }
}
