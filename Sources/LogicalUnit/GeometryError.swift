/// Why a logical unit cannot be shown as a file.
package enum GeometryError: Error, BitwiseCopyable, Hashable, Sendable {
  /// The logical block length is not a power of two from 512 to 4096.
  case blockLengthRefused(bytes: UInt32)

  /// The capacity in bytes does not fit a file size of 63 bits.
  case capacityTooLarge(lastLogicalBlockAddress: UInt64, blockLengthBytes: UInt32)
}

extension GeometryError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .blockLengthRefused(let bytes):
      "Logical blocks of \(bytes) bytes are refused: a power of two from 512 to 4096 is needed"
    case .capacityTooLarge(let last, let bytes):
      "A last block \(last) of \(bytes) bytes lies beyond the greatest file size"
    }
  }
}
