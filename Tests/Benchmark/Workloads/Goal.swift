import Plotting

/// What a workload must reach.
struct Goal: Codable, Equatable, Sendable {
  enum Quantity: String, Codable, Sendable {
    /// The subject's rate in rates of its rival, pair by pair; at least.
    case speed
    /// The subject's CPU time an I/O in that of its rival; at most.
    case processorTime
    /// I/Os a second; at least.
    case rate
    /// Bytes a second; at least.
    case throughput
    /// Bytes the subject has had resident, beside 4 MiB a session; at most.
    case memory
  }

  let quantity: Quantity
  let bound: Double
  /// Where the bound is from, where the table does not say it as a number.
  var reason: String?

  /// At least so many times the rival's rate.
  static func speed(_ bound: Double) -> Goal { Goal(quantity: .speed, bound: bound) }

  /// At most so much of the rival's CPU time an I/O.
  static func processorTime(_ bound: Double) -> Goal {
    Goal(quantity: .processorTime, bound: bound)
  }

  /// At most 1.10 times the CPU time of the C prototype of the same path, through the rival's.
  ///
  /// - Parameters: both in the run the prototype was measured in.
  static func prototype(_ microseconds: Double, rival: Double) -> Goal {
    Goal(
      quantity: .processorTime, bound: 1.10 * microseconds / rival,
      reason: "1.10 of the C prototype's")
  }

  static func rate(_ bound: Double) -> Goal { Goal(quantity: .rate, bound: bound) }

  static func megabytesPerSecond(_ bound: Double) -> Goal {
    Goal(quantity: .throughput, bound: bound * 1_000_000)
  }

  /// 64 MiB, 4 MiB a session, and what is in flight.
  static func memory(inFlight: Int) -> Goal {
    Goal(quantity: .memory, bound: Double(64 << 20 + inFlight))
  }

  /// The same goal for so many sessions.
  func with(sessions: Int) -> Goal {
    guard quantity == .memory else { return self }
    return Goal(quantity: .memory, bound: bound + Double(sessions * 4 << 20), reason: reason)
  }

  func isMet(by value: Double) -> Bool {
    switch quantity {
    case .speed, .rate, .throughput: value >= bound
    case .processorTime, .memory: value <= bound
    }
  }

  /// "at least 2.50 times the rate of qemu-storage-daemon".
  func sentence(rival: String, unit: Unit) -> String {
    let sentence =
      switch quantity {
      case .speed: "at least \(Figure.fixed(bound, 2)) times the speed of \(rival)"
      case .processorTime:
        "at most \(Figure.fixed(bound, 2)) of the CPU time per \(unit.single) of \(rival)"
      case .rate: "at least \(Figure.grouped(bound)) \(unit.rawValue)"
      case .throughput: "at least \(Figure.grouped(bound / 1_000_000)) MB/s"
      case .memory: "at most \(Figure.grouped(bound / 1_048_576)) MiB resident"
      }
    return reason.map { "\(sentence) (\($0))" } ?? sentence
  }

  /// The figure that is compared with the bound.
  func figure(_ value: Double) -> String {
    switch quantity {
    // A digit more where two would say that it is reached.
    case .speed, .processorTime:
      Figure.fixed(
        value, !isMet(by: value) && Figure.fixed(value, 2) == Figure.fixed(bound, 2) ? 3 : 2)
    case .rate: Figure.grouped(value)
    case .throughput: "\(Figure.grouped(value / 1_000_000)) MB/s"
    case .memory: "\(Figure.grouped(value / 1_048_576)) MiB"
    }
  }
}
