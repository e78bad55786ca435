import FoundationEssentials
import Glibc
import Lab

/// A file in memory behind a LUN.
final class MemoryFile: Resource {
  let path: String
  private let mebibytes: Int

  init(_ lab: Lab, mebibytes: Int) throws {
    self.mebibytes = mebibytes
    path = "/dev/shm/iscsifs-bench-\(getpid()).img"
    guard FileManager.default.createFile(atPath: path, contents: nil) else {
      throw BenchmarkFailure("\(path) cannot be made")
    }
    lab.own(self)
  }

  /// Puts bytes into it that no layer can shorten.
  func fill() async throws {
    let result = await Shell.run(
      "head -c \(mebibytes)M /dev/urandom > '\(path)'", limit: .seconds(60))
    guard result.status == 0 else { throw BenchmarkFailure("\(path): \(result.output)") }
  }

  func end() async {
    // SAFETY: the path is a C string for the call.
    _ = unsafe unlink(path)
  }
}
