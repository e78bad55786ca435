import Testing

@testable import FUSE

/// The queue between the reactor and the cold thread.
struct ColdQueueTests {
  private func submit(_ bytes: [UInt8], to queue: ColdQueue) -> Bool {
    unsafe bytes.withUnsafeBytes { unsafe queue.submit($0) }
  }

  @Test("Requests come out as they went in, in order")
  func ordered() throws {
    let queue = try ColdQueue()
    let first = RequestBytes.open(unique: 1, node: 1, flags: 0)
    let second = RequestBytes.open(unique: 2, node: 1, flags: 0)
    #expect(submit(first, to: queue) && submit(second, to: queue))
    #expect(queue.next() == first)
    #expect(queue.next() == second)
  }

  @Test("A full queue refuses and takes again when there is room")
  func bounded() throws {
    let queue = try ColdQueue()
    let request = RequestBytes.open(unique: 1, node: 1, flags: 0)
    for _ in 0..<ColdLimits.requests { #expect(submit(request, to: queue)) }
    #expect(!submit(request, to: queue))
    #expect(queue.next() == request)
    #expect(submit(request, to: queue))
  }

  @Test("Of a WRITE no more data are kept than anyone looks at; of others everything")
  func cutsWrites() throws {
    let queue = try ColdQueue()
    let body = [UInt8](repeating: 7, count: 40 + 1 << 20)
    let write = RequestBytes.request(opcode: 16, unique: 1, node: 5, body: body)
    let forget = RequestBytes.request(opcode: 42, unique: 2, node: 0, body: body)
    #expect(submit(write, to: queue) && submit(forget, to: queue))
    #expect(queue.next() == [UInt8](write.prefix(80 + ColdLimits.writtenBytes)))
    #expect(queue.next() == forget)
  }

  @Test("A request whose length lies is dropped")
  func dropsLies() throws {
    let queue = try ColdQueue()
    #expect(submit([1, 2, 3], to: queue))
    #expect(submit(RequestBytes.open(unique: 1, node: 1, flags: 0) + [0], to: queue))
    let good = RequestBytes.open(unique: 2, node: 1, flags: 0)
    #expect(submit(good, to: queue))
    #expect(queue.next() == good)
  }

  @Test("A closed queue gives nothing and takes everything")
  func closed() throws {
    let queue = try ColdQueue()
    #expect(submit(RequestBytes.open(unique: 1, node: 1, flags: 0), to: queue))
    queue.close()
    #expect(queue.next() == nil)
    #expect(submit(RequestBytes.open(unique: 1, node: 1, flags: 0), to: queue))
    #expect(queue.next() == nil)
  }
}
