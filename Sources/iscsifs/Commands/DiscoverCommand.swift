import ArgumentParser
import Records

/// `iscsifs discover SOURCE`.
struct DiscoverCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "discover",
    abstract: "Ask a portal for its targets; needs no mount.",
    discussion: """
      Prints a line a portal of each target, as iscsiadm does: <ip>:<port>,<tpgt> <iqn>

      iscsifs discover 10.0.0.5
      iscsifs discover 10.0.0.5 -o config=lab.conf     with CHAP as lab.conf says
      """)

  @Argument(help: "host[:port], [v6]:port, or the path of a configuration file.")
  var source: String

  @Option(name: .short, help: ArgumentHelp("Options as for mount.", valueName: "option,..."))
  var o: [String] = []

  @Flag(name: .shortAndLong, help: "Log more; twice for everything.")
  var verbose: Int

  func run() async throws {
    LogSetup.bootstrap(verbosity: verbose)
    do {
      let source = try MountSource(parsing: self.source)
      let options = try MountOptions(parsing: o)
      let configuration = try DaemonPlan.configuration(source: source, options: options)
      switch source {
      case .none: throw CommandFailure(.usage, "none has no targets; name a portal")
      case .configurationFile(let path) where configuration.discovery.address == nil:
        throw CommandFailure(.configuration, "\(path) has no discovery.sendtargets.address to ask")
      case .configurationFile, .portal: break
      }
      for line in try await DiscoverRunner.run(source, configuration, options) {
        Output.line(line)
      }
    } catch { throw CommandFailure(error) }
  }
}
