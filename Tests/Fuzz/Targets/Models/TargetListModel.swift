import ISCSI

/// The answer to SendTargets, one record after the other.
///
/// Source: RFC 7143, appendix C.
struct TargetListModel {
  private(set) var targets: [(name: String, portals: [Portal])] = []
  private var current: Int?

  mutating func take(_ record: ArraySlice<UInt8>) {
    // What is longer than a record can be is no name and no address, but still ends the name
    // before it.
    let isTooLong = record.count > 512
    guard let pair = NaiveText.parameter(of: record.prefix(512)) else { return }
    switch pair.key {
    case "TargetName":
      current = nil
      guard !isTooLong, let name = try? ISCSIName(pair.value) else { return }
      current = targets.firstIndex { $0.name.utf8.elementsEqual(name.value.utf8) }
      guard current == nil else { return }
      current = targets.count
      targets.append((name.value, []))
    case "TargetAddress":
      guard let current, !isTooLong, let portal = try? Portal(parsing: pair.value),
        targets[current].portals.count < 1_024, !targets[current].portals.contains(portal)
      else { return }
      targets[current].portals.append(portal)
    default: return
    }
  }
}
