import Reactor

/// A LUN's data file: its bytes are the reactor's business, its attributes ours.
struct LogicalUnitFile: Equatable, Sendable {
  var handle: LogicalUnitHandle
  var isWriteProtected: Bool
  /// 0 while the capacity is not known.
  var capacityBytes: UInt64
  var preferredTransferBytes: UInt32
  /// `f_bsize`: the granularity of deallocation where there is one, else the preferred transfer.
  var granularityBytes: UInt64
}
