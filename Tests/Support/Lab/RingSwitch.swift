import FoundationEssentials
import Glibc

/// The kernel's switch for FUSE over io_uring, which is the whole machine's; set, and put back.
package final class RingSwitch: Resource {
  package static let path = "/sys/module/fuse/parameters/enable_uring"

  private let lab: Lab
  private let before: String

  /// Whether there is such a switch and we may move it.
  // SAFETY: the path is a literal for the call.
  package static var isThere: Bool { unsafe access(path, W_OK) == 0 }

  /// How it stands; nil where the kernel has none.
  package static var isOn: Bool? {
    (try? String(contentsOfFile: path, encoding: .utf8)).map { $0.hasPrefix("Y") }
  }

  /// Sets the switch; the lab puts it back.
  @discardableResult
  package init(_ lab: Lab, isOn: Bool) throws {
    self.lab = lab
    before = try String(contentsOfFile: Self.path, encoding: .utf8)
    lab.own(self)
    try (isOn ? "Y" : "N").write(toFile: Self.path, atomically: false, encoding: .utf8)
  }

  package func end() async {
    do {
      try before.write(toFile: Self.path, atomically: false, encoding: .utf8)
    } catch {
      lab.complain("\(Self.path) is not as it was: \(error)")
    }
  }
}
