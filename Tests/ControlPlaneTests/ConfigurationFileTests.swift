import ISCSI
import Records
import SystemPackage
import Testing

@testable import ControlPlane

/// What is written to `config`, and read from it.
@Suite("Config files", .timeLimit(.minutes(5)))
struct ConfigurationFileTests {
  private static let timeout = "node.session.timeo.replacement_timeout"

  private func errno(_ lines: String, _ bench: Bench, target: String? = nil) async -> Errno? {
    do throws(ControlError) {
      try await bench.initiator.configure(lines, target: target)
      return nil
    } catch {
      return error.errno
    }
  }

  @Test("The mount's settings hold for the logins to come, a target's own before them")
  func layers() async throws {
    let bench = try Bench()
    try await bench.logIn()
    try await bench.initiator.configure("# all\n\(Self.timeout) = 7\n", target: nil)
    #expect(bench.target?.sessions.first?.timeouts[.recovery] == 120)
    try await bench.initiator.configure("\(Self.timeout) = 9", target: Bench.targetName)
    let root = try #require(await bench.initiator.configuration(target: nil))
    let own = try #require(await bench.initiator.configuration(target: Bench.targetName))
    #expect(root.contains("\(Self.timeout) = 7\n") && own.contains("\(Self.timeout) = 9\n"))
    #expect(own.contains("node.name = \(Bench.targetName)\n") && !own.contains("discovery."))
    #expect(root.contains("InitiatorName = iqn.2026-01.test:initiator\n"))
    try await bench.initiator.perform(.logout(force: false), target: Bench.targetName)
    try await bench.initiator.perform(.login(nowait: false), target: Bench.targetName)
    #expect(bench.target?.sessions.first?.timeouts[.recovery] == 9)
  }

  @Test("A line that is wrong is EINVAL, and none of the write is done")
  func wrong() async throws {
    let bench = try Bench()
    try await bench.logIn()
    for lines in [
      "\(Self.timeout) = 7\nnode.session.timeo.replacement_timeuot = 8", "gibberish",
      "\(Self.timeout) = soon", "node.session.auth.authmethod = CHAP",
    ] {
      #expect(await errno(lines, bench) == .invalidArgument, "\(lines)")
      #expect(await errno(lines, bench, target: Bench.targetName) == .invalidArgument, "\(lines)")
    }
    // What says which target it is, and what is not a target's.
    for key in ["node.name = iqn.2026-01.test:other", "discovery.sendtargets.port = 1"] {
      #expect(await errno(key, bench, target: Bench.targetName) == .invalidArgument)
    }
    #expect(await errno("\(Self.timeout) = 1", bench, target: "iqn.none") == .noSuchFileOrDirectory)
    #expect(await bench.initiator.configuration(target: nil)?.contains("timeout = 120\n") == true)
  }

  @Test("C34 a secret is written, and never read back")
  func secrets() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let lines = """
      node.session.auth.authmethod = CHAP
      node.session.auth.username = alice
      node.session.auth.password = S3CRET-CANARY-1
      """
    try await bench.initiator.configure(lines, target: Bench.targetName)
    let text = try #require(await bench.initiator.configuration(target: Bench.targetName))
    #expect(text.contains("node.session.auth.password = ********\n"))
    #expect(!text.contains("CANARY"))
    #expect(await bench.initiator.configuration(target: nil)?.contains("alice") == false)
  }

  @Test("The initiator's name is another only while nobody is logged in")
  func name() async throws {
    let bench = try Bench()
    try await bench.logIn()
    #expect(await errno("InitiatorName = iqn.2026-01.test:me", bench) == .resourceBusy)
    try await bench.initiator.perform(.logout(force: false), target: Bench.targetName)
    try await bench.initiator.configure("InitiatorName = iqn.2026-01.test:me", target: nil)
    #expect(bench.initiator.snapshot().initiatorName == "iqn.2026-01.test:me")
  }
}
