import Records
import SystemPackage

/// What is mounted, as the kernel tells it.
struct MountTable: Equatable, Sendable {
  struct Entry: Equatable, Sendable {
    var mountpoint: String
    var type: String
    var source: String
    /// `st_dev` of what is mounted, "major:minor": known here without asking the file system.
    var device = ""

    /// The file system type is "fuse", its subtype "iscsifs".
    var isOurs: Bool { type == "fuse.iscsifs" }
  }

  let entries: [Entry]

  /// The mounts of this process's namespace.
  static func current() throws(CommandFailure) -> MountTable {
    do throws(Errno) {
      return MountTable(parsing: try TextFile.read("/proc/self/mountinfo"))
    } catch { throw CommandFailure(.system, "/proc/self/mountinfo: \(error)") }
  }

  /// Source: proc_pid_mountinfo(5). Lines that are not of that form are passed over.
  init(parsing text: String) {
    entries = text.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ", omittingEmptySubsequences: false)
      guard fields.count > 9, let dash = fields[6...].firstIndex(of: "-"), dash + 2 < fields.count
      else { return nil }
      return Entry(
        mountpoint: MountTable.unescape(fields[4]), type: String(fields[dash + 1]),
        source: MountTable.unescape(fields[dash + 2]), device: String(fields[2]))
    }
  }

  /// What is on top at `mountpoint`, an absolute path.
  func top(at mountpoint: String) -> Entry? { entries.last { $0.mountpoint == mountpoint } }

  /// The kernel writes blanks and backslashes as three octal digits.
  private static func unescape(_ field: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(field.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3,
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        bytes.append(value)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
