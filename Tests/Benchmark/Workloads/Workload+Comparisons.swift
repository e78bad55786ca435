/// Programs through the page cache, and iscsifs against itself.
extension Workload {
  static let buffered: [Workload] = [
    Workload(
      name: "dd-4k", summary: "dd bs=4k, buffered",
      job: .command(.reading("dd if=\"$F\" of=/dev/null bs=4k count=131072 status=none")),
      goals: [.speed(1)]),
    Workload(
      name: "dd-1m", summary: "dd bs=1M, buffered",
      job: .command(.reading("dd if=\"$F\" of=/dev/null bs=1M count=512 status=none")),
      goals: [.speed(2)]),
    Workload(
      name: "cp", summary: "cp of a whole LUN, buffered",
      job: .command(.reading("cp \"$F\" /dev/null")), store: .file, goals: [.speed(1)]),
    Workload(
      name: "sha256sum", summary: "sha256sum of a whole LUN, buffered",
      job: .command(.reading("sha256sum \"$F\" >/dev/null")), store: .file, goals: [.speed(1)]),
    Workload(
      name: "qemu-img-convert", summary: "qemu-img convert of a whole LUN, buffered",
      job: .command(.reading(imageConversion)), store: .file, goals: [.speed(1)],
      needs: [.imageTool]),
    Workload(
      name: "dd-4k-uncached", summary: "dd bs=4k without the page cache",
      job: .command(.reading("dd if=\"$F\" of=/dev/null bs=4k count=16384 status=none", 64)),
      subject: .iscsifs(["cache=none"]), rival: .iscsifs(["cache=read"])),
    Workload(
      name: "dd-1m-uncached", summary: "dd bs=1M without the page cache",
      job: .command(.reading("dd if=\"$F\" of=/dev/null bs=1M count=512 status=none")),
      subject: .iscsifs(["cache=none"]), rival: .iscsifs(["cache=read"])),
    Workload(
      name: "dd-write-4k-writeback", summary: "dd bs=4k writes and fsync, cached",
      job: .command(.writing("bs=4k count=32768", 128)),
      subject: .iscsifs(["cache=writeback"]), rival: .iscsifs(["cache=read"])),
    Workload(
      name: "dd-write-1m-writeback", summary: "dd bs=1M writes and fsync, cached",
      job: .command(.writing("bs=1M count=512")),
      subject: .iscsifs(["cache=writeback"]), rival: .iscsifs(["cache=read"])),
  ]

  static let digests: [Workload] = [
    Workload(
      name: "digests-read-64k", summary: "64 KiB random reads, both digests",
      job: .fio(FioJob(kind: .randread, blockBytes: 64 << 10, depth: 32)), store: .digests,
      subject: .iscsifs(bothDigests), rival: .iscsifs(), goals: [.speed(0.85)]),
    Workload(
      name: "digests-write-64k", summary: "64 KiB random writes, both digests",
      job: .fio(FioJob(kind: .randwrite, blockBytes: 64 << 10, depth: 32)), store: .digests,
      subject: .iscsifs(bothDigests), rival: .iscsifs(), goals: [.speed(0.85)]),
  ]

  static let channels: [Workload] = [
    channel("channel-randread-4k", "4 KiB random reads, 32 at once", .randread, 4096, 32),
    channel("channel-randwrite-4k", "4 KiB random writes, 32 at once", .randwrite, 4096, 32),
    channel("channel-randread-64k", "64 KiB random reads, 32 at once", .randread, 64 << 10, 32),
    channel("channel-randwrite-64k", "64 KiB random writes, 32 at once", .randwrite, 64 << 10, 32),
  ]

  static let floors: [Workload] = [
    Workload(
      name: "without-fuse", summary: "4 KiB random reads, 32 at once, beside iscsi-perf",
      job: .fio(FioJob(kind: .randread, blockBytes: 4096, depth: 32)), rival: .iscsiPerf)
  ]

  private static let bothDigests = [
    "node.conn[0].iscsi.HeaderDigest=CRC32C", "node.conn[0].iscsi.DataDigest=CRC32C",
  ]

  private static let imageConversion = """
    qemu-img convert -f raw -n --target-is-zero -T writeback "$F" \
    --target-image-opts driver=null-co,size=\(CommandJob.fileMebibytes)M
    """

  private static func channel(
    _ name: String, _ summary: String, _ kind: FioJob.Kind, _ blockBytes: Int, _ depth: Int
  ) -> Workload {
    Workload(
      name: name, summary: summary + ", FUSE over io_uring",
      job: .fio(FioJob(kind: kind, blockBytes: blockBytes, depth: depth)),
      subject: .iscsifs(["channel=uring"]), rival: .iscsifs(["channel=dev"]),
      needs: [.fuseOverIOUring])
  }
}
