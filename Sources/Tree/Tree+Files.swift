import ControlPlane
package import FUSE
import ISCSI
import Reactor
import Synchronization
package import SystemPackage

/// Open files: values, control files and the opens of LUN files.
extension Tree {
  package func open(_ node: NodeNumber, flags: OpenFlags) async throws(Errno) -> OpenedFile {
    switch try await resolve(node).entry {
    case .directory: throw .isDirectory
    case .link: throw .tooManySymbolicLinkLevels
    case .logicalUnit(let file): return try await open(file.handle, flags)
    case .attribute(let file):
      try Self.checkAccess(flags, permissions: file.permissions)
      let bytes = flags.reads ? try await content(of: file) : []
      return opened(bytes, scope: file.writes, flags)
    case .stream(let file): return try await open(file, flags)
    case .control(let file):
      try Self.checkAccess(flags, permissions: file.permissions)
      return opened(flags.reads ? [UInt8](file.usage.utf8) : [], scope: file.scope, flags)
    }
  }

  package func read(
    _ file: OpenFileNumber, offset: UInt64, count: Int, waits: Bool = true
  ) async throws(Errno) -> ArraySlice<UInt8> {
    let bytes: [UInt8]
    switch files.withLock({ $0.file(file) }) {
    case .content(let content, _): bytes = content
    case .stream(let stream): return try await read(stream, count: count, waits: waits)
    case .logicalUnit, .directory, nil: throw .badFileDescriptor
    }
    guard let start = Int(exactly: offset), start < bytes.count, count > 0 else { return [] }
    return bytes[start..<(start + min(count, bytes.count - start))]
  }

  package func release(_ file: OpenFileNumber, of node: NodeNumber) async {
    let removed = files.withLock { $0.remove(file) }
    switch removed {
    case .logicalUnit(let unit, let writable):
      await source.closeLogicalUnit(unit, writable: writable)
    case .stream(let stream): stream.close()
    case .content, .directory, nil: break
    }
  }

  private func open(
    _ unit: LogicalUnitHandle, _ flags: OpenFlags
  ) async throws(Errno) -> OpenedFile {
    try await source.openLogicalUnit(unit, writable: flags.writes)
    let number = files.withLock { $0.insert(.logicalUnit(unit, writable: flags.writes)) }
    var options: OpenedFile.Options = []
    if flags.isDirect || self.options.cacheMode == .none {
      options.formUnion([.direct, .parallelDirectWrites])
    }
    // Written-back pages must reach the target before close returns their error.
    if self.options.cacheMode != .writeback { options.insert(.noFlush) }
    return OpenedFile(number: number, options: options)
  }

  private func opened(
    _ bytes: [UInt8], scope: ControlFile.Scope?, _ flags: OpenFlags
  ) -> OpenedFile {
    let control =
      flags.writes
      ? scope.map {
        OpenFileTable.Control(scope: $0, appends: flags.appends)
      } : nil
    let number = files.withLock { $0.insert(.content(bytes, control: control)) }
    return OpenedFile(number: number, options: [.direct, .noFlush])
  }

  /// The owner's bits, for everyone: the kernel lets root pass whatever the mode says.
  static func checkAccess(_ flags: OpenFlags, permissions: UInt16) throws(Errno) {
    if flags.reads && permissions & 0o400 == 0 { throw .permissionDenied }
    if flags.writes && permissions & 0o200 == 0 { throw .permissionDenied }
  }

  private func content(of file: AttributeFile) async throws(Errno) -> [UInt8] {
    switch file.content {
    case .rendered(let render): return render()
    case .report(let render):
      // Others are not kept waiting for it.
      await Task.yield()
      return render()
    case .counter(let session, let value):
      return [UInt8]("\(value(try await statistics(of: session)))\n".utf8)
    case .metrics: return [UInt8]((await metrics()).utf8)
    case .counters(let session, let text):
      return [UInt8](text(try await statistics(of: session)).utf8)
    case .queueDepth(let unit):
      guard let depth = await source.queueDepth(unit) else { throw .noSuchAddressOrDevice }
      return [UInt8]("\(depth)\n".utf8)
    case .task(let session, let tag):
      guard let task = await task(tag, of: session) else { throw .noSuchFileOrDirectory }
      return [UInt8](Rendering.task(task).utf8)
    case .configuration(let target):
      guard let text = await source.configuration(target: target) else {
        throw .noSuchFileOrDirectory
      }
      return [UInt8](text.utf8)
    case .loginLog(let target):
      guard let text = await source.loginLog(target: target) else { throw .noSuchFileOrDirectory }
      return [UInt8](text.utf8)
    }
  }

  private func statistics(of session: SessionHandle) async throws(Errno) -> SessionStatistics {
    guard let statistics = await source.statistics(session) else { throw .socketNotConnected }
    return statistics
  }
}
