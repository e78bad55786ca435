import Guest

/// What one run of fio took of the guest.
struct Run: Equatable, Sendable {
  let before: GuestClock
  let after: GuestClock
  /// I/Os fio says it has done.
  let operationCount: Int

  var busy: Double { Double(after.busy) - Double(before.busy) }
  var daemon: Double { Double(after.daemon) - Double(before.daemon) }

  init(before: GuestClock, after: GuestClock, operationCount: Int) {
    self.before = before
    self.after = after
    self.operationCount = operationCount
  }

  /// The script of one run: the clocks, fio, the clocks, what fio counted.
  static func script(_ job: FioJob, file: String, count: Int, process: String?) -> String {
    """
    \(GuestClock.script)
    clocks \(process ?? "none")
    fio \(job.arguments(file: file, count: count)) --output-format=json --output=/run/fio.json
    status=$?
    echo after
    clocks \(process ?? "none")
    grep '"total_ios"' /run/fio.json || cat /run/fio.json
    exit $status
    """
  }

  /// Reads what the script printed.
  init(parsing text: String) throws(GuestError) {
    let lines = text.split(separator: "\n").map(String.init)
    guard let middle = lines.firstIndex(of: "after") else {
      throw .failed("fio was not run: \(text.prefix(200))")
    }
    before = try GuestClock(parsing: lines[..<middle].joined(separator: "\n"))
    after = try GuestClock(parsing: lines[middle...].joined(separator: "\n"))
    operationCount = lines.filter { $0.contains("\"total_ios\"") }
      .compactMap { Int($0.filter(\.isNumber)) }.reduce(0, +)
  }
}
