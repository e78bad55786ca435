/// What the kernel asks for, of the requests that are decoded here.
///
/// Source: linux/fuse.h, enum fuse_opcode.
package struct FuseOpcode: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt32

  package init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  package static let open = FuseOpcode(rawValue: 14)
  package static let read = FuseOpcode(rawValue: 15)
  package static let write = FuseOpcode(rawValue: 16)
  package static let fsync = FuseOpcode(rawValue: 20)
  package static let initialize = FuseOpcode(rawValue: 26)
  package static let interrupt = FuseOpcode(rawValue: 36)
  package static let poll = FuseOpcode(rawValue: 40)
  package static let fallocate = FuseOpcode(rawValue: 43)
  package static let lseek = FuseOpcode(rawValue: 46)
}
