/// A cpio archive of the kind the Linux kernel unpacks as its first file system.
///
/// Pure. Entries stand in the order they were added; a directory goes before what is in it.
/// Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst ("newc").
package struct NewcArchive {
  /// What an entry is.
  package enum Kind: Equatable, Sendable {
    case directory
    case file
    case symbolicLink

    /// The type's bits of `st_mode`.
    fileprivate var typeBits: UInt32 {
      switch self {
      case .directory: 0o040000
      case .file: 0o100000
      case .symbolicLink: 0o120000
      }
    }
  }

  /// The archive so far; whole only after `finished`.
  private(set) var bytes: [UInt8] = []
  private var inode: UInt32 = 0

  package init() {}

  /// Adds an entry owned by root.
  ///
  /// - Parameters:
  ///   - path: without a slash in front: the archive is unpacked at the root.
  ///   - mode: permissions alone.
  ///   - content: a file's bytes, a link's target.
  package mutating func append(
    _ path: String, _ kind: Kind, mode: UInt32, content: some Collection<UInt8> = []
  ) {
    precondition(!path.isEmpty && !path.hasPrefix("/"), "paths in an archive are relative")
    precondition(mode & ~0o7777 == 0, "the type comes from the kind")
    inode += 1
    appendHeader(
      path, mode: kind.typeBits | mode, linkCount: kind == .directory ? 2 : 1,
      byteCount: content.count)
    bytes.append(contentsOf: content)
    pad()
  }

  /// The whole archive, with the entry that ends it.
  package consuming func finished() -> [UInt8] {
    inode = 0
    appendHeader("TRAILER!!!", mode: 0, linkCount: 1, byteCount: 0)
    return bytes
  }

  private mutating func appendHeader(
    _ path: String, mode: UInt32, linkCount: UInt32, byteCount: Int
  ) {
    // The magic number, then thirteen fields of eight digits: ino, mode, uid, gid, nlink, mtime,
    // filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check.
    let fields: [UInt32] = [
      inode, mode, 0, 0, linkCount, 0, UInt32(byteCount), 0, 0, 0, 0,
      UInt32(path.utf8.count + 1), 0,
    ]
    bytes.append(contentsOf: "070701".utf8)
    for field in fields {
      let digits = String(field, radix: 16, uppercase: true)
      bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 8 - digits.utf8.count))
      bytes.append(contentsOf: digits.utf8)
    }
    bytes.append(contentsOf: path.utf8)
    bytes.append(0)
    pad()
  }

  /// Names and contents end at a multiple of four.
  private mutating func pad() {
    while bytes.count % 4 != 0 { bytes.append(0) }
  }
}
