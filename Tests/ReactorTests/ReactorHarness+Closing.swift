import Glibc

@testable import Reactor

extension ReactorHarness {
  /// The target closes its end.
  func closeTarget() throws {
    let connection = try Self.pair(SOCK_STREAM)
    close(target)
    close(connection.ours)
    target = connection.theirs
    turn()
    // A process another test is starting has a copy for a moment, until it runs its program; and a
    // ring may tell late. Where the reactor does not listen it is not waited for for long.
    for _ in 0..<1500 where reactor.connections[0].isConnected {
      usleep(1000)
      turn()
    }
  }
}
