/// How a target tells of tasks it ended: a value of TaskReporting.
///
/// Source: RFC 7143, 13.23.
package enum TaskReporting: String, BitwiseCopyable, CaseIterable, Sendable {
  case rfc3720 = "RFC3720"
  case responseFence = "ResponseFence"
  case fastAbort = "FastAbort"
}
