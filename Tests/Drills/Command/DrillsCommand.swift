import ArgumentParser

/// Brings faults about on real mounts, and measures what people would have noticed.
@main
struct DrillsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "Drills", abstract: "Bring faults about on real mounts.",
    subcommands: [RunCommand.self, ListCommand.self, RecordCommand.self, ProbeCommand.self],
    defaultSubcommand: RunCommand.self)
}
