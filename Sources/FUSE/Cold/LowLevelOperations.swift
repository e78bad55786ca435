import CFUSE3
import Glibc
import SystemPackage

/// libfuse's table of callbacks: each starts a task, or refuses at once.
///
/// An operation absent here is answered ENOSYS, after which the kernel never asks again: right for
/// extended attributes, flush and access. OPEN and POLL do not come here. FSYNC, FALLOCATE and
/// LSEEK must not be absent, or the kernel would stop sending them for LUN files too.
enum LowLevelOperations {
  /// The table.
  static var table: fuse_lowlevel_ops {
    var table = fuse_lowlevel_ops()
    addNames(to: &table)
    addAttributes(to: &table)
    addFiles(to: &table)
    addDirectories(to: &table)
    addRefusals(to: &table)
    return table
  }

  // SAFETY, for every callback below: libfuse calls it on the cold thread inside `process`, with
  // pointers valid until it returns; whatever a task needs is copied first. A request is answered
  // exactly once, by `FuseRequest` or by the one reply in the callback.

  private static func addNames(to table: inout fuse_lowlevel_ops) {
    // libfuse compares max_read with the mount option and ends the session when they differ.
    // What the kernel is told is `InitAnswer`.
    unsafe table.`init` = { _, connection in
      unsafe connection?.pointee.max_read = CUnsignedInt(MountOptions.transferByteLimit)
      unsafe connection?.pointee.max_write = CUnsignedInt(MountOptions.transferByteLimit)
    }
    unsafe table.lookup = { request, parent, name in
      guard let request = unsafe request, let name = unsafe name else { return }
      guard let name = unsafe String(validatingCString: name) else {
        return unsafe refuse(request, ENOENT)
      }
      unsafe dispatcher(of: request).serve(request) { (request, operations) async throws(Errno) in
        let entry = try await operations.lookup(name, in: NodeNumber(rawValue: UInt64(parent)))
        let isTaken = unsafe request.answer { unsafe FuseReply.entry(entry, to: $0) }
        if !isTaken {
          operations.forget(entry.attributes.node, count: 1)
        }
      }
    }
    unsafe table.unlink = { request, parent, name in
      guard let request = unsafe request, let name = unsafe name else { return }
      guard let name = unsafe String(validatingCString: name) else {
        return unsafe refuse(request, ENOENT)
      }
      unsafe dispatcher(of: request).serve(request) { (request, operations) async throws(Errno) in
        try await operations.remove(name, from: NodeNumber(rawValue: UInt64(parent)))
        request.succeed()
      }
    }
    unsafe table.forget = { request, node, count in
      guard let request = unsafe request else { return }
      unsafe dispatcher(of: request).operations.forget(
        NodeNumber(rawValue: UInt64(node)), count: count)
      unsafe fuse_reply_none(request)
    }
    unsafe table.forget_multi = { request, count, forgets in
      guard let request = unsafe request else { return }
      let operations = unsafe dispatcher(of: request).operations
      for index in 0..<count {
        guard let forget = unsafe forgets?[index] else { break }
        operations.forget(NodeNumber(rawValue: forget.ino), count: forget.nlookup)
      }
      unsafe fuse_reply_none(request)
    }
  }

  private static func addAttributes(to table: inout fuse_lowlevel_ops) {
    unsafe table.getattr = { request, node, _ in
      guard let request = unsafe request else { return }
      unsafe dispatcher(of: request).serve(request) { (request, operations) async throws(Errno) in
        let attributes = try await operations.attributes(of: NodeNumber(rawValue: UInt64(node)))
        unsafe request.answer { unsafe FuseReply.attributes(attributes, to: $0) }
      }
    }
    unsafe table.setattr = { request, node, values, mask, information in
      guard let request = unsafe request, let values = unsafe values else { return }
      let changes = unsafe FuseReply.changes(
        values.pointee, mask: mask, isByOpenFile: information != nil)
      unsafe dispatcher(of: request).serve(request) { (request, operations) async throws(Errno) in
        let attributes = try await operations.setAttributes(
          changes, of: NodeNumber(rawValue: UInt64(node)))
        unsafe request.answer { unsafe FuseReply.attributes(attributes, to: $0) }
      }
    }
    unsafe table.readlink = { request, node in
      guard let request = unsafe request else { return }
      unsafe dispatcher(of: request).serve(request) { (request, operations) async throws(Errno) in
        let target = try await operations.readLink(NodeNumber(rawValue: UInt64(node)))
        unsafe request.answer { unsafe fuse_reply_readlink($0, target) }
      }
    }
    unsafe table.statfs = { request, node in
      guard let request = unsafe request else { return }
      unsafe dispatcher(of: request).serve(request) { (request, operations) async throws(Errno) in
        let statistics = try await operations.statistics(
          of: NodeNumber(rawValue: UInt64(node)))
        unsafe request.answer { unsafe FuseReply.statistics(statistics, to: $0) }
      }
    }
  }

  private static func addFiles(to table: inout fuse_lowlevel_ops) {
    unsafe table.read = { request, _, count, offset, information in
      guard let request = unsafe request, let information = unsafe information else { return }
      let file = OpenFileNumber(rawValue: unsafe information.pointee.fh)
      let flags = OpenFlags(rawValue: UInt32(bitPattern: unsafe information.pointee.flags))
      unsafe dispatcher(of: request).serve(request) { (request, operations) async throws(Errno) in
        let bytes = try await operations.read(
          file, offset: UInt64(max(0, offset)), count: count, waits: !flags.isNonblocking)
        let isTaken = unsafe request.answer { unsafe FuseReply.bytes(bytes, to: $0) }
        operations.didRead(file, byteCount: isTaken ? bytes.count : 0)
      }
    }
    unsafe table.write = { request, _, buffer, count, offset, information in
      guard let request = unsafe request, let information = unsafe information else { return }
      let file = OpenFileNumber(rawValue: unsafe information.pointee.fh)
      // Only so much of the data came through the queue.
      let bytes = unsafe [UInt8](
        UnsafeRawBufferPointer(start: buffer, count: min(count, ColdLimits.writtenBytes)))
      unsafe dispatcher(of: request).serve(request) { (request, operations) async throws(Errno) in
        try await operations.write(
          bytes, byteCount: count, to: file, offset: UInt64(max(0, offset)))
        unsafe request.answer { unsafe fuse_reply_write($0, count) }
      }
    }
    unsafe table.release = { request, node, information in
      guard let request = unsafe request, let information = unsafe information else { return }
      let file = OpenFileNumber(rawValue: unsafe information.pointee.fh)
      unsafe dispatcher(of: request).serve(request) { (request, operations) async throws(Errno) in
        await operations.release(file, of: NodeNumber(rawValue: UInt64(node)))
        request.succeed()
      }
    }
    unsafe table.fsync = { request, _, _, _ in unsafe refuse(request, 0) }
    unsafe table.fallocate = { request, _, _, _, _, _ in unsafe refuse(request, EOPNOTSUPP) }
    unsafe table.lseek = { request, _, _, _, _ in unsafe refuse(request, EINVAL) }
    unsafe table.ioctl = { request, _, _, _, _, _, _, _, _ in unsafe refuse(request, ENOTTY) }
  }

  private static func addDirectories(to table: inout fuse_lowlevel_ops) {
    unsafe table.opendir = { request, node, _ in
      guard let request = unsafe request else { return }
      unsafe dispatcher(of: request).serve(request) { (request, operations) async throws(Errno) in
        let directory = try await operations.openDirectory(NodeNumber(rawValue: UInt64(node)))
        let isTaken = unsafe request.answer { request in
          var information = fuse_file_info()
          information.fh = directory.rawValue
          return unsafe fuse_reply_open(request, &information)
        }
        if !isTaken { await operations.releaseDirectory(directory) }
      }
    }
    unsafe table.readdir = { request, _, count, offset, information in
      guard let request = unsafe request, let information = unsafe information else { return }
      let directory = OpenFileNumber(rawValue: unsafe information.pointee.fh)
      unsafe dispatcher(of: request).serve(request) { (request, operations) async throws(Errno) in
        let items = try await operations.items(of: directory)
        unsafe request.answer {
          unsafe FuseReply.items(items, from: Int(max(0, offset)), room: count, to: $0)
        }
      }
    }
    unsafe table.releasedir = { request, _, information in
      guard let request = unsafe request, let information = unsafe information else { return }
      let directory = OpenFileNumber(rawValue: unsafe information.pointee.fh)
      unsafe dispatcher(of: request).serve(request) { (request, operations) async throws(Errno) in
        await operations.releaseDirectory(directory)
        request.succeed()
      }
    }
    unsafe table.fsyncdir = { request, _, _, _ in unsafe refuse(request, 0) }
  }

  /// The daemon owns every name: nothing is made or renamed through the mount, and no directory
  /// removed.
  private static func addRefusals(to table: inout fuse_lowlevel_ops) {
    unsafe table.mknod = { request, _, _, _, _ in unsafe refuse(request, EPERM) }
    unsafe table.mkdir = { request, _, _, _ in unsafe refuse(request, EPERM) }
    unsafe table.rmdir = { request, _, _ in unsafe refuse(request, EPERM) }
    unsafe table.symlink = { request, _, _, _ in unsafe refuse(request, EPERM) }
    unsafe table.rename = { request, _, _, _, _, _ in unsafe refuse(request, EPERM) }
    unsafe table.link = { request, _, _, _ in unsafe refuse(request, EPERM) }
    unsafe table.create = { request, _, _, _, _ in unsafe refuse(request, EPERM) }
  }
}

// C callbacks capture nothing, not even a type: what they share stands outside it.

/// The dispatcher a session was made with.
private func dispatcher(of request: fuse_req_t) -> ColdDispatcher {
  guard let pointer = unsafe fuse_req_userdata(request) else {
    preconditionFailure("every session is made with a dispatcher")
  }
  // SAFETY: the session retains its dispatcher until it is destroyed.
  return unsafe Unmanaged<ColdDispatcher>.fromOpaque(pointer).takeUnretainedValue()
}

/// Answers with an error number at once; 0 is success.
private func refuse(_ request: fuse_req_t?, _ number: CInt) {
  guard let request = unsafe request else { return }
  unsafe fuse_reply_err(request, number)
}
