package import LinuxIO

/// Since when a target is being brought back, and what that means to who waits for it.
///
/// By the calendar, for people: nothing is measured with it.
package struct Outage: Equatable, Sendable {
  /// When the callers that wait are given an error.
  package enum Patience: Equatable, Sendable {
    case until(WallTime)
    case forEver
    /// Their time (replacement_timeout) is over: nothing waits any more.
    case failingSince(WallTime)
    /// No session is left to wait for: others serve.
    case none
  }

  package var since: WallTime
  package var patience: Patience

  package init(since: WallTime, patience: Patience) {
    self.since = since
    self.patience = patience
  }

  /// As `state` says it behind the word.
  package var words: String {
    switch patience {
    case .until(let end): "since \(since) until \(end)"
    case .forEver: "since \(since) for ever"
    case .failingSince(let end): "since \(since) failing since \(end)"
    case .none: "since \(since)"
    }
  }
}
