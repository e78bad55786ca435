import Records

/// Asks a portal for its targets, without a mount.
enum DiscoverRunner {
  /// The lines of the answer, "<ip>:<port>,<tpgt> <iqn>", as `iscsiadm -m discovery` prints them.
  static func run(
    _ source: MountSource, _ configuration: Configuration
  ) async throws -> [String] {
    throw CommandFailure(.software, "discovery is not wired into this build")
  }
}
