/// Reads the answer to SendTargets, however it is split, and keeps what is valid of it.
///
/// Source: RFC 7143, appendix C.
package struct TargetRecords: Sendable {
  package static let maximumByteCount = 4 << 20
  package static let maximumTargetCount = 10_000
  package static let maximumAddressCount = 1_024
  /// The longest record kept: a name of 223 bytes or an address with the longest host name.
  static let maximumRecordByteCount = 512

  /// How often something was left out, by reason.
  package private(set) var problems: [DiscoveryProblem: Int] = [:]
  /// No more text is taken.
  package private(set) var isFull = false

  /// What a target without addresses listens at.
  private let portalInUse: Portal
  private var names: [ISCSIName] = []
  private var portals: [[Portal]] = []
  private var indexes: [ISCSIName: Int] = [:]
  /// The target the next address belongs to.
  private var current: Int?
  /// The piece after the last NUL.
  private var partial: [UInt8] = []
  private var isSkipping = false
  private var byteCount = 0

  package init(portalInUse: Portal) {
    self.portalInUse = portalInUse
  }

  /// The targets so far, in the order told.
  package var targets: [DiscoveredTarget] {
    names.indices.map { index in
      DiscoveredTarget(
        name: names[index], portals: portals[index].isEmpty ? [portalInUse] : portals[index])
    }
  }

  /// Takes one data segment.
  package mutating func append(_ segment: [UInt8]) {
    guard !isFull else { return }
    for byte in segment {
      guard byteCount < Self.maximumByteCount else {
        note(.tooMuchText)
        isFull = true
        return
      }
      byteCount += 1
      if byte == 0 {
        endRecord()
        if isFull { return }
      } else if partial.count < Self.maximumRecordByteCount {
        partial.append(byte)
      } else {
        isSkipping = true
      }
    }
  }

  /// The text is whole: what has no NUL yet ends here.
  package mutating func finish() {
    guard !isFull else { return }
    endRecord()
  }

  private mutating func endRecord() {
    defer {
      partial.removeAll(keepingCapacity: true)
      isSkipping = false
    }
    guard !partial.isEmpty else { return }
    guard let parameter = try? TextParameter(parsing: partial[...]) else {
      return note(.malformedRecord)
    }
    switch parameter.key {
    case "TargetName": takeName(parameter.value)
    case "TargetAddress": takeAddress(parameter.value)
    default: note(isSkipping ? .malformedRecord : .unknownKey)
    }
  }

  private mutating func takeName(_ text: String) {
    current = nil
    guard !isSkipping, let name = try? ISCSIName(text) else { return note(.badName) }
    if let known = indexes[name] {
      current = known
      return
    }
    guard names.count < Self.maximumTargetCount else {
      isFull = true
      return note(.tooManyTargets)
    }
    current = names.count
    indexes[name] = names.count
    names.append(name)
    portals.append([])
  }

  private mutating func takeAddress(_ text: String) {
    guard let current else { return note(.addressWithoutName) }
    guard !isSkipping, let portal = try? Portal(parsing: text) else { return note(.badAddress) }
    guard !portals[current].contains(portal) else { return }
    guard portals[current].count < Self.maximumAddressCount else {
      return note(.tooManyAddresses)
    }
    portals[current].append(portal)
  }

  private mutating func note(_ problem: DiscoveryProblem) {
    problems[problem, default: 0] += 1
  }
}
