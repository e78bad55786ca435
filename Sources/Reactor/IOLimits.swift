/// Every capacity of a reactor, fixed when it starts: what is full makes the kernel wait.
package struct IOLimits: BitwiseCopyable, Sendable {
  /// Kernel requests served at once.
  package var requestSlots = 128
  /// Control-plane commands served at once: as many as sessions, so that none waits for another's
  /// target long when all come back together.
  package var controlSlots = 64
  /// Sessions a reactor can hold.
  package var sessions = 64
  /// LUN files a reactor can serve.
  package var logicalUnits = 4096
  /// PDUs queued for one connection before the rest waits unmade.
  package var transmitEntries = 256
  /// Bytes received from one connection before they are parsed.
  package var receiveBytes = 320 * 1024
  /// What a mount remembers of writes behind volatile caches that are not flushed: four bytes a
  /// block and 32 a command, untouched and free where there are none.
  package var unflushedBytes = 16 << 20

  package init() {}
}
