import FoundationEssentials
import Lab
import SystemPackage

/// The kernel's permission to use FUSE over io_uring: module-wide, off unless somebody allows it.
final class RingPermission: Resource {
  static let path = "/sys/module/fuse/parameters/enable_uring"
  private let lab: Lab

  private init(_ lab: Lab) {
    self.lab = lab
  }

  /// nil where the kernel has none.
  static var isGiven: Bool? {
    (try? String(contentsOf: URL(filePath: path), encoding: .utf8)).map { $0.hasPrefix("Y") }
  }

  /// Allows it until the lab ends; says why not where that cannot be.
  static func give(_ lab: Lab) -> String? {
    switch isGiven {
    case nil: return "this kernel has no FUSE over io_uring"
    case true?: return nil
    case false?:
      guard set(true) else { return "\(path) cannot be written by this user" }
      lab.own(RingPermission(lab))
      return nil
    }
  }

  func end() async {
    if !Self.set(false) { lab.complain("\(Self.path) stays on") }
  }

  private static func set(_ isGiven: Bool) -> Bool {
    // In place: the kernel's file cannot be replaced.
    guard let file = try? FileDescriptor.open(FilePath(path), .writeOnly) else { return false }
    return (try? file.closeAfter { try file.writeAll((isGiven ? "Y\n" : "N\n").utf8) }) != nil
  }
}
