import ChaosProxy
import Glibc
import Lab
import LinuxIO

/// Drill 9: the daemon is killed under a file system on a loop device.
struct DaemonKilled: Drill {
  let name = "9"
  let action = "the daemon is killed (SIGKILL) under ext4 on a loop device, mounted again after it"
  let criterion = """
    callers end within 10 s, open files say ENOTCONN; mounted anew the journal is replayed, every \
    file that was fsynced is there, e2fsck finds nothing
    """

  var objection: String? {
    Programs.objection(to: ["tgtd", "tgtadm"], package: "tgt")
      ?? Programs.objection(to: ["mkfs.ext4", "e2fsck"], package: "e2fsprogs")
  }

  func run(_ stage: Stage, _ verdict: inout Verdict) async throws {
    let scene = try await TgtScene.start(stage, mebibytes: 96)
    let file = scene.target.file()
    let directory = try stage.lab.makeDirectory("ext4")
    try await stage.require("mkfs.ext4 -q -F '\(file)'")
    var target = scene.target
    var kept = 0
    let rounds = stage.scale.seconds(5, short: 1)
    for round in 0..<rounds {
      stage.say("  round \(round + 1) of \(rounds)")
      try await crash(stage, target, directory, &verdict)
      target = try await MountedTarget.start(
        stage, .mount(scene.proxy.address), name: TgtScene.name, at: target.mount.path)
      kept = try await check(stage, file, directory, &verdict)
    }
    verdict.note("\(rounds) times; \(kept) fsynced files, all there", for: 10)
    verdict.require(kept > 0, "no file was fsynced")
    try await target.finish(&verdict)
  }

  /// Writes files and kills the daemon in the middle of it.
  private func crash(
    _ stage: Stage, _ target: MountedTarget, _ directory: String, _ verdict: inout Verdict
  ) async throws {
    let device = try await LoopDevice.attach(stage.lab, to: target.file())
    try await stage.require("mount -o errors=remount-ro \(device.path) '\(directory)'")
    // A line tells of a file behind its fsync, never before.
    let writer = try ManagedProcess(
      [
        "bash", "-c",
        """
        n=$(ls "$0" | wc -l)
        while n=$((n + 1)); do
          head -c $((RANDOM % 60000 + 1)) /dev/urandom > $1/piece
          dd if=$1/piece of=$0/$n bs=64k conv=fsync status=none || exit
          echo $n $(md5sum < $1/piece) >> $1/fsynced
        done
        """, directory, stage.lab.path,
      ], output: stage.lab.fresh("writer"))
    stage.lab.own(OwnedProcess(writer))
    let probe = try Probe.start(stage, target.file(), "--interval", "20")
    try await Task.sleep(for: .seconds(stage.scale.seconds(5, short: 2)))
    let start = MonotonicTime.now
    kill(target.mount.daemonID, SIGKILL)
    _ = try await stage.end(of: writer, .seconds(30))
    verdict.time("its writer ended after", start.elapsed, atMost: .seconds(10), for: 3)
    try await stage.expect("an open file says so") { !probe.calls.failures.isEmpty }
    let errors = await probe.stop().failures.map(\.error)
    // What was under way when it died was aborted: ECONNABORTED.
    verdict.require(
      errors.dropFirst().allSatisfy { $0 == 107 } && [103, 107].contains(errors.first),
      "errno \(Set(errors))")
    await target.stopWatching()
    try await stage.require("umount '\(directory)'; losetup -d \(device.path)")
    try await stage.require("umount -l '\(target.mount.path)'")
    _ = await target.mount.waitForEnd(.seconds(10))
  }

  /// Mounts ext4, compares every file of which fsync said 0, and has it checked; returns how many.
  private func check(
    _ stage: Stage, _ file: String, _ directory: String, _ verdict: inout Verdict
  ) async throws -> Int {
    let device = try await LoopDevice.attach(stage.lab, to: file)
    let lost = try await stage.require(
      """
      mount -o errors=remount-ro \(device.path) '\(directory)' || exit
      while read -r n sum rest; do
        [ "$(md5sum < '\(directory)'/$n | cut -d' ' -f1)" = $sum ] || echo $n
      done < fsynced
      umount '\(directory)'
      """)
    verdict.require(lost.lines.isEmpty, "fsynced files lost or wrong: \(lost.lines)")
    let checked = await stage.lab.shell("e2fsck -fn \(device.path)")
    verdict.require(checked.status == 0, "e2fsck: \(checked.output)")
    _ = await device.detach()
    return Int(try await stage.require("wc -l < fsynced").value) ?? 0
  }
}
