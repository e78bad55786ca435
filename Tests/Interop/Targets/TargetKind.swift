import ArgumentParser
import Lab

/// The targets there are to run against.
enum TargetKind: String, CaseIterable, ExpressibleByArgument, Sendable {
  case tgt
  case tuned = "tgt-tuned"
  case istgt
  case lio

  /// Names and LUNs of a target that is started anew: 512-byte blocks and 4096-byte blocks.
  static func name(_ purpose: String) -> String { "iqn.2026-11.org.iscsifs:\(purpose)" }

  /// Starts it; the lab owns it.
  ///
  /// - Parameters:
  ///   - mebibytes: of each LUN.
  ///   - directory: where packages for a guest are kept.
  ///   - say: is told what goes on.
  func start(
    _ lab: Lab, mebibytes: Int, directory: String,
    say: @escaping @MainActor (String) -> Void
  ) async throws -> TargetUnderTest {
    switch self {
    case .tgt: try await .tgt(lab, mebibytes: mebibytes, isTuned: false)
    case .tuned: try await .tgt(lab, mebibytes: mebibytes, isTuned: true)
    case .istgt: try await .istgt(lab, mebibytes: mebibytes)
    case .lio: try await LinuxTarget.start(lab, mebibytes: mebibytes, cache: directory, say: say)
    }
  }

  /// What this machine lacks for it; nil when nothing.
  var objection: String? {
    switch self {
    case .tgt, .tuned: Programs.objection(to: ["tgtd", "tgtadm"], package: "tgt")
    case .istgt: Programs.objection(to: ["istgt"], package: "istgt")
    case .lio:
      Programs.objection(to: ["qemu-system-x86_64"], package: "qemu-system-x86")
        ?? Programs.objection(to: ["xz"], package: "xz-utils")
    }
  }
}
