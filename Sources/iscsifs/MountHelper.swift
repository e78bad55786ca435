/// Turns what mount(8) gives its helpers into arguments of `iscsifs mount`. Pure.
///
/// `mount.iscsifs SOURCE MOUNTPOINT [-sfnv] [-N namespace] [-o options] [-t type]`: here -f means
/// "do everything but mount", not "stay in the foreground".
/// Source: mount(8), "EXTERNAL HELPERS".
enum MountHelper {
  static func arguments(from given: [String]) throws(CommandFailure) -> [String] {
    var operands: [String] = []
    var flags: [String] = []
    var rest = given[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "-o", "-t", "-N":
        guard let value = rest.popFirst() else { throw usage("\(argument) needs a value") }
        if argument == "-N" { throw usage("-N: mount inside the namespace itself (nsenter)") }
        if argument == "-o" { flags += ["-o", value] }
      case "--version", "--help", "-h":
        return [argument]
      case _ where argument.hasPrefix("-") && argument.count > 1:
        flags += try letters(of: argument)
      default:
        operands.append(argument)
      }
    }
    guard operands.count == 2 else { throw usage("SOURCE and MOUNTPOINT are needed") }
    return ["mount"] + flags + ["--"] + operands
  }

  private static func letters(of argument: String) throws(CommandFailure) -> [String] {
    var flags: [String] = []
    for letter in argument.dropFirst() {
      switch letter {
      case "s": flags.append("--sloppy")
      case "f": flags.append("--fake")
      case "v": flags.append("--verbose")
      case "n": continue  // There is no mtab to leave alone.
      default: throw usage("-\(letter) is not an option of a mount helper")
      }
    }
    return flags
  }

  private static func usage(_ sentence: String) -> CommandFailure {
    CommandFailure(
      .usage, "mount.iscsifs SOURCE MOUNTPOINT [-sfnv] [-o OPTION,...]: \(sentence)")
  }
}
