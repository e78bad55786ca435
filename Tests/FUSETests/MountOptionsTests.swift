import FoundationEssentials
import Testing

@testable import FUSE

struct MountOptionsTests {
  @Test("The kernel is told its limits and who we are")
  func words() {
    #expect(
      MountOptions(mountPoint: "/m", source: "10.0.0.5:3260").kernelOptions
        == "fsname=10.0.0.5:3260,subtype=iscsifs,max_read=1048576,default_permissions,nosuid,"
        + "nodev,noexec,noatime")
  }

  @Test("Options that were asked for are passed on, and a source cannot smuggle in others")
  func choices() {
    let options = MountOptions(
      mountPoint: "/m", source: "a,suid\\", allowsOthers: true, isReadOnly: true)
    #expect(options.kernelOptions.hasPrefix("fsname=a\\,suid\\\\,subtype"))
    #expect(options.kernelOptions.hasSuffix(",allow_other,ro"))
  }

  @Test("A mount point that is not there, no directory or not empty is refused in words")
  func mountPoints() {
    #expect(throws: MountError.mountPointAbsent(path: "/nowhere/at/all")) {
      try MountPoint(path: "/nowhere/at/all").check()
    }
    #expect(throws: MountError.mountPointNotDirectory(path: "/etc/passwd")) {
      try MountPoint(path: "/etc/passwd").check()
    }
    #expect(throws: MountError.mountPointNotEmpty(path: "/etc")) {
      try MountPoint(path: "/etc").check()
    }
    #expect(MountError.mountPointAbsent(path: "/x").sentence.contains("/x does not exist"))
  }

  @Test("A directory kept in git by its .gitkeep is empty; any other name is not")
  func gitkeep() throws {
    let files = FileManager.default
    let path = "\(files.temporaryDirectory.path)/mount-point.\(UUID().uuidString)"
    try files.createDirectory(atPath: path, withIntermediateDirectories: false)
    defer { try? files.removeItem(atPath: path) }
    #expect(files.createFile(atPath: path + "/.gitkeep", contents: nil))
    // The device may be absent where this runs: that is another objection.
    do throws(MountError) { try MountPoint(path: path).check() } catch {
      #expect(error != .mountPointNotEmpty(path: path))
    }
    #expect(files.createFile(atPath: path + "/a", contents: nil))
    #expect(throws: MountError.mountPointNotEmpty(path: path)) {
      try MountPoint(path: path).check()
    }
  }
}
