import ControlPlane
import ISCSI
import Reactor
import SCSI

/// `metrics`: the mount's states and counters for Prometheus.
extension Tree {
  private typealias Label = (name: String, value: String)
  private typealias Sample = (labels: [Label], value: String)

  /// A session with its numbers, which are nil for one that is gone.
  private struct CountedSession {
    var labels: [Label]
    var session: SessionSnapshot
    var statistics: SessionStatistics?
  }

  func metrics() async -> String {
    let view = await view()
    let targets = view.snapshot.targets
    var text = MetricsText()
    text.add(
      "iscsifs_info", .gauge, "The program and how the kernel's requests come.",
      [([("version", view.version), ("channel", view.channel.name)], "1")])
    text.add(
      "iscsifs_target_up", .gauge, "1 while a session of the target is logged in.",
      targets.map { target in
        (Self.labels(of: target), target.state == .loggedIn ? "1" : "0")
      })
    await addSessions(of: targets, to: &text)
    addLogicalUnits(of: targets, to: &text)
    return text.text
  }

  private func addSessions(
    of targets: SnapshotList<TargetSnapshot>, to text: inout MetricsText
  ) async {
    var sessions: [CountedSession] = []
    for target in targets {
      for session in target.sessions {
        sessions.append(
          CountedSession(
            labels: Self.labels(of: target) + [("session", "\(session.number)")],
            session: session, statistics: await source.statistics(session.handle)))
      }
    }
    func add(
      _ name: String, _ kind: MetricsText.Kind, _ help: String,
      _ value: (SessionSnapshot) -> String
    ) {
      text.add(
        "iscsifs_session_" + name, kind, help, sessions.map { ($0.labels, value($0.session)) })
    }
    add("up", .gauge, "1 while the session is logged in.") { $0.state == "LOGGED_IN" ? "1" : "0" }
    add("connections", .gauge, "The session's connections.") { "\($0.connections.count)" }
    add("losses_total", .counter, "How often it was lost.") { "\($0.losses)" }
    add("recovery_tries_total", .counter, "Logins tried to bring it back.") {
      "\($0.recoveryTries)"
    }
    add("recovery_milliseconds_total", .counter, "How long it was away.") {
      "\($0.recoveryMilliseconds)"
    }
    addCounters(of: sessions, to: &text)
  }

  private func addCounters(of sessions: [CountedSession], to text: inout MetricsText) {
    func add(
      _ name: String, _ kind: MetricsText.Kind, _ help: String,
      _ value: (SessionStatistics) -> UInt64
    ) {
      text.add(
        "iscsifs_session_" + name, kind, help,
        sessions.compactMap { session in
          session.statistics.map { (session.labels, "\(value($0))") }
        })
    }
    add("tasks_in_flight", .gauge, "Commands without a status.") { UInt64($0.tasksInFlight) }
    add("transmitted_bytes_total", .counter, "Bytes sent, headers included.") {
      $0.transmittedBytes
    }
    add("received_bytes_total", .counter, "Bytes received, headers included.") {
      $0.receivedBytes
    }
    add("commands_total", .counter, "SCSI commands sent.") { $0.commands }
    add("digest_errors_total", .counter, "PDUs with a wrong digest.") { $0.digestErrors }
    add("timeouts_total", .counter, "Connections given up for silence.") { $0.timeouts }
    text.add(
      "iscsifs_session_pdus_total", .counter, "PDUs by iscsiadm's names.",
      sessions.flatMap { session -> [Sample] in
        guard let statistics = session.statistics else { return [] }
        return Rendering.pduCounters.map { counter in
          (session.labels + [("pdu", counter.name)], "\(statistics.pdus[counter.opcode])")
        }
      })
  }

  private func addLogicalUnits(
    of targets: SnapshotList<TargetSnapshot>, to text: inout MetricsText
  ) {
    func add(_ name: String, _ help: String, _ value: (LogicalUnitSnapshot) -> String?) {
      text.add(
        "iscsifs_lun_" + name, .gauge, help,
        targets.flatMap { target in
          target.logicalUnits.compactMap { unit -> Sample? in
            value(unit).map { (Self.labels(of: target) + [("lun", unit.lun.name)], $0) }
          }
        })
    }
    add("up", "1 while the LUN is running.") {
      $0.state == Rendering.runningState ? "1" : "0"
    }
    add("size_bytes", "Its capacity.") { unit in
      Rendering.file(of: unit).map { "\($0.capacityBytes)" }
    }
    add("open_files", "How often its file is open.") { "\($0.openCount)" }
  }

  private static func labels(of target: TargetSnapshot) -> [Label] {
    [("target", Rendering.line(target.directoryName))]
  }
}
