import FoundationEssentials
import Glibc
import Synchronization
import Testing

/// Something of the machine's that a test owns and gives back.
protocol Resource: Sendable {
  /// Gives it back, whatever state it is in; what is wrong on the way is recorded as an issue.
  func end() async
}

/// A directory and everything a test took from the machine, given back in reverse order.
final class Lab: Sendable {
  static let temporaryDirectory: String = {
    let path = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }()

  /// Mode 0755: an ordinary user looks in too.
  let path: String
  private let resources = Mutex<[any Resource]>([])
  private let counter = Mutex(0)

  init() throws {
    var template = [CChar]("\(Self.temporaryDirectory)/iscsifs-e2e-XXXXXX".utf8CString)
    // SAFETY: mkdtemp writes six characters inside the array.
    guard unsafe mkdtemp(&template) != nil else {
      throw ManagedProcess.Failure(description: "mkdtemp: errno \(errno)")
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // SAFETY: the path is a C string for the call.
    _ = unsafe chmod(path, 0o755)
  }

  /// Makes this lab own `resource`.
  func own(_ resource: some Resource) {
    resources.withLock { $0.append(resource) }
  }

  /// A path in the lab's directory that nobody else has.
  func fresh(_ name: String) -> String {
    let number = counter.withLock {
      $0 += 1
      return $0
    }
    return "\(path)/\(name)\(number)"
  }

  func makeDirectory(_ name: String) throws -> String {
    let path = fresh(name)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    return path
  }

  func write(_ text: String, mode: mode_t = 0o600, name: String = "file") throws -> String {
    let path = fresh(name)
    try Data(text.utf8).write(to: URL(filePath: path))
    // SAFETY: the path is a C string for the call.
    _ = unsafe chmod(path, mode)
    return path
  }

  func shell(
    _ script: String, environment: [String: String] = [:], limit: Duration = .seconds(60)
  ) async -> ShellResult {
    await Shell.run(script, in: path, environment: environment, limit: limit)
  }

  func end() async {
    while let resource = resources.withLock({ $0.popLast() }) { await resource.end() }
    // One file system only: what is still mounted below is not ours to empty.
    let removal = await Shell.run("rm -rf --one-file-system -- '\(path)'")
    if removal.status != 0 { Issue.record("the lab is not clean: \(removal)") }
  }
}

/// Runs `body` with a lab, and cleans up whatever happens.
func withLab(_ body: (Lab) async throws -> Void) async throws {
  let lab = try Lab()
  do {
    try await body(lab)
  } catch {
    await lab.end()
    throw error
  }
  await lab.end()
}

/// True as soon as `condition` holds, false when `limit` passes first.
func eventually(
  _ limit: Duration = .seconds(10), _ condition: () async throws -> Bool
) async rethrows -> Bool {
  let clock = ContinuousClock()
  let deadline = clock.now.advanced(by: limit)
  while true {
    if try await condition() { return true }
    if clock.now >= deadline { return false }
    try? await Task.sleep(for: .milliseconds(20))
  }
}
