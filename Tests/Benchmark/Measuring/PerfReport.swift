/// What one run of libiscsi's iscsi-perf did, from what it printed and from the shell's `times`.
struct PerfReport: Equatable, Sendable {
  let operationsPerSecond: Double
  /// Of the program itself, which is load and initiator in one.
  let processorSeconds: Double

  init(parsing text: String) throws(ReportError) {
    // It rewrites its line with a carriage return; the last average is that of the whole run.
    let averages = text.split { $0 == "\r" || $0 == "\n" || $0 == "\r\n" }
      .compactMap { line -> Double? in
        let words = line.split { $0 == " " || $0 == "," }
        guard let index = words.firstIndex(of: "average"), words.indices.contains(index + 1),
          index > 0, words[index - 1] == "iops"
        else { return nil }
        return Double(words[index + 1])
      }
    guard let average = averages.last else { throw .noFigure("iscsi-perf") }
    guard let times = text.split(separator: "\n").last.map(String.init),
      let seconds = PerfReport.seconds(inTimes: times)
    else { throw .noFigure("times") }
    operationsPerSecond = average
    processorSeconds = seconds
  }

  /// The sum of "0m1.234s 0m0.100s": user and system time.
  static func seconds(inTimes line: String) -> Double? {
    let parts = line.split(separator: " ")
    guard parts.count == 2 else { return nil }
    var sum = 0.0
    for part in parts {
      let fields = part.split { $0 == "m" || $0 == "s" }
      guard part.hasSuffix("s"), fields.count == 2, let minutes = Double(fields[0]),
        let seconds = Double(fields[1])
      else { return nil }
      sum += minutes * 60 + seconds
    }
    return sum
  }
}
