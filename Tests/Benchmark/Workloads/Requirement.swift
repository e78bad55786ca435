import FoundationEssentials
import Lab

/// What a measurement needs of the machine.
enum Requirement: Sendable {
  case fuse
  case fio
  case tgtd
  case storageDaemon
  case iscsiPerf
  case imageTool
  case fuseOverIOUring

  /// Why it is not there, nil when it is.
  var objection: String? {
    switch self {
    case .fuse:
      FileManager.default.isWritableFile(atPath: "/dev/fuse")
        ? nil : "/dev/fuse is missing or closed to this user"
    case .fio: Self.missing(["fio"], "fio")
    case .tgtd: Self.missing(["tgtd", "tgtadm"], "tgt")
    case .storageDaemon:
      Self.missing(["qemu-storage-daemon"], "qemu-system-common") ?? Self.missingISCSIDriver
    case .iscsiPerf: Self.missing(["iscsi-perf"], "libiscsi-bin")
    case .imageTool: Self.missing(["qemu-img"], "qemu-utils")
    case .fuseOverIOUring: Self.ringObjection
    }
  }

  private static func missing(_ programs: [String], _ package: String) -> String? {
    Programs.objection(to: programs, package: package).map { "not installed: \($0)" }
  }

  /// Debian builds QEMU's iSCSI driver as a module of a package of its own.
  private static var missingISCSIDriver: String? {
    let libraries = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib")) ?? []
    let isThere = (["lib64", "lib"] + libraries.map { "lib/\($0)" }).contains {
      FileManager.default.fileExists(atPath: "/usr/\($0)/qemu/block-iscsi.so")
    }
    let isDebian = FileManager.default.fileExists(atPath: "/etc/debian_version")
    return isThere || !isDebian ? nil : "not installed: QEMU's block-iscsi.so (qemu-block-extra)"
  }

  private static var ringObjection: String? {
    switch RingSwitch.isOn {
    case nil: "this kernel has no FUSE over io_uring"
    case true?: nil
    case false?: "FUSE over io_uring is off (--ring allows it while the benchmark runs)"
    }
  }
}

extension Contestant {
  /// What it needs.
  var needs: [Requirement] {
    switch self {
    case .iscsifs: [.fuse]
    case .storageDaemon: [.storageDaemon, .fuse]
    case .iscsiPerf: [.iscsiPerf]
    }
  }
}

extension Job {
  /// What it needs, done by `contestant`.
  func needs(by contestant: Contestant) -> [Requirement] {
    switch self {
    case .fio: contestant == .iscsiPerf ? [] : [.fio]
    case .command: []
    }
  }
}
