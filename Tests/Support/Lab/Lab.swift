import FoundationEssentials
package import Glibc
import Synchronization

/// A directory and everything its user took from the machine, given back in reverse order.
package final class Lab: Sendable {
  package static let temporaryDirectory: String = {
    let path = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }()

  /// Mode 0755: an ordinary user looks in too.
  package let path: String
  /// The iscsifs that is mounted where nothing else is said.
  package let program: String
  /// What every mount is given before its own options.
  package let mountOptions: [String]
  /// Hears what does not end as it should.
  package let complain: @Sendable (String) -> Void
  private let resources = Mutex<[any Resource]>([])
  private let counter = Mutex(0)

  package init(
    program: String, mountOptions: [String] = [], complain: @escaping @Sendable (String) -> Void
  ) throws {
    self.program = program
    self.mountOptions = mountOptions
    self.complain = complain
    var template = [CChar]("\(Self.temporaryDirectory)/iscsifs-lab-XXXXXX".utf8CString)
    // SAFETY: mkdtemp writes six characters inside the array.
    guard unsafe mkdtemp(&template) != nil else {
      throw ManagedProcess.Failure(description: "mkdtemp: errno \(errno)")
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // SAFETY: the path is a C string for the call.
    _ = unsafe chmod(path, 0o755)
  }

  /// Makes this lab own `resource`.
  package func own(_ resource: some Resource) {
    resources.withLock { $0.append(resource) }
  }

  /// A path in the lab's directory that nobody else has.
  package func fresh(_ name: String) -> String {
    let number = counter.withLock {
      $0 += 1
      return $0
    }
    return "\(path)/\(name)\(number)"
  }

  package func makeDirectory(_ name: String) throws -> String {
    let path = fresh(name)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    return path
  }

  package func write(_ text: String, mode: mode_t = 0o600, name: String = "file") throws -> String {
    let path = fresh(name)
    try Data(text.utf8).write(to: URL(filePath: path))
    // SAFETY: the path is a C string for the call.
    _ = unsafe chmod(path, mode)
    return path
  }

  package func shell(
    _ script: String, environment: [String: String] = [:], limit: Duration = .seconds(60)
  ) async -> ShellResult {
    await Shell.run(script, in: path, environment: environment, limit: limit)
  }

  package func end() async {
    while let resource = resources.withLock({ $0.popLast() }) { await resource.end() }
    // One file system only: what is still mounted below is not ours to empty.
    let removal = await Shell.run("rm -rf --one-file-system -- '\(path)'")
    if removal.status != 0 { complain("the lab is not clean: \(removal)") }
  }
}

/// True as soon as `condition` holds, false when `limit` passes first.
package func eventually(
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
