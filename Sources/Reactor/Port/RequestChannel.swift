/// How a mount's requests come from the kernel.
package enum RequestChannel: UInt8, Sendable {
  /// Read from /dev/fuse.
  case device
  /// FUSE-over-io_uring; /dev/fuse brings the rest.
  case ring

  /// Its name in the option `channel` and in `status`.
  package var name: String { self == .ring ? "uring" : "dev" }
}
