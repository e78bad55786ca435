import ArgumentParser

/// Prints the workloads.
struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Say which workloads there are.")

  static var text: String {
    let width = Workload.all.map(\.name.count).max() ?? 0
    return Workload.all.map { workload in
      let padding = String(repeating: " ", count: width - workload.name.count + 2)
      return "  \(workload.name)\(padding)\(workload.summary), \(workload.store.summary)"
    }.joined(separator: "\n")
  }

  func run() { print(Self.text) }
}
