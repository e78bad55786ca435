import FoundationEssentials
import Lab

/// A target with the benchmark's LUNs, and what starts the contestants on them.
struct Bench: Sendable {
  private static let plainName = "iqn.2026-11.org.iscsifs:bench"
  private static let digestName = "iqn.2026-11.org.iscsifs:digests"

  let lab: Lab
  let target: TargetDaemon

  /// Starts tgtd; its LUN with a file is filled with what does not compress.
  static func start(_ lab: Lab) async throws -> Bench {
    let memory = try MemoryFile(lab, mebibytes: CommandJob.fileMebibytes)
    try await memory.fill()
    let target = try await TargetDaemon.start(
      lab,
      [
        TargetDaemon.Target(
          name: plainName,
          units: [
            TargetDaemon.Unit(lun: 1, backing: .null),
            TargetDaemon.Unit(lun: 2, backing: .path(memory.path)),
          ]),
        TargetDaemon.Target(
          name: digestName, units: [TargetDaemon.Unit(lun: 1, backing: .null)],
          parameters: [("HeaderDigest", "CRC32C,None"), ("DataDigest", "CRC32C,None")]),
      ])
    return Bench(lab: lab, target: target)
  }

  /// Starts `contestant` on a LUN, ready to be measured.
  func start(
    _ contestant: Contestant, as role: Role, on store: BackingStore
  ) async throws -> Contender {
    try Task.checkCancellation()
    let (name, lun) = Self.place(of: store)
    switch contestant {
    case .iscsifs(let options, let program):
      return try await mount(contestant, role, options, program, name: name, lun: lun)
    case .storageDaemon:
      let daemon = try await StorageDaemon.start(lab, target, name: name, lun: lun)
      return Contender(
        contestant, role, path: daemon.path, processID: daemon.processID, resource: daemon)
    case .iscsiPerf:
      return Contender(
        contestant, role, path: "iscsi://\(target.address)/\(name)/\(lun)", processID: nil,
        resource: nil)
    }
  }

  private static func place(of store: BackingStore) -> (name: String, lun: Int) {
    switch store {
    case .null: (plainName, 1)
    case .file: (plainName, 2)
    case .digests: (digestName, 1)
    }
  }

  /// Mounts one target, named in a configuration: a portal would log in to the others as well.
  private func mount(
    _ contestant: Contestant, _ role: Role, _ options: [String], _ program: String?, name: String,
    lun: Int
  ) async throws -> Contender {
    let configuration = try lab.write(
      """
      node.name = \(name)
      node.conn[0].address = 127.0.0.1
      node.conn[0].port = \(target.port)

      """, name: "iscsifs.conf")
    let mount: MountedFileSystem
    do {
      mount = try await MountedFileSystem.startInForeground(
        lab, .mount(configuration), options: ["login=auto"] + options, program: program,
        logging: [])
    } catch let failure as ManagedProcess.Failure where failure.status == ExitStatus.usage {
      throw ContestantUnavailable("this iscsifs takes no -o \(options.joined(separator: ","))")
    }
    let path = "\(mount.path)/targets/\(name)/lun\(lun)"
    let isThere = try await eventually(.seconds(15)) {
      try await Command.run(["head", "-c", "512", path], in: lab, limit: .seconds(5)).status == 0
    }
    guard isThere else {
      throw BenchmarkFailure("\(contestant.name) shows no LUN: \(mount.foreground?.output ?? "")")
    }
    let sessions = try await Command.run(
      ["ls", "\(mount.path)/targets/\(name)/sessions"], in: lab, limit: .seconds(5))
    return Contender(
      contestant, role, path: path, processID: mount.daemonID,
      sessionCount: max(1, sessions.output.split(separator: "\n").count), resource: mount)
  }
}
