import ControlPlane
import SCSI

/// The names of a directory of links, each with the LUN files it may lead to.
struct LinkNames: Sendable {
  /// A LUN file behind a name.
  struct Candidate: Comparable, Sendable {
    /// The path works as far as is known.
    var isPreferred: Bool
    /// The target's directory as it is shown.
    var directory: String
    var lun: LogicalUnitNumber

    /// From a directory beside `targets/`.
    var path: String {
      "../\(RootDirectory.targets)/\(directory)/\(TargetDirectory.fileName(of: lun))"
    }

    static func < (left: Candidate, right: Candidate) -> Bool {
      guard left.isPreferred == right.isPreferred else { return left.isPreferred }
      return (left.directory, left.lun.rawValue) < (right.directory, right.lun.rawValue)
    }
  }

  private var candidates: [String: [Candidate]] = [:]
  private var sorted: [String]?

  /// The first candidate that works, else the first.
  subscript(name: String) -> Candidate? { candidates[name]?.min() }

  mutating func insert(_ name: String, _ candidate: Candidate) {
    if candidates[name, default: []].isEmpty { sorted = nil }
    candidates[name, default: []].append(candidate)
  }

  mutating func remove(_ name: String, _ candidate: Candidate) {
    guard var rest = candidates[name], let index = rest.firstIndex(of: candidate) else { return }
    rest.remove(at: index)
    candidates[name] = rest.isEmpty ? nil : rest
    if rest.isEmpty { sorted = nil }
  }

  /// All names, sorted once after each change.
  mutating func sortedNames() -> [String] {
    let names = sorted ?? candidates.keys.sorted()
    sorted = names
    return names
  }
}
