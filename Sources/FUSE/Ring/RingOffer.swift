/// What a mount needs to offer the kernel FUSE-over-io_uring.
package struct RingOffer: Sendable {
  package var exchange: RingExchange
  /// Called once the kernel has taken the offer: from then on it holds every request until all
  /// queues have entries.
  package var register: @Sendable () -> Void

  package init(exchange: RingExchange, register: @escaping @Sendable () -> Void) {
    self.exchange = exchange
    self.register = register
  }
}
