import Lab

/// One fault, brought about on purpose on a real mount, and what has to hold meanwhile.
protocol Drill: Sendable {
  /// "4", and what stands behind it in a variant of it: "4-cache".
  var name: String { get }
  /// What is done, in words, for a table.
  var action: String { get }
  /// What has to hold.
  var criterion: String { get }
  /// Why it cannot be done on this machine; nil when it can.
  var objection: String? { get }

  /// Does it. What it throws is a failure too, beside those it has told.
  func run(_ stage: Stage, _ verdict: inout Verdict) async throws
}

extension Drill {
  var objection: String? { Programs.objection(to: ["tgtd", "tgtadm"], package: "tgt") }
}
