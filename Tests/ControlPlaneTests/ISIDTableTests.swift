import ISCSI
import Testing

@testable import ControlPlane

/// Which ISID a login has.
struct ISIDTableTests {
  private static let portal = Portal(host: "192.0.2.1", port: 3260, targetPortalGroupTag: 1)
  private static let other = Portal(host: "192.0.2.2", port: 3260, targetPortalGroupTag: 2)

  private func isid(_ qualifier: UInt16) -> ISID { ISID(random: 7, qualifier: qualifier) }

  private func remnant(_ qualifier: UInt16) -> ISIDTable.Remnant {
    ISIDTable.Remnant(isid: isid(qualifier), at: Self.portal, inGroup: 1)
  }

  @Test("a number that comes again makes none that is in use or left behind, nor a discovery's")
  func numbersComeAgain() {
    var table = ISIDTable()
    func take(_ number: Int, at portal: Portal) -> ISID {
      table.take(for: portal, random: 7, number: number)
    }
    #expect(take(1, at: Self.portal) == isid(1))
    #expect(take(65_537, at: Self.portal) == isid(2))
    #expect(take(65_536, at: Self.portal) == isid(3))
    table.giveBack(unproven: remnant(1))
    #expect(take(131_073, at: Self.other) == isid(4))
    table.giveBack(isid(2))
    #expect(take(131_074, at: Self.other) == isid(2))
  }

  @Test("E31 the oldest is used first, each by one login, at a portal of its group")
  func order() {
    var table = ISIDTable()
    for qualifier in [5, 3, 4] as [UInt16] { table.giveBack(unproven: remnant(qualifier)) }
    #expect(table.take(for: Self.other, random: 7, number: 9) == isid(9))
    let taken = (0..<4).map { _ in table.take(for: Self.portal, random: 7, number: 10) }
    #expect(taken == [5, 3, 4, 10].map { isid($0) })
  }

  @Test("the portal it was logged in at reaches it, whatever group that was said to be in")
  func wrongTag() {
    var table = ISIDTable()
    let old = ISIDTable.Remnant(isid: isid(1), at: Self.other, inGroup: 1)
    table.giveBack(unproven: old)
    #expect(table.take(for: Self.other, random: 7, number: 2) == isid(1))
    table.loggedIn(isid(1), inGroup: 2)
    #expect(table.remnants == [old])
    table.loggedIn(isid(1), inGroup: 1)
    #expect(table.remnants == [])
  }

  @Test("before a failed login's comes that of a session, which was sent commands")
  func unanswered() {
    var table = ISIDTable()
    let unknown = Portal(host: "192.0.2.3", port: 3260)
    table.giveBack(unanswered: isid(1), at: unknown)
    table.giveBack(unproven: ISIDTable.Remnant(isid: isid(2), at: unknown, inGroup: 1))
    table.giveBack(unproven: ISIDTable.Remnant(isid: isid(3), at: Self.portal, inGroup: 1))
    #expect(table.take(for: Self.portal, random: 7, number: 9) == isid(3))
    #expect(
      (0..<3).map { _ in table.take(for: unknown, random: 7, number: 9) }
        == [2, 1, 9].map { isid($0) })
  }

  @Test("of more than a table holds the oldest is forgotten, for a failed login none")
  func limit() {
    var table = ISIDTable()
    for qualifier in 1...UInt16(ISIDTable.limit + 1) {
      table.giveBack(unproven: remnant(qualifier))
    }
    table.giveBack(unanswered: isid(999), at: Self.portal)
    table.giveBack(unanswered: remnant(2).isid, at: Self.portal)
    #expect(table.remnants.count == ISIDTable.limit && table.remnants.first == remnant(2))
    #expect(table.remnants.last == remnant(UInt16(ISIDTable.limit + 1)))
    #expect(table.unanswered.map(\.isid) == [isid(999)])
  }
}
