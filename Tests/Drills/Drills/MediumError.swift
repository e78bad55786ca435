import Lab
import LinuxIO
import TargetSimulator

/// Drill 21: blocks that cannot be read.
struct MediumError: Drill {
  private static let bad = 20000..<20008

  let name = "21"
  let action = "eight blocks cannot be read (3/11/00)"
  let criterion = "EIO for exactly these; their neighbours, alone or many at once, can be read"
  let objection: String? = nil

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    var configuration = SimulatedScene.unit(1)
    configuration.unreadableBlocks = [UInt64(Self.bad.lowerBound)..<UInt64(Self.bad.upperBound)]
    let scene = try await SimulatedScene.start(stage, [1: configuration])
    // What follows each number is what dd said of this block alone.
    let result = await scene.target.shell(
      """
      for b in $(seq 19990 20017); do
        echo $b $(dd if=lun1 of=/dev/null bs=512 skip=$b count=1 iflag=direct 2>&1 | \
          grep -c 'Input/output error')
      done
      """)
    let failed = result.lines.filter { $0.hasSuffix(" 1") }.compactMap {
      $0.split(separator: " ").first.flatMap { Int($0) }
    }
    verdict.require(result.lines.count == 28, "\(result)")
    verdict.require(failed == Array(Self.bad), "EIO for \(failed)")
    verdict.note("EIO for blocks \(failed.first ?? -1) to \(failed.last ?? -1)")
    let around = await scene.target.shell(
      """
      set -e
      dd if=lun1 of=/dev/null bs=512000 count=20 iflag=direct status=none
      dd if=lun1 of=/dev/null bs=1M skip=10244096 count=8 iflag=direct,skip_bytes status=none
      ! dd if=lun1 of=/dev/null bs=64k skip=156 count=1 iflag=direct 2>/dev/null
      # Through the page cache whole pages fail: this is one.
      ! dd if=lun1 of=/dev/null bs=4k skip=2500 count=1 2>/dev/null
      dd if=lun1 of=/dev/null bs=4k skip=2501 count=1 status=none
      """)
    verdict.require(around.status == 0, "what lies around: \(around)")
    verdict.require(scene.target.lossCount == 0, "a session was lost")
    try await scene.target.finish(&verdict)
  }
}
