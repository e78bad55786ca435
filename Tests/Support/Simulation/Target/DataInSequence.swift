import ISCSI

/// The Data-In PDUs of one read, in an order the session allows.
struct DataInSequence {
  private struct Piece {
    var offset: Int
    var count: Int
    var isFinal = false
  }

  private let world: World
  private let data: [UInt8]
  private let missing: Int
  private var pieces: [Piece] = []

  init(
    _ data: [UInt8], of task: TargetTask, missing: Int, parameters: NegotiatedParameters,
    world: World
  ) {
    self.world = world
    self.data = data
    self.missing = missing
    var bursts: [[Piece]] = []
    var offset = 0
    while offset < data.count {
      let end = min(data.count, offset + Int(parameters.maxBurstLength))
      var burst: [Piece] = []
      while offset < end {
        let most = min(end - offset, Int(parameters.maxRecvDataSegmentLength))
        let count = world.random.chance(200) ? world.random.within(1...most) : most
        burst.append(Piece(offset: offset, count: count))
        offset += count
      }
      bursts.append(burst)
    }
    let total = bursts.reduce(0) { $0 + $1.count }
    // A client keeps track of some sixty pieces apart.
    if total < 50, missing == 0 {
      if !parameters.dataPDUInOrder { for index in bursts.indices { shuffle(&bursts[index]) } }
      if !parameters.dataSequenceInOrder { shuffle(&bursts) }
    }
    for index in bursts.indices { bursts[index][bursts[index].count - 1].isFinal = true }
    pieces = bursts.flatMap { $0 }
    task.lastSequenceStart = UInt32(pieces.count - (bursts.last?.count ?? 0))
  }

  private func shuffle<Element>(_ list: inout [Element]) {
    for index in list.indices.reversed() where index > 0 {
      list.swapAt(index, world.random.below(index + 1))
    }
  }

  /// Sends all of it from one number on, at once or with pauses, then the status.
  func send(_ task: TargetTask, of nexus: Nexus, from first: Int = 0) {
    let carriesStatus = missing == 0 && world.random.chance(600) && first < pieces.count
    let pauses = world.random.chance(300) && pieces.count < 20
    let epoch = task.epoch
    var moment = world.now
    for number in pieces.indices.dropFirst(first) {
      let isLast = number == pieces.count - 1
      let action = { [weak nexus] in
        guard let nexus, nexus.isAlive, !task.isEnded, task.epoch == epoch else { return }
        emit(number, of: task, nexus, endsTask: isLast && carriesStatus)
      }
      if pauses {
        moment += world.random.delay(upTo: 2 * World.millisecond)
        world.at(moment, action)
      } else {
        action()
      }
    }
    guard !carriesStatus else { return }
    // Who does not count has nothing that could be asked for again.
    let counts = world.random.chance(500) || nexus.parameters.errorRecoveryLevel > 0
    let count = UInt32(counts ? pieces.count : 0)
    world.at(moment) { [weak nexus] in
      guard task.epoch == epoch else { return }
      nexus?.respond(task, status: 0, dataCount: count, missing: missing)
    }
  }

  private func emit(_ number: Int, of task: TargetTask, _ nexus: Nexus, endsTask: Bool) {
    guard let connection = task.connection else { return }
    let piece = pieces[number]
    if endsTask { nexus.finish(task, with: .init(status: 0, dataCount: UInt32(pieces.count))) }
    var pdu = connection.pdu(0x25, tag: task.tag, countsStatus: endsTask)
    pdu.header[1] = (piece.isFinal ? 0x80 : 0) | (endsTask ? 0x81 : 0)
    pdu.header.put(0xFFFF_FFFF, at: 20)
    pdu.header.put(UInt32(number), at: 36)
    pdu.header.put(UInt32(piece.offset), at: 40)
    pdu.data = Array(data[piece.offset..<piece.offset + piece.count])
    connection.askForAcknowledgement(&pdu, of: task, isFinal: piece.isFinal)
    connection.send(pdu, of: task)
  }
}
