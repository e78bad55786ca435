/// What a transfer needs room for only when its data come out of order, or are asked for ahead.
///
/// Kept apart from `TransferState`, which every command makes anew: a record is used again as it
/// is, and what is in it counts only as far as its transfer's state says.
package struct TransferRecord: BitwiseCopyable, Sendable {
  /// Ranges that lie apart from each other and from the transfer's beginning, at most.
  package static let rangeCapacity = 64
  /// R2Ts one task may have outstanding, whatever was negotiated.
  package static let readyToTransferCapacity = 64
  /// The bursts of so many R2Ts, and the unsolicited data before them.
  package static let burstCapacity = readyToTransferCapacity + 1

  /// Bytes from `start` up to `end`.
  struct Span: BitwiseCopyable {
    var start: UInt32 = 0
    var end: UInt32 = 0
  }

  /// A range of a write the target may be sent now.
  package struct Burst: BitwiseCopyable, Equatable, Sendable {
    package var targetTransferTag = TargetTransferTag.reserved
    package var offset: UInt32 = 0
    package var remaining: UInt32 = 0
    package var dataSN: UInt32 = 0
  }

  /// Ascending, none touching another.
  var ranges = InlineArray<64, Span>(repeating: Span())
  /// A ring.
  var bursts = InlineArray<65, Burst>(repeating: Burst())

  package init() {}
}
