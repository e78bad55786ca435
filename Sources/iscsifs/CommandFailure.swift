import ControlPlane
import FUSE
import ISCSI
import LinuxIO
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

  init(_ error: MountError) {
    let status: ExitStatus =
      switch error {
      case .mountPointAbsent: .mountpointAbsent
      case .mountPointNotDirectory: .mountpointNotADirectory
      case .mountPointNotEmpty: .mountpointNotEmpty
      case .mountPointDead: .busy
      case .deviceAbsent, .deviceRefused, .helperAbsent: .fuseUnavailable
      case .mountPointUnreadable, .sessionRefused, .kernelRefused, .lacking: .system
      }
    self.init(status, error.sentence)
  }

  init(_ error: ControlError) {
    let status: ExitStatus =
      switch error.code {
      case .hostNotFound: .hostNotFound
      case .loginAuthenticationFailed, .access: .noPermission
      case .operationNotSupported: .notSupported
      default: error.errno == .protocolError ? .protocolError : .inputOutput
      }
    self.init(status, error.sentence)
  }

  /// Any error, with the status it deserves.
  init(_ error: any Error) {
    switch error {
    case let failure as CommandFailure: self = failure
    case let error as ConfigurationError: self.init(error)
    case let error as MountOptionError: self.init(error)
    case let error as MountSourceError: self.init(error)
    case let error as MountError: self.init(error)
    case let error as ControlError: self.init(error)
    case let error as Errno: self.init(.system, error.shortage ?? "\(error)")
    default: self.init(.software, "\(error)")
    }
  }

  var description: String { sentence }
}
