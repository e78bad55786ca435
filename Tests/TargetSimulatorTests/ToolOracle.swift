import Glibc

/// Runs another project's program, which does not share our reading of the standards.
struct ToolOracle {
  /// Where `name` is installed, or nil with the reason printed.
  static func path(of name: String) -> String? {
    let path = "/usr/bin/\(name)"
    // SAFETY: the string lives through the call.
    if unsafe access(path, X_OK) == 0 { return path }
    print("skipped: \(name) is not installed (package libiscsi-bin or qemu-utils)")
    return nil
  }

  /// How long a program may take: a minute, times ISCSIFS_TEST_PATIENCE where the target it talks
  /// to is slowed down by a sanitizer.
  private static let timeoutSeconds: Int = {
    // SAFETY: no thread changes the environment; the text is copied.
    let patience = unsafe getenv("ISCSIFS_TEST_PATIENCE").map { unsafe String(cString: $0) }
    return 60 * (patience.flatMap { Int($0) } ?? 1)
  }()

  /// Runs a shell command and returns its exit status and everything it wrote.
  static func run(_ command: String) -> (status: Int32, output: String) {
    // SAFETY: popen's stream is checked, read in bounds and closed here.
    guard let stream = unsafe popen("timeout \(timeoutSeconds) \(command) 2>&1", "r") else {
      return (-1, "")
    }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe fread($0.baseAddress, 1, $0.count, stream)
      }
      guard count > 0 else { break }
      output += buffer[..<count]
    }
    let status = unsafe pclose(stream)
    return (status >> 8 & 0xFF, String(decoding: output, as: UTF8.self))
  }
}
