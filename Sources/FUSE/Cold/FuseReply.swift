import CFUSE3
import Glibc
import SystemPackage

/// Our values in libfuse's structs.
enum FuseReply {
  // SAFETY, for every reply: libfuse copies the structs it is given before it returns.

  static func entry(_ entry: NodeEntry, to request: fuse_req_t) -> CInt {
    var parameters = fuse_entry_param()
    parameters.ino = fuse_ino_t(entry.attributes.node.rawValue)
    parameters.attr = status(of: entry.attributes)
    parameters.attr_timeout = entry.attributes.validSeconds
    parameters.entry_timeout = entry.validSeconds
    return unsafe fuse_reply_entry(request, &parameters)
  }

  static func attributes(_ attributes: NodeAttributes, to request: fuse_req_t) -> CInt {
    var status = status(of: attributes)
    return unsafe fuse_reply_attr(request, &status, attributes.validSeconds)
  }

  static func statistics(_ statistics: FileSystemStatistics, to request: fuse_req_t) -> CInt {
    var values = statvfs()
    values.f_bsize = UInt(statistics.blockBytes)
    values.f_frsize = UInt(statistics.fragmentBytes)
    values.f_blocks = UInt(statistics.fragmentCount)
    values.f_files = UInt(statistics.fileCount)
    values.f_namemax = 255
    return unsafe fuse_reply_statfs(request, &values)
  }

  static func bytes(_ bytes: ArraySlice<UInt8>, to request: fuse_req_t) -> CInt {
    unsafe bytes.withUnsafeBytes { bytes in
      unsafe fuse_reply_buf(
        request, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
    }
  }

  /// As many whole entries as `room` bytes hold, from the one at `index` on.
  static func items(
    _ items: [DirectoryItem], from index: Int, room: Int, to request: fuse_req_t
  ) -> CInt {
    // The kernel asks for a page or a few; the bound is against a wild number.
    var buffer = [CChar](repeating: 0, count: min(room, 1 << 20))
    var used = 0
    for position in min(index, items.count)..<items.count {
      let item = items[position]
      var status = stat()
      status.st_ino = UInt(item.node.rawValue)
      status.st_mode = mode(of: item.kind)
      let free = buffer.count - used
      let size = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
        unsafe fuse_add_direntry(
          request, buffer.baseAddress?.advanced(by: used), free, item.name, &status,
          off_t(position + 1))
      }
      guard size <= free else { break }
      used += size
    }
    return unsafe fuse_reply_buf(request, buffer, used)
  }

  /// What a SETATTR's mask and values ask for.
  static func changes(
    _ values: stat, mask: CInt, isByOpenFile: Bool
  ) -> AttributeChanges {
    AttributeChanges(
      permissions: mask & FUSE_SET_ATTR_MODE != 0 ? UInt16(values.st_mode & 0o7777) : nil,
      userID: mask & FUSE_SET_ATTR_UID != 0 ? values.st_uid : nil,
      groupID: mask & FUSE_SET_ATTR_GID != 0 ? values.st_gid : nil,
      sizeBytes: mask & FUSE_SET_ATTR_SIZE != 0 ? UInt64(max(0, values.st_size)) : nil,
      setsTimes: mask & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME) != 0,
      isByOpenFile: isByOpenFile)
  }

  private static func mode(of kind: NodeAttributes.Kind) -> mode_t {
    switch kind {
    case .directory: S_IFDIR
    case .regular: S_IFREG
    case .symbolicLink: S_IFLNK
    }
  }

  private static func status(of attributes: NodeAttributes) -> stat {
    var status = stat()
    status.st_ino = UInt(attributes.node.rawValue)
    status.st_mode = mode(of: attributes.kind) | mode_t(attributes.permissions & 0o7777)
    // 1 for a directory: find must not count subdirectories by it.
    status.st_nlink = 1
    status.st_uid = attributes.userID
    status.st_gid = attributes.groupID
    status.st_size = off_t(clamping: attributes.sizeBytes)
    status.st_blocks = blkcnt_t(clamping: attributes.allocatedBytes.dividedRoundingUp(by: 512))
    status.st_blksize = blksize_t(attributes.preferredTransferBytes)
    let time = timespec(tv_sec: Int(attributes.timeSeconds), tv_nsec: 0)
    status.st_atim = time
    status.st_mtim = time
    status.st_ctim = time
    return status
  }
}

extension UInt64 {
  /// How many pieces of `divisor` hold this many.
  fileprivate func dividedRoundingUp(by divisor: UInt64) -> UInt64 {
    self / divisor + (self % divisor == 0 ? 0 : 1)
  }
}
