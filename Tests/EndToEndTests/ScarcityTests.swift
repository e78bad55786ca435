import Lab
import Testing

extension EndToEnd {
  /// A mount that starts where the process may have too little of something.
  @Suite("Too little to start with", .requires(.root))
  struct ScarcityTests {
    /// Starts the demo under every limit of `values`, which are from too little to enough, and
    /// returns what the failures said.
    private func failures(
      _ lab: Lab, _ option: String, _ values: StrideThrough<Int>
    ) async throws -> [String] {
      let directory = try lab.makeDirectory("mount")
      var sentences: [String] = []
      var isEnough = false
      for value in values {
        let start = await lab.shell(
          "ulimit \(option) \(value); exec \(Binary.path) demo \(directory) 2>&1")
        guard start.status != 0 else {
          isEnough = true
          await lab.shell("\(Binary.path) unmount \(directory)").expectSuccess()
          continue
        }
        // 71 is a system call's refusal, 74 a login's; 70 and signals would be ours.
        #expect([71, 74].contains(start.status), "ulimit \(option) \(value): \(start)")
        #expect(start.value.hasPrefix("iscsifs: ") || start.value.hasPrefix("fuse: "), "\(start)")
        sentences.append(start.value)
        // Nothing is left mounted that nobody serves.
        await lab.shell("! mountpoint -q \(directory) && ls -A \(directory)").expectSuccess()
      }
      #expect(isEnough)
      return sentences
    }

    @Test("Without descriptors the mount says so and is not there, wherever they end")
    func descriptors() async throws {
      try await withLab { lab in
        // Below, what Swift's tasks run on finds no descriptor for itself, and traps.
        let sentences = try await failures(lab, "-n", stride(from: 12, through: 40, by: 1))
        #expect(sentences.contains { $0.contains("no more open files are allowed (ulimit -n") })
      }
    }

    @Test("Without memory or threads the mount says so and is not there, wherever they end")
    func memory() async throws {
      try await withLab { lab in
        // KiB of address space.
        let sentences = try await failures(
          lab, "-v", stride(from: 400_000, through: 3_000_000, by: 65_000))
        #expect(sentences.contains { $0.contains("(ulimit -v") })
      }
    }
  }
}
