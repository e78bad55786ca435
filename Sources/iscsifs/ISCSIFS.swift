import ArgumentParser
import Glibc
import LinuxIO
import SystemPackage

/// The command `iscsifs`, and `mount.iscsifs` when called by that name.
@main
struct ISCSIFS: AsyncParsableCommand {
  /// The version of this program; Docs/CHANGELOG.md has what is in it.
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "iscsifs",
    abstract: "Mount iSCSI targets as files: every LUN a file, every session a directory.",
    discussion: """
      iscsifs demo /mnt                        try it, with nothing else installed
      iscsifs mount 10.0.0.5 /mnt              log in to every target of a portal
      ls /mnt/targets/*/                       lun1, lun1.info, state, control ...
      echo logout > /mnt/targets/IQN/control   one command a write
      iscsifs unmount /mnt                     log out of everything

      Completions for bash, zsh and fish: iscsifs --generate-completion-script SHELL.
      """,
    version: "iscsifs \(version)",
    subcommands: [
      MountCommand.self, UnmountCommand.self, DiscoverCommand.self, StatusCommand.self,
      DemoCommand.self,
    ])

  /// Runs what the arguments say and ends the process with the status of it.
  static func main() async {
    // Every command may come to read secrets.
    ProcessMemory.protect()
    let name = FilePath(CommandLine.arguments.first ?? "").lastComponent?.string
    let isHelper = name == "mount.iscsifs"
    do {
      let given = Array(CommandLine.arguments.dropFirst())
      let arguments = isHelper ? try MountHelper.arguments(from: given) : given
      var command = try parseAsRoot(arguments)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch let failure as CommandFailure {
      Output.complain(failure.sentence)
      Glibc.exit(isHelper ? failure.status.forMountHelper : failure.status.rawValue)
    } catch {
      exit(withError: error)
    }
  }
}
