/// How a mount's requests are to come from the kernel.
package enum ChannelMode: String, CaseIterable, Sendable {
  /// Through io_uring where the kernel offers it, else through /dev/fuse.
  case automatic = "auto"
  /// Through /dev/fuse.
  case device = "dev"
  /// Through io_uring, or not at all.
  case ring = "uring"
}
