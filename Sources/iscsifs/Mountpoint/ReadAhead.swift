import Logging
import Records
import SystemPackage

/// How far the kernel reads ahead for those who read a mount's files in order, through its cache.
///
/// FUSE's handshake can only lower the 128 KiB every mount begins with; a file in sysfs raises it,
/// for who may write there. Files opened before keep the old figure.
enum ReadAhead {
  /// One READ of the largest size, as measured (Docs/Performance.md, "Buffered users").
  static let kibibytes = 1024

  /// Where every mount with a device number of its own has a directory.
  static let devices = "/sys/class/bdi"

  /// Raises the mount's figure where that is allowed, and logs what it is then.
  ///
  /// The mount itself is not asked for anything: who waits for its answer here, waits for himself.
  static func raise(mountpoint: String, logger: Logger) {
    guard let entry = try? MountTable.current().top(at: mountpoint), entry.isOurs else { return }
    do throws(Errno) {
      let figure = try raise(device: entry.device)
      logger.info("the kernel reads \(figure) KiB ahead")
    } catch {
      logger.info(
        "the kernel reads 128 KiB ahead; \(kibibytes) are better, but \(devices): \(error)")
    }
  }

  /// Raises the figure of one device and returns it; a larger one is somebody's wish and stays.
  static func raise(device: String, in devices: String = devices) throws(Errno) -> Int {
    let path = "\(devices)/\(device)/read_ahead_kb"
    let current = Int(try TextFile.read(path).prefix { $0.isNumber }) ?? 0
    guard current < kibibytes else { return current }
    do {
      let file = try FileDescriptor.open(FilePath(path), .writeOnly, options: .closeOnExec)
      try file.closeAfter { _ = try file.writeAll("\(kibibytes)\n".utf8) }
    } catch { throw error as? Errno ?? .ioError }
    return kibibytes
  }
}
