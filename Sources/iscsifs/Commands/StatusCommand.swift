import ArgumentParser
import Records
import SystemPackage

/// `iscsifs status [MOUNTPOINT] [--json]`.
struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show targets, sessions and LUNs of a mount, or where iscsifs is mounted.",
    discussion: """
      iscsifs status                  the mounts of this machine: MOUNTPOINT SOURCE
      iscsifs status /mnt             the same as cat /mnt/status
      iscsifs status /mnt --json      every value as the files of the tree have it
      """)

  @Argument(help: "Where iscsifs is mounted.", completion: .directory)
  var mountpoint: String?

  @Flag(help: "Print JSON; values are the text of the files, under the files' names.")
  var json = false

  func run() throws {
    let mounts = try MountTable.current().entries.filter(\.isOurs)
    guard let given = mountpoint else {
      if json { return Output.line(try StatusReport.encode(mounts.map(MountListing.init))) }
      for mount in mounts { Output.line("\(mount.mountpoint) \(mount.source)") }
      return
    }
    let path = try Mountpoint(given).path
    guard let entry = mounts.last(where: { $0.mountpoint == path }) else {
      throw CommandFailure(.notMounted, "\(path): iscsifs is not mounted here")
    }
    do throws(Errno) {
      try json
        ? Output.line(StatusReport.encode(StatusReport(mount: entry)))
        : Output.write(StatusReport.table(of: path))
    } catch .socketNotConnected {
      throw CommandFailure(
        .inputOutput, "\(path): the daemon of this mount is gone; do: iscsifs unmount \(path)")
    } catch {
      throw CommandFailure(.inputOutput, "\(path): \(error)")
    }
  }
}

/// One mount in the list `iscsifs status --json` prints.
private struct MountListing: Encodable {
  let mountpoint: String
  let source: String

  init(_ entry: MountTable.Entry) {
    mountpoint = entry.mountpoint
    source = entry.source
  }
}
