import FoundationEssentials

/// All outcomes there are, as kept in a file.
struct Results: Codable, Sendable {
  var machine: MachineFacts
  var outcomes: [Outcome] = []
  /// What could not be measured at all.
  var skipped: [Skip] = []

  struct Skip: Codable, Equatable, Sendable {
    let workload: String
    let reason: String
  }

  /// The file of `path`; nil when there is none that can be read.
  init?(path: String) {
    guard let data = try? Data(contentsOf: URL(filePath: path)),
      let results = try? JSONDecoder().decode(Results.self, from: data)
    else { return nil }
    self = results
  }

  init(machine: MachineFacts) {
    self.machine = machine
  }

  /// Takes an outcome in, instead of an earlier one of the same workload; in the table's order.
  mutating func take(_ outcome: Outcome) {
    forget(outcome.workload)
    outcomes.append(outcome)
    let order = Workload.all.map(\.name)
    let place = { (name: String) in order.firstIndex(of: name) ?? order.count }
    outcomes.sort { place($0.workload) < place($1.workload) }
  }

  /// Takes in that a workload could not be measured.
  mutating func skip(_ workload: String, _ reason: String) {
    forget(workload)
    skipped.append(Skip(workload: workload, reason: reason))
  }

  private mutating func forget(_ workload: String) {
    outcomes.removeAll { $0.workload == workload }
    skipped.removeAll { $0.workload == workload }
  }

  /// Writes the file, with what can be computed from it beside.
  func save(to path: String) throws {
    let url = URL(filePath: path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try encoder.encode(self).write(to: url, options: .atomic)
  }

  private enum CodingKeys: String, CodingKey {
    case machine, outcomes, skipped, conclusions
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    machine = try container.decode(MachineFacts.self, forKey: .machine)
    outcomes = try container.decode([Outcome].self, forKey: .outcomes)
    skipped = try container.decode([Skip].self, forKey: .skipped)
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(machine, forKey: .machine)
    try container.encode(outcomes, forKey: .outcomes)
    try container.encode(skipped, forKey: .skipped)
    try container.encode(outcomes.map(Conclusion.init), forKey: .conclusions)
  }
}
