import ControlPlane
import FUSE
import ISCSI
import Reactor
import SCSI

/// `tasks/`: a file a command without a status, named by its Initiator Task Tag as `0x%08x`.
///
/// Which there are only the reactor knows, and it is asked each time: names are believed for no
/// moment, and the file of a task that is over is not there.
struct TasksDirectory: TreeDirectory {
  static let name = "tasks"

  let session: SessionHandle

  /// Known only to whoever asks the reactor (`listing(of:)`).
  var names: [String] { [] }

  func entry(named name: String) -> TreeEntry? {
    Self.tag(named: name).map { tag in
      .attribute(AttributeFile(permissions: 0o400, content: .task(session, tag)))
    }
  }

  func listing(of tasks: [OutstandingTask]) -> [TreeListing] {
    tasks.map { TreeListing(name: Self.name(of: $0.tag), kind: .regular) }
  }

  static func name(of tag: InitiatorTaskTag) -> String {
    let digits = String(tag.rawValue, radix: 16)
    return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// The tag a file's name says; a tag has one spelling.
  static func tag(named name: String) -> InitiatorTaskTag? {
    guard name.hasPrefix("0x"), let value = UInt32(name.dropFirst(2), radix: 16) else { return nil }
    let tag = InitiatorTaskTag(rawValue: value)
    return Self.name(of: tag) == name ? tag : nil
  }
}

extension Rendering {
  /// What a task's file says, one value a line.
  static func task(_ task: OutstandingTask) -> String {
    let cdb = task.cdb.bytes.map(\.hexadecimal).joined(separator: " ")
    return """
      lun: \(task.lun.name)
      cdb: \(cdb)
      bytes: \(task.byteCount)
      age_ms: \(task.ageMilliseconds)
      state: \(task.state)

      """
  }
}
