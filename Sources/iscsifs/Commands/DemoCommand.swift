import ArgumentParser

/// `iscsifs demo MOUNTPOINT`.
struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Mount an in-memory target with two LUNs, to try things on.",
    discussion: """
      The target is part of iscsifs and speaks iSCSI over a loopback connection; no other software \
      is needed, and what is written is gone when it is unmounted.
      """)

  @Argument(help: "An empty directory.", completion: .directory)
  var mountpoint: String

  @OptionGroup var options: StartOptions

  func run() async throws {
    try await options.start(.demo, at: mountpoint, asking: "demo")
  }
}
