import ISCSI

/// The ISIDs of a target's sessions: those in use, and those the target may know a session by that
/// is none any more.
///
/// What such a session had been sent may still run. A login with its ISID in its portal group has
/// the target end it first (session reinstatement: RFC 7143, 6.3.5); so these are used before any
/// new one. No two sessions of a target have the same ISID at once.
struct ISIDTable {
  /// A session the target may still have.
  struct Remnant: Equatable {
    let isid: ISID
    /// Where its login began.
    let portal: Portal
    /// The group it is in; nil where nobody has told.
    let targetPortalGroupTag: UInt16?

    init(isid: ISID, at portal: Portal, inGroup tag: UInt16?) {
      self.isid = isid
      self.portal = portal
      targetPortalGroupTag = tag ?? portal.targetPortalGroupTag
    }

    /// Whether a login at a portal is in its group, for all that is known before it.
    func isReached(at other: Portal) -> Bool {
      guard portal != other, let own = targetPortalGroupTag, let tag = other.targetPortalGroupTag
      else { return true }
      return own == tag
    }
  }

  /// How many are remembered, twice what the largest pool can leave.
  static let limit = 64

  /// Those of sessions there are, and of logins under way.
  private var taken: Set<ISID> = []
  /// Sessions that ended, the oldest first: of more than there is room for it is forgotten.
  private(set) var remnants: [Remnant] = []
  /// Logins that were not answered: the target may have made the session, which was sent nothing.
  private(set) var unanswered: [Remnant] = []

  /// The ISID for a login at a portal: a remnant's of its group, else a new one, made of `number`
  /// where that is free.
  mutating func take(for portal: Portal, random: UInt32, number: Int) -> ISID {
    func mayUse(_ remnant: Remnant) -> Bool {
      !taken.contains(remnant.isid) && remnant.isReached(at: portal)
    }
    // Portals whose groups nobody has told may be in one each: the own one's go first.
    let remnant =
      remnants.first { mayUse($0) && $0.portal == portal }
      ?? remnants.first(where: mayUse) ?? unanswered.first(where: mayUse)
    let isid = remnant?.isid ?? unused(random: random, number: number)
    taken.insert(isid)
    return isid
  }

  private func unused(random: UInt32, number: Int) -> ISID {
    var qualifier = UInt16(truncatingIfNeeded: number)
    while true {
      let isid = ISID(random: random, qualifier: qualifier)
      // Discovery sessions have 0.
      if qualifier != 0, !taken.contains(isid), !isRemembered(isid) { return isid }
      qualifier &+= 1
    }
  }

  private func isRemembered(_ isid: ISID) -> Bool {
    remnants.contains { $0.isid == isid } || unanswered.contains { $0.isid == isid }
  }

  /// A login in a portal group has succeeded: what the target knew by this ISID there has ended.
  mutating func loggedIn(_ isid: ISID, inGroup tag: UInt16?) {
    func isEnded(_ remnant: Remnant) -> Bool {
      remnant.isid == isid
        && (remnant.targetPortalGroupTag == nil || remnant.targetPortalGroupTag == tag)
    }
    remnants.removeAll(where: isEnded)
    unanswered.removeAll(where: isEnded)
  }

  /// A session, or a login, has ended as the target has said.
  mutating func giveBack(_ isid: ISID) { taken.remove(isid) }

  /// A login has ended before it was answered.
  mutating func giveBack(unanswered isid: ISID, at portal: Portal) {
    taken.remove(isid)
    guard !isRemembered(isid), unanswered.count < Self.limit else { return }
    unanswered.append(Remnant(isid: isid, at: portal, inGroup: nil))
  }

  /// A session has ended, and its target has not said so.
  mutating func giveBack(unproven remnant: Remnant) {
    taken.remove(remnant.isid)
    remnants.removeAll { $0 == remnant }
    remnants.append(remnant)
    if remnants.count > Self.limit { remnants.removeFirst() }
  }
}
