import Lab
import Testing

/// Runs `body` with a lab, and cleans up whatever happens.
func withLab(_ body: (Lab) async throws -> Void) async throws {
  // One session a target, so that tests can count them, unless a test says otherwise.
  let lab = try Lab(
    program: Binary.path, mountOptions: ["channel=\(Binary.channel)", "sessions=1"]
  ) { Issue.record(Comment(rawValue: $0)) }
  do {
    try await body(lab)
  } catch {
    await lab.end()
    throw error
  }
  await lab.end()
}
