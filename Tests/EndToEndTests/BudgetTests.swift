import FoundationEssentials
import Lab
import Testing

extension EndToEnd {
  /// What an I/O may cost, counted, never timed.
  @Suite("Budgets", .requires(.tgtd, .fio, .optimized, .allocationCounter))
  struct BudgetTests {
    @Test(
      "100,000 I/Os of 4 KiB, 32 at once, allocate nothing", arguments: ["randread", "randwrite"])
    func allocations(kind: String) async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let counter = lab.fresh("allocations")
        let mount = try await MountedFileSystem.start(
          lab, .mount(daemon.address),
          environment: ["COUNT_FILE=\(counter)", "LD_PRELOAD=\(Binary.allocationCounter)"],
          prelude: "F=$(ls -d $M/by-id/*)")
        let job =
          "fio --name=b --filename=$F --rw=\(kind) --bs=4k --iodepth=32 --ioengine=libaio "
          + "--direct=1 --norandommap --minimal --size=32M --number_ios="
        await mount.shell(job + "1000").expectSuccess()
        let before = try count(in: counter)
        #expect(before > 0, "the counter is not loaded")
        await mount.shell(job + "100000").expectSuccess()
        let allocated = try count(in: counter) - before
        print("\(kind): \(allocated) allocations in 100,000 I/Os, open and close included")
        // fio's own open, stat and close of the file are a few dozen requests of the cold side.
        #expect(allocated < 1000)
      }
    }

    private func count(in path: String) throws -> UInt64 {
      let bytes = try Data(contentsOf: URL(filePath: path)).prefix(8)
      return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
  }
}
