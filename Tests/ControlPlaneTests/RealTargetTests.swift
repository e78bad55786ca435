import Glibc
import ISCSI
import LinuxIO
import SystemPackage
import Testing

@testable import ControlPlane

/// Discovery and login at the portal that ISCSIFS_TEST_PORTAL names, where it is set.
///
/// Everybody must be let in. With tgt: `tgtd -f -C 26 --iscsi portal=127.0.0.1:13266`.
struct RealTargetTests {
  // SAFETY: nothing changes the environment while tests run.
  static let portal = unsafe getenv("ISCSIFS_TEST_PORTAL").map { unsafe String(cString: $0) }

  @Test(.enabled(if: RealTargetTests.portal != nil))
  func discoversAndLogsIn() async throws {
    let portal = try Portal(parsing: try #require(Self.portal))
    let settings = InitiatorSettings(
      initiatorName: "iqn.2026-01.test:initiator", isidRandom: 0x00AB_CDEF)
    let driver = LoginDriver(
      pool: try BlockingPool(name: "test", threadCount: 1, capacity: 4))
    let found = try await driver.discover(at: portal, settings: settings).targets
    let target = try #require(found.first)
    let order = LoginOrder(
      targetName: target.name.value, portal: try #require(target.portals.first),
      isid: ISID(random: settings.isidRandom, qualifier: 1))
    let connection = try await driver.logIn(order, settings: settings)
    #expect(connection.facts.tsih != 0)
    #expect(connection.facts.ends.port == portal.port)

    var unknown = order
    unknown.targetName = "iqn.2026-01.test:none"
    do throws(LoginFailure) {
      _ = try await driver.logIn(unknown, settings: settings)
      Issue.record("a target that does not exist let us in")
    } catch {
      #expect(error.error.errno == .noSuchFileOrDirectory && error.isPermanent)
    }
  }
}
