import FoundationEssentials
import Glibc
import Lab
import Testing

/// What a test needs of the machine; without it the test is skipped by name.
enum Requirement: CaseIterable, Sendable {
  case root
  case binary
  case fuse
  case tgtd
  case istgt
  case tshark
  case fio
  case loop
  case ext4
  case discard
  case namespaces
  case fusermount
  case optimized
  case allocationCounter
  case strace
  case ring
  case coreFiles
  case fuseControl
  case memoryGroup
  case resourceCapability
  case drills

  /// Why it is not there; nil when it is.
  var objection: String? {
    switch self {
    case .root: geteuid() == 0 ? nil : "root"
    case .binary:
      Programs.isExecutable(Binary.path) ? nil : "the binary \(Binary.path) (ISCSIFS_BINARY)"
    case .fuse:
      // SAFETY: the path is a literal for the call.
      unsafe access("/dev/fuse", R_OK | W_OK) == 0 ? nil : "/dev/fuse"
    case .tgtd: Programs.objection(to: ["tgtd", "tgtadm"], package: "tgt")
    case .istgt: Programs.objection(to: ["istgt"], package: "istgt")
    case .tshark: Programs.objection(to: ["tshark", "dumpcap"], package: "tshark")
    case .fio: Programs.objection(to: ["fio"], package: "fio")
    case .loop:
      // SAFETY: the path is a literal for the call.
      unsafe access("/dev/loop-control", R_OK | W_OK) == 0
        ? Programs.objection(to: ["losetup"], package: "mount") : "/dev/loop-control"
    case .ext4: Programs.objection(to: ["mkfs.ext4", "e2fsck"], package: "e2fsprogs")
    case .discard:
      Programs.objection(to: ["fallocate", "blkdiscard", "fstrim"], package: "util-linux")
    case .namespaces: Programs.objection(to: ["unshare", "setpriv"], package: "util-linux")
    case .optimized:
      Binary.path.contains("/release/")
        ? nil : "an optimised binary (ISCSIFS_BINARY=.build/release/iscsifs)"
    case .allocationCounter:
      Programs.isExecutable(Binary.allocationCounter)
        ? nil : "\(Binary.allocationCounter) (swift build)"
    case .strace: Programs.objection(to: ["strace"], package: "strace")
    case .ring:
      RingSwitch.isThere
        ? nil : "FUSE over io_uring, Linux 6.14 or later, and the right to write \(RingSwitch.path)"
    case .coreFiles:
      CoreFile.isLeftWhereAProgramRuns
        ? nil : "a \(CoreFile.patternPath) that names a file without a directory"
    case .fuseControl:
      ((try? String(contentsOfFile: "/proc/filesystems", encoding: .utf8)) ?? "")
        .contains("fusectl") ? nil : "a kernel with fusectl"
    case .memoryGroup: MemoryGroup.objection
    case .resourceCapability: Self.mayUseResources ? nil : "CAP_SYS_RESOURCE"
    case .drills:
      [Binary.drills, Binary.clockJump].first { !Programs.isExecutable($0) }
        .map { "\($0) (swift build)" }
    case .fusermount: Programs.objection(to: ["fusermount3"], package: "fuse3")
    }
  }
}

extension Requirement {
  /// CAP_SYS_RESOURCE is among the effective capabilities (bit 24).
  static var mayUseResources: Bool {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") } ?? ""
    let digits = line.split(separator: "\t").last ?? ""
    return (UInt64(digits, radix: 16) ?? 0) & 1 << 24 != 0
  }
}

extension Trait where Self == ConditionTrait {
  /// Skips with the names of what is missing, which the test run prints.
  static func requires(_ requirements: Requirement...) -> Self {
    let objections = requirements.compactMap(\.objection)
    return .enabled(
      if: objections.isEmpty, Comment(rawValue: "needs \(objections.joined(separator: ", "))"))
  }
}

/// The program under test.
enum Binary {
  /// ISCSIFS_BINARY, else the one built beside the tests.
  static let path: String = {
    if let path = ProcessInfo.processInfo.environment["ISCSIFS_BINARY"] { return path }
    return build + "/iscsifs"
  }()

  /// How requests come, for every mount of a run (ISCSIFS_TEST_CHANNEL): dev, or uring.
  static let channel = ProcessInfo.processInfo.environment["ISCSIFS_TEST_CHANNEL"] ?? "dev"

  /// The library that counts allocations, built beside the tests.
  static let allocationCounter = build + "/libAllocationCounter.so"

  /// The program that makes a drill's calls, and the library that moves a clock, built there too.
  static let drills = build + "/Drills"
  static let clockJump = build + "/libClockJump.so"

  private static let build: String =
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path + "/.build/debug"
}
