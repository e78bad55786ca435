import ArgumentParser

/// `iscsifs unmount MOUNTPOINT`.
struct UnmountCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unmount",
    abstract: "Log out of every target and unmount; the same as umount MOUNTPOINT.",
    aliases: ["umount"])

  @Argument(help: "Where iscsifs is mounted.", completion: .directory)
  var mountpoint: String

  /// How long the mount may take to disappear once the kernel has agreed to unmount it.
  private static let patience = Duration.seconds(10)

  func run() async throws {
    let mountpoint = try Mountpoint(self.mountpoint)
    guard let entry = try MountTable.current().top(at: mountpoint.path) else {
      throw CommandFailure(.notMounted, "\(mountpoint.path): nothing is mounted here")
    }
    guard entry.isOurs else {
      throw CommandFailure(
        .notMounted, "\(mountpoint.path): the mount here is \(entry.type), not iscsifs")
    }
    try mountpoint.unmount()
    let clock = ContinuousClock()
    let deadline = clock.now.advanced(by: Self.patience)
    while try MountTable.current().top(at: mountpoint.path) == entry {
      if clock.now >= deadline {
        throw CommandFailure(
          .timedOut, "\(mountpoint.path): still mounted after \(Self.patience.components.seconds) s"
        )
      }
      try await Task.sleep(for: .milliseconds(20))
    }
  }
}
