package import SystemPackage

/// Ends a wait of another thread early.
///
/// Every blocking call of `StreamSocket` and `Resolver` that was given one watches it beside its
/// own descriptor; once cancelled it stays so, and each such call throws ECANCELED.
package final class CancellationSignal: Sendable {
  let event: EventDescriptor

  package init() throws(Errno) {
    event = try EventDescriptor()
  }

  /// Wakes whoever waits, now and later.
  package func cancel() {
    event.signal()
  }

  package var isCancelled: Bool { event.wait(milliseconds: 0) }
}
