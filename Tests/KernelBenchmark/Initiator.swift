import Guest

/// Who turns the target's LUN into a file fio can open.
enum Initiator: String, CaseIterable, Codable, Sendable {
  /// Linux's own, started with open-iscsi's iscsistart: `/dev/sdX`.
  case kernel
  /// qemu-storage-daemon with libiscsi, a FUSE export.
  case storageDaemon = "qemu-storage-daemon"
  case iscsifs

  /// The program that does the work in the guest; nil where the kernel does it.
  var program: String? {
    switch self {
    case .kernel: nil
    case .storageDaemon: "qemu-storage-daemon"
    case .iscsifs: "iscsifs"
    }
  }

  /// A script that starts it and prints the file as its last line.
  ///
  /// - Parameter mountOptions: more of iscsifs's, each with a comma in front.
  func start(_ portal: Portal, mountOptions: String) -> String {
    switch self {
    case .kernel:
      """
      iscsistart -i \(Self.initiatorName) -t \(portal.target) -g 1 -a \(portal.address) \
      -p \(portal.port) || exit
      \(Self.awaited("/sys/class/iscsi_session/session*/device/target*/*/block/sd*"))
      echo /dev/$(basename $found)
      """
    case .storageDaemon:
      """
      touch /run/export
      qemu-storage-daemon --daemonize --pidfile /run/storage-daemon.pid \
      --blockdev driver=iscsi,node-name=lun,transport=tcp,portal=\(portal),target=\
      \(portal.target),lun=1,initiator-name=\(Self.initiatorName)-2 \
      --export type=fuse,id=export,node-name=lun,mountpoint=/run/export,writable=on || exit
      echo /run/export
      """
    case .iscsifs:
      """
      mkdir -p /mnt/iscsi
      \(mount(portal, mountOptions: "state=/run/iscsifs" + mountOptions))
      \(Self.awaited("/mnt/iscsi/by-id/*"))
      cat /mnt/iscsi/status
      echo $found
      """
    }
  }

  private static let initiatorName = "iqn.2026-11.org.iscsifs:guest-initiator"

  /// A target behind a network that translates announces an address the guest cannot reach.
  private func mount(_ portal: Portal, mountOptions: String) -> String {
    portal.isAnnounced
      ? "iscsifs mount \(portal) /mnt/iscsi -o \(mountOptions) || exit"
      : """
      iscsifs mount none /mnt/iscsi -o \(mountOptions) || exit
      echo "add \(portal.target) \(portal)" >/mnt/iscsi/control || exit
      echo "login \(portal.target)" >/mnt/iscsi/control || exit
      """
  }

  /// Waits until something matches `pattern`; `$found` is the first of it.
  private static func awaited(_ pattern: String) -> String {
    """
    for attempt in $(seq 100); do
      found=$(ls -d \(pattern) 2>/dev/null | head -1)
      [ -n "$found" ] && break
      sleep 0.1
    done
    [ -n "$found" ] || { echo "\(pattern) does not appear"; exit 1; }
    """
  }
}
