import ArgumentParser

/// Names the drills.
struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Say which drills there are.")

  func run() throws {
    for drill in Catalogue.all(clockJump: "", guestCache: "") {
      print("\(drill.name)\t\(drill.action): \(drill.criterion)")
    }
  }
}
