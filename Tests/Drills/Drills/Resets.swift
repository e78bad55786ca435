import ChaosProxy
import Lab
import LinuxIO

/// Drill 5: connections are reset again and again.
struct Resets: Drill {
  enum Manner: Sendable {
    case everyFifth
    case everySecond
    case randomBytes
  }

  let manner: Manner
  var hasWriteCache = false

  var name: String {
    let base =
      switch manner {
      case .everyFifth: "5"
      case .everySecond: "5-second"
      case .randomBytes: "5-bytes"
      }
    return base + (hasWriteCache ? "-cache" : "")
  }
  var action: String {
    let when =
      switch manner {
      case .everyFifth: "every 200 ms"
      case .everySecond: "every second"
      case .randomBytes: "after 1 byte to 2 MiB"
      }
    return "every connection is reset \(when) under fio\(hasWriteCache ? ", write cache on" : "")"
  }
  let criterion = "no error, every block verifies, I/O goes on"

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let seconds = stage.scale.seconds(600, short: 6)
    let scene = try await TgtScene.start(stage, hasWriteCache: hasWriteCache)
    scene.proxy.disturb(disturbance)
    let load = try await FioLoad.start(stage, scene.target.plainFile(), seconds: seconds)
    stage.say("  connections are reset: \(seconds) s")
    let start = MonotonicTime.now
    while load.isRunning, start.elapsed < .seconds(seconds) {
      try await Task.sleep(for: .seconds(min(seconds, 30)))
      stage.say("  \(scene.proxy.counts.resets) resets, \(scene.proxy.counts.bytes >> 20) MiB")
    }
    // fio verifies what it has not yet: that under resets as well, but not for ever.
    let outcome: FioLoad.Outcome
    do {
      outcome = try await load.finish(patience: .seconds(120))
    } catch {
      scene.proxy.disturb(Disturbance())
      throw error
    }
    scene.proxy.disturb(Disturbance())
    let counts = scene.proxy.counts
    verdict.note("\(counts.resets) resets in \(start.elapsed.text)", for: 2)
    verdict.note(outcome.text, for: 2)
    verdict.note("longest wait \(outcome.longest.text)")
    verdict.require(outcome.isClean, "fio: error \(outcome.error): \(outcome.said)")
    verdict.require(outcome.writtenBytes > 0, "nothing was written")
    verdict.require(counts.resets >= seconds / 4, "only \(counts.resets) resets in \(seconds) s")
    try await scene.target.finish(&verdict)
  }

  private var disturbance: Disturbance {
    switch manner {
    case .everyFifth: Disturbance(resetMilliseconds: 200...200)
    case .everySecond: Disturbance(resetMilliseconds: 1000...1000)
    case .randomBytes: Disturbance(resetByteCount: 1...(2 << 20))
    }
  }
}
