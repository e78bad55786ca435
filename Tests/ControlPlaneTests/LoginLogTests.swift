import ISCSI
import SystemPackage
import Testing

@testable import ControlPlane

/// What `login_log` keeps, and how much of it.
struct LoginLogTests {
  private func record(_ number: Int) -> LoginRecord {
    LoginRecord(
      at: Portal(host: "192.0.2.1"), outcome: "outcome \(number)", transcript: LoginTranscript())
  }

  @Test("the last eight tries are kept, numbered from the first ever")
  func bounded() {
    var log = LoginLog()
    #expect(log.text.isEmpty)
    log.append([record(1)])
    #expect(log.text == "login 1 at 192.0.2.1:3260: outcome 1\n")
    for number in 2...20 { log.append([record(number)]) }
    let lines = log.text.split(separator: "\n")
    #expect(lines.count == 8)
    #expect(lines.first == "login 13 at 192.0.2.1:3260: outcome 13")
    #expect(lines.last == "login 20 at 192.0.2.1:3260: outcome 20")
    log.append((21...40).map(record))
    #expect(log.text.hasPrefix("login 33 at"))
  }

  @Test("one try keeps at most 16 KiB, and says that there was more")
  func long() throws {
    var machine = LoginMachine(
      LoginParameters(
        initiatorName: String(repeating: "n", count: 250), session: .discovery,
        isid: ISID(random: 1, qualifier: 1)))
    _ = machine.start()
    for _ in 0..<400 { machine.note(remark: String(repeating: "r", count: 200)) }
    let record = LoginRecord(
      at: Portal(host: "192.0.2.1"), outcome: "logged in", transcript: machine.transcript)
    #expect(record.text.utf8.count <= LoginRecord.maximumByteCount)
    #expect(record.text.utf8.count > LoginRecord.maximumByteCount - 300)
    #expect(record.text.hasSuffix("\n...\n"))
  }

  @Test("a failure's tries are in the target's log; a target nobody knows has none")
  func ofTheTarget() async throws {
    let bench = try Bench()
    var failure = LoginFailure(
      ControlError(.keyRejected, .loginAuthenticationFailed, "refused"), isPermanent: true)
    failure.records = [record(1), record(2)]
    bench.connector.answer(.failure(failure))
    await #expect(throws: ControlError.self) { try await bench.logIn() }
    let text = await bench.initiator.loginLog(target: Bench.targetName)
    #expect(text?.hasSuffix("\nlogin 2 at 192.0.2.1:3260: outcome 2\n") == true)
    #expect(await bench.initiator.loginLog(target: "nobody") == nil)
  }
}
