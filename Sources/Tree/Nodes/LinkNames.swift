import ControlPlane
import SCSI

/// The names of a directory of links, each with the LUN files it may lead to.
///
/// Units that claim one name and are not one unit are kept apart: the name stays with who had it
/// first, as long as one of that unit's files is there, and never leads to another's meanwhile.
struct LinkNames: Sendable {
  /// What must agree besides the name for two files to be two paths to one unit.
  struct Identity: Equatable, Sendable {
    var serial: String?
    /// Nil where a path does not tell, such as one in standby.
    var capacity: ReadCapacityData?

    func agrees(with other: Identity) -> Bool {
      serial == other.serial
        && (capacity == nil || other.capacity == nil || capacity == other.capacity)
    }
  }

  /// A LUN file behind a name.
  struct Candidate: Comparable, Sendable {
    /// The path works as far as is known.
    var isPreferred: Bool
    /// The target's directory as it is shown.
    var directory: String
    var lun: LogicalUnitNumber
    /// Empty for names that are of one place alone.
    var identity = Identity()

    /// From a directory beside `targets/`.
    var path: String {
      "../\(RootDirectory.targets)/\(directory)/\(TargetDirectory.fileName(of: lun))"
    }

    static func < (left: Candidate, right: Candidate) -> Bool {
      guard left.isPreferred == right.isPreferred else { return left.isPreferred }
      return (left.directory, left.lun.rawValue) < (right.directory, right.lun.rawValue)
    }
  }

  /// The files that claim a name, and whose it is.
  private struct Claim: Sendable {
    var owner: Identity
    var candidates: [Candidate]

    var best: Candidate? { candidates.lazy.filter { owner.agrees(with: $0.identity) }.min() }
  }

  private var claims: [String: Claim] = [:]
  private var sorted: [String]?

  /// The first of the owner's files that works, else the first.
  subscript(name: String) -> Candidate? { claims[name]?.best }

  mutating func insert(_ name: String, _ candidate: Candidate) {
    if claims[name] == nil { sorted = nil }
    claims[name, default: Claim(owner: candidate.identity, candidates: [])]
      .candidates.append(candidate)
  }

  /// Takes a file's change: where it was the owner's, it still is, grown or shrunk perhaps.
  mutating func replace(_ name: String, _ old: Candidate, with new: Candidate) {
    guard let index = claims[name]?.candidates.firstIndex(of: old) else {
      return insert(name, new)
    }
    claims[name]?.candidates[index] = new
    guard let owner = claims[name]?.owner, owner.agrees(with: old.identity) else { return }
    if owner.serial == new.identity.serial {
      // The owner's own size may change; who only does not contradict it says nothing of it.
      if owner.capacity == nil || owner.capacity == old.identity.capacity {
        claims[name]?.owner.capacity = new.identity.capacity ?? owner.capacity
      }
    } else {
      disown(name)
    }
  }

  mutating func remove(_ name: String, _ candidate: Candidate) {
    guard let index = claims[name]?.candidates.firstIndex(of: candidate) else { return }
    claims[name]?.candidates.remove(at: index)
    disown(name)
  }

  /// Gives a name none of whose files is its owner's to the next who claims it, or up.
  private mutating func disown(_ name: String) {
    guard let claim = claims[name], claim.best == nil else { return }
    if let next = claim.candidates.first {
      claims[name]?.owner = next.identity
    } else {
      claims[name] = nil
      sorted = nil
    }
  }

  /// All names, sorted once after each change.
  mutating func sortedNames() -> [String] {
    let names = sorted ?? claims.keys.sorted()
    sorted = names
    return names
  }
}
