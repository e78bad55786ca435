import CFuzzer
import FuzzTargets
import Glibc

/// Gives the target ISCSIFS_FUZZ names to libFuzzer, which takes the arguments.
@main
struct Fuzz {
  /// Read once, before libFuzzer starts; it hands every input to the same one.
  private static let target: FuzzTarget = {
    // SAFETY: no thread changes the environment; the text is copied.
    let name = unsafe getenv("ISCSIFS_FUZZ").map { unsafe String(cString: $0) } ?? ""
    guard let target = FuzzTarget.named(name) else {
      fatalError("ISCSIFS_FUZZ=\(name) names none of \(FuzzTarget.all.map(\.name))")
    }
    return target
  }()

  static func main() {
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? =
      unsafe CommandLine.unsafeArgv
    // SAFETY: both outlive the call; libFuzzer ends the process by itself when it finds something.
    exit(unsafe LLVMFuzzerRunDriver(&count, &arguments) { unsafe testOneInput($0, $1) })
  }

  /// A property that does not hold is a crash, whose input libFuzzer keeps.
  fileprivate static func run(_ bytes: [UInt8]) {
    do { try target.run(bytes) } catch { fatalError("\(target.name): \(error)") }
  }
}

/// One input; the name is libFuzzer's, which its archive refers to.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  // SAFETY: libFuzzer lends `count` bytes for the call; the array is a copy.
  Fuzz.run(unsafe Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
