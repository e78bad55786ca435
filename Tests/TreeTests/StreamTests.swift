import FUSE
import Glibc
import LinuxIO
import Reactor
import SystemPackage
import Testing

@testable import ControlPlane
@testable import Tree

@Suite("Files that go on", .timeLimit(.minutes(5)))
struct StreamTests {
  private static let nonblocking = UInt32(O_NONBLOCK)

  @Test("events opens as a stream without a size, for readers only")
  func opening() async throws {
    let walker = try Walker([try Fixtures.target()])
    let (file, node) = try await walker.open("events")
    #expect(file.options == [.direct, .noFlush])
    #expect(try await walker.attributes("events").sizeBytes == 0)
    await walker.tree.release(file.number, of: node)
    #expect(walker.source.stream.isClosed)
    await #expect(throws: Errno.permissionDenied) { try await walker.open("events", flags: 1) }
    await walker.source.refuseOpens(.tooManyOpenFilesInSystem)
    await #expect(throws: Errno.tooManyOpenFilesInSystem) { try await walker.open("events") }
  }

  @Test("A read waits, or is EAGAIN; what the kernel did not take is read again")
  func reading() async throws {
    let walker = try Walker([try Fixtures.target()])
    let (file, node) = try await walker.open("events")
    let tree = walker.tree
    await #expect(throws: Errno.resourceTemporarilyUnavailable) {
      try await tree.read(file.number, offset: 0, count: 10, waits: false)
    }
    #expect(try await tree.poll(file.number, wake: nil) == [])
    let reading = Task { try await tree.read(file.number, offset: 99, count: 10, waits: true) }
    while walker.source.stream.waitingCount == 0 { await Task.yield() }
    walker.source.stream.write([1, 2, 3])
    #expect(try await reading.value == [1, 2, 3])
    tree.didRead(file.number, byteCount: 0)
    #expect(try await tree.poll(file.number, wake: nil) == .readable)
    #expect(try await tree.read(file.number, offset: 0, count: 2, waits: true) == [1, 2])
    tree.didRead(file.number, byteCount: 2)
    walker.source.stream.finish()
    #expect(try await tree.read(file.number, offset: 0, count: 9, waits: true) == [3])
    tree.didRead(file.number, byteCount: 1)
    #expect(try await tree.poll(file.number, wake: nil) == [.readable, .hangUp])
    #expect(try await tree.read(file.number, offset: 0, count: 9, waits: true) == [])
    await tree.release(file.number, of: node)
    await #expect(throws: Errno.badFileDescriptor) {
      try await tree.read(file.number, offset: 0, count: 9, waits: true)
    }
  }

  @Test("Values and control files are always ready")
  func values() async throws {
    let walker = try Walker([try Fixtures.target()])
    let (file, _) = try await walker.open("version")
    #expect(try await walker.tree.poll(file.number, wake: nil) == [.readable, .writable])
  }
}

/// The same with the kernel between.
@Suite(.serialized, .enabled(if: TestMount.isPossible, "needs /dev/fuse, and root or fusermount3"))
struct MountedStreamTests {
  @Test("A read of events waits for the next line, and nobody else has to")
  func waits() async throws {
    try await withMount { mount in
      async let line = mount.shell("head -n 1 events")
      await mount.whenReaderWaits()
      #expect(await mount.shell("cat version").status == 0)
      mount.source.stream.write([UInt8]("first\nsecond\n".utf8)[...])
      let result = await line
      #expect(result.text == "first\n" && result.status == 0, "\(result)")
    }
  }

  @Test("O_NONBLOCK is EAGAIN, a signal ends the wait")
  func refusals() async throws {
    try await withMount { mount in
      let none = await mount.shell("dd if=events iflag=nonblock count=1")
      #expect(none.status != 0 && none.text.contains("Resource temporarily unavailable"))
    }
    try await withMount { mount in
      let result = await mount.shell("timeout -s INT 0.2 cat events; echo $?")
      #expect(result.text == "124\n")
      #expect(mount.source.stream.waitingCount == 0)
    }
  }

  @Test("poll(2) tells when a line has come")
  func polls() async throws {
    try await withMount { mount in
      // SAFETY: the path is a C string for the call.
      let number = unsafe Glibc.open(mount.path + "/events", O_RDONLY | O_NONBLOCK)
      try #require(number >= 0)
      let idle = await onThread { readiness(of: number, milliseconds: 0) }
      #expect(idle == 0)
      async let events = onThread { readiness(of: number, milliseconds: 20_000) }
      while !mount.source.stream.hasPoller { await Task.yield() }
      mount.source.stream.write([UInt8]("line\n".utf8)[...])
      #expect(await events == POLLIN)
      await onThread { _ = Glibc.close(number) }
    }
  }
}

/// `poll(2)` for reading; what it returned, 0 when the time was over.
private func readiness(of number: CInt, milliseconds: CInt) -> CInt {
  var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
  // SAFETY: one entry.
  return unsafe Glibc.poll(&entry, 1, milliseconds) > 0 ? CInt(entry.revents) : 0
}

/// Runs what waits on a thread of its own, so that no task's thread does.
private func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
  await withCheckedContinuation { continuation in
    PosixThread(name: "test-waiter") { continuation.resume(returning: body()) }.detach()
  }
}

extension TestMount {
  fileprivate func whenReaderWaits() async {
    while source.stream.waitingCount == 0 { await Task.yield() }
  }
}
