package struct CommandDescriptorBlock: BitwiseCopyable, Hashable, Sendable {
  package var first: UInt64
  package var second: UInt64
  package var length: UInt8
}
