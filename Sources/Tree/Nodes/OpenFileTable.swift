import FUSE
import Reactor

/// What is open in the tree, by the number the kernel knows it by.
struct OpenFileTable: Sendable {
  /// An open file of any kind.
  enum OpenFile: Sendable {
    /// A value or usage text, built at open and the same until release.
    case content([UInt8], control: Control?)
    /// A file that goes on.
    case stream(ByteStream)
    case logicalUnit(LogicalUnitHandle, writable: Bool)
    case directory([DirectoryItem])
  }

  /// What writes to an open file do.
  struct Control: Sendable {
    var scope: ControlFile.Scope
    var appends: Bool
    /// Where the last write ended: the next of the same open file begins there.
    var nextOffset: UInt64 = 0
  }

  private var files: [OpenFileNumber: OpenFile] = [:]
  private var lastNumber: UInt64 = 0

  mutating func insert(_ file: OpenFile) -> OpenFileNumber {
    lastNumber += 1
    let number =
      if case .stream = file {
        OpenFileNumber(ofStream: lastNumber)
      } else {
        OpenFileNumber(rawValue: lastNumber)
      }
    files[number] = file
    return number
  }

  func file(_ number: OpenFileNumber) -> OpenFile? { files[number] }

  mutating func remove(_ number: OpenFileNumber) -> OpenFile? {
    files.removeValue(forKey: number)
  }

  /// Notes a write at `offset` and says whom it is for; nil when the file takes none.
  ///
  /// In place is the start, the end for who appends, and where the last write ended.
  mutating func admitWrite(
    _ number: OpenFileNumber, offset: UInt64, byteCount: Int
  ) -> (scope: ControlFile.Scope, isInPlace: Bool)? {
    guard case .content(let bytes, control: var control?) = files[number] else { return nil }
    let isInPlace = offset == 0 || control.appends || offset == control.nextOffset
    control.nextOffset = offset &+ UInt64(byteCount)
    files[number] = .content(bytes, control: control)
    return (control.scope, isInPlace)
  }
}
