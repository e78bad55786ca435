import Glibc
import Testing

/// Another project's program, which does not share our reading of the standards.
enum ToolOracle: String {
  case list = "iscsi-ls"
  case inquiry = "iscsi-inq"
  case capacity = "iscsi-readcapacity16"
  case conformance = "iscsi-test-cu"
  case qemu = "qemu-img"

  var path: String { "/usr/bin/\(rawValue)" }

  /// Why it cannot be run here; nil where it can.
  var objection: String? {
    // SAFETY: the string lives through the call.
    guard unsafe access(path, X_OK) == 0 else {
      return "\(rawValue) (package \(self == .qemu ? "qemu-utils" : "libiscsi-bin"))"
    }
    return self == .qemu ? Self.driverObjection : nil
  }

  /// Nothing listens there: what is looked for is another error than that of a missing driver.
  private static let driverObjection: String? =
    run("\(qemu.path) info -f raw iscsi://127.0.0.1:1/none/0").output.contains("Unknown protocol")
    ? "qemu-img's iSCSI driver (package qemu-block-extra)" : nil

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

extension Trait where Self == ConditionTrait {
  /// Skips with the names of what is missing, which the test run prints.
  static func requires(_ tools: ToolOracle...) -> Self {
    let objections = tools.compactMap(\.objection)
    return .enabled(
      if: objections.isEmpty, Comment(rawValue: "needs \(objections.joined(separator: ", "))"))
  }
}
