/// Why what a program printed cannot be read.
enum ReportError: Error, Equatable, CustomStringConvertible {
  case notJSON(String)
  case noJobs
  case jobFailed(Int)
  case nothingDone
  case noFigure(String)

  var description: String {
    switch self {
    case .notJSON(let text): "fio printed no JSON: \(text)"
    case .noJobs: "fio reported no job"
    case .jobFailed(let error): "fio's job failed with errno \(error)"
    case .nothingDone: "no I/O was completed"
    case .noFigure(let program): "\(program) printed no figure"
    }
  }
}
