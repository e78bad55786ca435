import ControlPlane
package import FUSE
import ISCSI
import Reactor
import Synchronization
package import SystemPackage

/// What is written to control files.
extension Tree {
  package func write(
    _ bytes: [UInt8], byteCount: Int, to file: OpenFileNumber, offset: UInt64
  ) async throws(Errno) {
    let admission = files.withLock {
      $0.admitWrite(file, offset: offset, byteCount: byteCount)
    }
    guard let admission else { throw .badFileDescriptor }
    do throws(ControlError) {
      guard admission.isInPlace else {
        throw ControlError(.invalidArgument, .invalid, "a command is written at offset 0")
      }
      let text = try Self.parsed { () throws(CommandError) in
        try CommandGrammar.text(
          of: bytes, byteCount: byteCount, hasLines: admission.scope.takesLines)
      }
      try await perform(text, admission.scope)
      if admission.scope.target == nil { lastError.withLock { $0 = ControlError.successLine } }
    } catch {
      // Where the person looks who wrote it: beside the control file.
      if let target = admission.scope.target {
        await source.noteRefusal(error, target: target)
      } else {
        lastError.withLock { $0 = error.line }
      }
      throw error.errno
    }
  }

  private func perform(_ text: String, _ scope: ControlFile.Scope) async throws(ControlError) {
    switch scope {
    case .root:
      let command = try Self.parsed { () throws(CommandError) in try CommandGrammar.root(text) }
      try await source.perform(command)
    case .target(let target):
      let command = try Self.parsed { () throws(CommandError) in try CommandGrammar.target(text) }
      try await source.perform(command, target: target)
    case .session(let target, let number):
      let command = try Self.parsed { () throws(CommandError) in
        try CommandGrammar.session(text)
      }
      try await source.perform(command, target: target, session: number)
    case .connection(let target, let number, let connectionID):
      try Self.parsed { () throws(CommandError) in try CommandGrammar.connection(text) }
      try await source.perform(
        SessionCommand.logoutConnection(connectionID), target: target, session: number)
    case .logicalUnit(let target, let lun):
      let command = try Self.parsed { () throws(CommandError) in
        try CommandGrammar.logicalUnit(text)
      }
      try await source.perform(command, target: target, lun: lun)
    case .logicalUnitTimeout(let target, let lun):
      let command = try Self.parsed { () throws(CommandError) in
        try CommandGrammar.logicalUnitTimeout(text)
      }
      try await source.perform(command, target: target, lun: lun)
    case .timeout(let timeout, let target, let number):
      let command = try Self.parsed { () throws(CommandError) in
        try CommandGrammar.timeout(text, timeout)
      }
      try await source.perform(command, target: target, session: number)
    case .configuration(let target): try await source.configure(text, target: target)
    case .initiatorName:
      try await source.setInitiatorName(text)
    }
  }

  private static func parsed<Value>(
    _ parse: () throws(CommandError) -> Value
  ) throws(ControlError) -> Value {
    do throws(CommandError) {
      return try parse()
    } catch {
      throw ControlError(.invalidArgument, .invalid, error.sentence)
    }
  }
}
