import LinuxIO

/// One accepted connection: its socket, its target's end, and what is still to be written.
///
/// Not thread-safe: it lives under the server's lock.
final class SimulatorClient {
  /// Milliseconds a peer has to close after our FIN.
  private static let lingerMilliseconds: UInt64 = 2_000

  private enum State {
    case open
    /// FIN is to follow what is queued.
    case closing
    /// FIN is sent; input is thrown away until the peer's.
    case lingering(untilMilliseconds: UInt64)
    case done
  }

  let socket: NonblockingSocket
  private let connection: TargetConnection
  private var output: [(bytes: [UInt8], isUrgent: Bool)] = []
  private var outputIndex = 0
  private var offset = 0
  private var state = State.open

  init(_ socket: NonblockingSocket, _ connection: TargetConnection) {
    self.socket = socket
    self.connection = connection
  }

  var isDone: Bool { if case .done = state { true } else { false } }

  /// Input is left in the kernel while answers wait: back-pressure.
  var wantsInput: Bool {
    switch state {
    case .open: !hasOutput
    case .lingering: true
    case .closing, .done: false
    }
  }

  var hasOutput: Bool { outputIndex < output.count }

  var nextDeadlineMilliseconds: UInt64? {
    switch state {
    case .lingering(let until): until
    // A connection later in the turn may have filled a hole before this one's commands.
    case .open where connection.isDue && !hasOutput: 0
    case .open, .closing, .done: connection.nextDeadlineMilliseconds
    }
  }

  /// Reads once what has arrived.
  func read(_ buffer: inout [UInt8], at now: UInt64) {
    switch socket.receive(into: &buffer) {
    case .moved(let count):
      if case .open = state { connection.accept(buffer[..<count]) }
    case .wouldBlock:
      break
    case .ended:
      connection.connectionLost()
      state = .done
    }
  }

  /// Executes what has arrived, and writes until the kernel takes no more.
  func perform(at now: UInt64) {
    if case .lingering(let until) = state, now >= until { state = .done }
    while true {
      write()
      guard !hasOutput, case .open = state else { break }
      for action in connection.actions(at: now) { queue(action) }
      guard hasOutput || connection.wantsTurn else { break }
    }
    if case .closing = state, !hasOutput {
      socket.finishSending()
      state = .lingering(untilMilliseconds: now + Self.lingerMilliseconds)
    }
  }

  /// Ends it with a reset, whatever is queued.
  func abandon() {
    connection.connectionLost()
    socket.resetOnClose()
    state = .done
  }

  private func queue(_ action: ConnectionAction) {
    switch action {
    case .send(let bytes):
      output.append((bytes, false))
    case .sendUrgent(let bytes):
      output.append((bytes, true))
    case .close:
      state = .closing
    case .reset:
      // What came before the reset in this turn is still written, as far as it goes.
      write()
      socket.resetOnClose()
      state = .done
    }
  }

  private func write() {
    while hasOutput {
      let (bytes, isUrgent) = output[outputIndex]
      switch socket.send(bytes, from: offset, isUrgent: isUrgent) {
      case .moved(let count):
        offset += count
        if offset == bytes.count {
          outputIndex += 1
          offset = 0
        }
      case .wouldBlock:
        return
      case .ended:
        connection.connectionLost()
        outputIndex = output.count
        state = .done
      }
    }
    output.removeAll(keepingCapacity: true)
    outputIndex = 0
  }
}
