/// Why a guest cannot be built, started or asked.
package enum GuestError: Error, Equatable, CustomStringConvertible {
  /// The machine lacks something: what, and where it comes from.
  case missing(String)
  /// A step went wrong: a sentence about it.
  case failed(String)
  /// A step did not end in its time: which.
  case timedOut(String)
  /// A signal asked this program to end.
  case interrupted

  package var description: String {
    switch self {
    case .missing(let what): "this machine lacks \(what)"
    case .failed(let sentence): sentence
    case .timedOut(let step): "\(step) did not end in its time"
    case .interrupted: "interrupted"
    }
  }
}
