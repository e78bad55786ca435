import LinuxIO

/// A descriptor on its way through a closure; closed where nobody takes it.
final class OwnedBox {
  private var descriptor: OwnedDescriptor?

  init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = consume descriptor }

  func take() -> OwnedDescriptor? { descriptor.take() }
}
