package final class ColdQueue: Sendable {
  package init() {}
  package func submit(_ bytes: UnsafeRawBufferPointer) -> Bool { true }
}
