import FoundationEssentials
import Glibc
import Lab

/// The kernel's switch for FUSE over io_uring, set for a test and put back.
final class RingSwitch: Resource {
  static let path = "/sys/module/fuse/parameters/enable_uring"

  private let before: String

  /// Whether there is such a switch and we may move it.
  // SAFETY: the path is a literal for the call.
  static var isThere: Bool { unsafe access(path, W_OK) == 0 }

  /// Sets the switch; the lab puts it back.
  init(_ lab: Lab, isOn: Bool) throws {
    before = try String(contentsOfFile: Self.path, encoding: .utf8)
    lab.own(self)
    try (isOn ? "Y" : "N").write(toFile: Self.path, atomically: false, encoding: .utf8)
  }

  func end() async {
    try? before.write(toFile: Self.path, atomically: false, encoding: .utf8)
  }
}
