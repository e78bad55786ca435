import Records
import SystemPackage

/// Why a command did not do what it was asked: one sentence for people, one number for scripts.
struct CommandFailure: Error, Equatable, Sendable, CustomStringConvertible {
  let status: ExitStatus
  let sentence: String

  init(_ status: ExitStatus, _ sentence: String) {
    self.status = status
    self.sentence = sentence
  }

  init(_ error: ConfigurationError) { self.init(.configuration, error.description) }
  init(_ error: MountOptionError) { self.init(.usage, error.description) }

  init(_ error: MountSourceError) {
    self.init(error.errno == .notSupported ? .notSupported : .usage, error.description)
  }

  /// Any error, with the status it deserves.
  init(_ error: any Error) {
    switch error {
    case let failure as CommandFailure: self = failure
    case let error as ConfigurationError: self.init(error)
    case let error as MountOptionError: self.init(error)
    case let error as MountSourceError: self.init(error)
    case let error as Errno: self.init(.system, "\(error)")
    default: self.init(.software, "\(error)")
    }
  }

  var description: String { sentence }
}
