import Lab

/// What a person does with the mounted tree.
extension InteropRun {
  func mount(_ settings: [String]) async throws -> MountedFileSystem {
    try Task.checkCancellation()
    let file = try lab.write(settings.joined(separator: "\n") + "\n")
    return try await MountedFileSystem.start(
      lab, .mount(target.address), options: ["login=manual", "config=\(file)"])
  }

  func logIn(_ mount: MountedFileSystem, _ node: TargetUnderTest.Node) async throws {
    let result = await mount.shell(
      """
      cd targets/\(node.name) && echo login > control
      [ "$(cat state)" = LOGGED_IN ] || cat last_error
      cat state
      """)
    guard result.lines.last == "LOGGED_IN" else { throw InteropFailure(Self.line(result.output)) }
    let isThere = await eventually(.seconds(20)) {
      await mount.shell("test -e targets/\(node.name)/lun\(node.units[0].lun)").status == 0
    }
    guard isThere else { throw InteropFailure("no lun\(node.units[0].lun) after the login") }
  }

  /// Logs out; a file that was just closed may still be open for a moment.
  func endSession(
    _ mount: MountedFileSystem, _ node: TargetUnderTest.Node
  ) async throws {
    var last = ShellResult(status: 0, output: "", script: "")
    let isDone = await eventually(.seconds(10)) {
      last = await mount.shell("echo logout > targets/\(node.name)/control")
      return last.status == 0 || !last.output.contains("busy")
    }
    guard isDone, last.status == 0 else { throw InteropFailure(Self.line(last.output)) }
  }

  /// What the first session runs with, by the keys' names.
  func agreed(
    _ mount: MountedFileSystem, _ node: TargetUnderTest.Node
  ) async throws -> String {
    let session = [
      ("InitialR2T", "$(yes initial_r2t)"), ("ImmediateData", "$(yes immediate_data)"),
      ("FirstBurstLength", "$(cat first_burst_len)"), ("MaxBurstLength", "$(cat max_burst_len)"),
      ("MaxOutstandingR2T", "$(cat max_outstanding_r2t)"),
      ("DataPDUInOrder", "$(yes data_pdu_in_order)"),
      ("DataSequenceInOrder", "$(yes data_seq_in_order)"), ("ErrorRecoveryLevel", "$(cat erl)"),
    ]
    let connection = [
      ("HeaderDigest", "$(digest header_digest)"), ("DataDigest", "$(digest data_digest)"),
      ("MaxRecvDataSegmentLength", "$(cat max_recv_dlength)"),
      ("the target's", "$(cat max_xmit_dlength)"),
    ]
    let lines =
      [
        "yes() { [ $(cat $1) = 1 ] && echo Yes || echo No; }",
        "digest() { [ $(cat $1) = 1 ] && echo CRC32C || echo None; }",
      ] + session.map { "echo \"\($0)=\($1)\"" } + ["cd connections/*"]
      + connection.map { "echo \"\($0)=\($1)\"" }
    let script = "cd $(ls -d targets/\(node.name)/sessions/* | head -1)\n"
    return try await expect(mount, script + lines.joined(separator: "\n")).lines
      .joined(separator: ", ")
  }

  func expect(
    _ mount: MountedFileSystem, _ script: String, limit: Duration = .seconds(60)
  ) async throws -> ShellResult {
    let result = await mount.shell(script, limit: limit)
    guard result.status == 0 else {
      throw InteropFailure("status \(result.status): \(Self.line(result.output))")
    }
    return result
  }

  /// Unmounts; a daemon that does not end with its mount is a failure as well.
  func finish(_ mount: MountedFileSystem) async throws {
    let result = await mount.unmount()
    guard result.status == 0, await mount.waitForEnd() != nil else {
      throw InteropFailure("the mount does not end: \(Self.line(result.output))")
    }
  }
}
