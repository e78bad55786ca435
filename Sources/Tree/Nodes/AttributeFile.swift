import ControlPlane
import ISCSI
import Reactor

/// A file that shows a value, built when it is opened.
struct AttributeFile: Sendable {
  /// Where the value comes from.
  enum Content: Sendable {
    /// Known from the snapshot; costs nothing until asked for.
    case rendered(@Sendable () -> [UInt8])
    /// The same for what is long and takes time: nobody is told its size before it is read.
    case report(@Sendable () -> [UInt8])
    /// A number that moves with every command, asked of the session's reactor.
    case counter(SessionHandle, @Sendable (SessionStatistics) -> UInt32)
    /// All of them at one moment, as text.
    case counters(SessionHandle, @Sendable (SessionStatistics) -> String)
    /// The counters and states of the whole mount.
    case metrics
    /// How many commands the LUN may have in flight now.
    case queueDepth(LogicalUnitHandle)
    /// A command that has no status yet; there as long as the reactor says so.
    case task(SessionHandle, InitiatorTaskTag)
    /// Settings of the mount, or of a target by its directory's name.
    case configuration(target: String?)
    /// The last logins of a target, by its directory's name.
    case loginLog(String)
  }

  var permissions: UInt16 = 0o444
  var content: Content
  /// What a write does; nil where the file is read-only.
  var writes: ControlFile.Scope?

  /// A `config` file.
  static func configuration(target: String?) -> AttributeFile {
    AttributeFile(
      permissions: 0o600, content: .configuration(target: target),
      writes: .configuration(target: target))
  }

  /// A text, which gets the newline every value ends in.
  static func text(_ text: String) -> AttributeFile {
    AttributeFile(content: .rendered { [UInt8]((text + "\n").utf8) })
  }

  /// Bytes as they are.
  static func bytes(_ bytes: [UInt8]) -> AttributeFile {
    AttributeFile(content: .rendered { bytes })
  }
}
