/// What is done with a LUN's file.
enum Job: Sendable {
  case fio(FioJob)
  case command(CommandJob)

  var unit: Unit {
    switch self {
    case .fio: .operations
    case .command: .mebibytes
    }
  }

  /// nil where the page cache decides.
  var blockBytes: Int? {
    switch self {
    case .fio(let job): job.blockBytes
    case .command: nil
    }
  }
}
