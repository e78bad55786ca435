import ArgumentParser
import Records

/// `iscsifs mount SOURCE MOUNTPOINT`.
struct MountCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mount",
    abstract: "Mount the targets of a portal; returns when the mount is usable.",
    discussion: """
      iscsifs mount 10.0.0.5 /mnt                      every target of a portal
      iscsifs mount '[2001:db8::1]:3260' /mnt -o ro    by IPv6, read-only
      iscsifs mount none /mnt                          nothing yet
      iscsifs mount ./lab.conf /mnt                    what that file names
      mount -t iscsifs 10.0.0.5 /mnt -o login=manual   the same through mount(8)
      10.0.0.5 /mnt iscsifs _netdev,nofail 0 0         a line of /etc/fstab

      Exit status: 0 mounted; 64 wrong use; 65 MOUNTPOINT not empty; 66 absent; 68 host not found; \
      69 no FUSE; 73 not a directory; 74 I/O; 75 something mounted there; 76 protocol; \
      77 permission; 78 configuration; 79 not supported; 81 not ready in time.
      """)

  @Argument(help: "host[:port], [v6]:port, the path of a configuration file, or none.")
  var source: String

  @Argument(help: "An empty directory.", completion: .directory)
  var mountpoint: String

  @OptionGroup var options: StartOptions

  func run() async throws {
    let source: MountSource
    do throws(MountSourceError) {
      source = try MountSource(parsing: self.source)
    } catch { throw CommandFailure(error) }
    try await options.start(.initiator(source), at: mountpoint, asking: "mount")
  }
}
