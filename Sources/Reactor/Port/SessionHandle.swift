/// A session's place in its reactor; the generation tells a later tenant of the place apart.
package struct SessionHandle: BitwiseCopyable, Hashable, Sendable {
  package var index: UInt16
  package var generation: UInt16

  package init(index: UInt16, generation: UInt16) {
    self.index = index
    self.generation = generation
  }
}
