import Lab
import LinuxIO

/// Runs one drill in a lab of its own, which takes everything back whatever happens.
struct DrillRun: Sendable {
  /// The program that is mounted.
  var iscsifs: String
  var scale: Scale
  /// This program.
  var tool: String
  var say: @Sendable (String) -> Void

  func perform(_ drill: any Drill) async -> DrillResult {
    var result = DrillResult(
      name: drill.name, action: drill.action, criterion: drill.criterion, verdict: Verdict(),
      objection: drill.objection, seconds: 0, factor: scale.factor,
      day: String("\(WallTime.now)".prefix(10)), machine: "", version: "")
    guard result.objection == nil else { return result }
    say("\(drill.name): \(drill.action)")
    let start = MonotonicTime.now
    do {
      let lab = try Lab(program: iscsifs) { say("  \($0)") }
      let stage = Stage(lab: lab, scale: scale, tool: tool, say: say)
      do {
        try await drill.run(stage, &result.verdict)
      } catch {
        result.verdict.fail("\(error)".split(separator: "\n").joined(separator: "; "))
      }
      // Not cancelled with the rest.
      await Task.detached { await lab.end() }.value
    } catch {
      result.verdict.fail("\(error)")
    }
    result.seconds = Int(start.elapsed.nanoseconds / 1_000_000_000)
    return result
  }
}
