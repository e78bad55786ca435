import FoundationEssentials
import Lab

/// What a reader must know of the machine to compare.
struct MachineFacts: Codable, Equatable, Sendable {
  var kernel: String
  var processor: String
  var processorCount: Int
  /// Whether FUSE over io_uring may be used, which changes what iscsifs does by itself.
  var allowsRing: Bool
  /// Name and version of what took part.
  var programs: [String]

  /// "2 processors (AMD EPYC), Linux 6.18, FUSE over io_uring on".
  var sentence: String {
    "\(processorCount) processor\(processorCount == 1 ? "" : "s") (\(processor)), Linux \(kernel), "
      + "FUSE over io_uring \(allowsRing ? "on" : "off")"
  }

  static func current() async -> MachineFacts {
    let info = text("/proc/cpuinfo")
    var programs: [String] = []
    for command in ["qemu-storage-daemon --version", "tgtd --version", "fio --version"] {
      let result = await Shell.run(command, limit: .seconds(5))
      if result.status == 0, let line = result.lines.first {
        let name = String(command.prefix { $0 != " " })
        programs.append(line.hasPrefix(name) ? line : "\(name) \(line)")
      }
    }
    return MachineFacts(
      kernel: text("/proc/sys/kernel/osrelease").split(separator: "\n").first.map(String.init)
        ?? "of unknown release",
      processor: processorModel(in: info) ?? "unknown model",
      processorCount: ProcessStatus.allowedProcessors().count,
      allowsRing: RingSwitch.isOn == true, programs: programs)
  }

  /// "model name : AMD EPYC" of /proc/cpuinfo.
  static func processorModel(in text: String) -> String? {
    for line in text.split(separator: "\n") where line.hasPrefix("model name") {
      let value = line.drop { $0 != ":" }.dropFirst().drop { $0 == " " }
      return value.isEmpty ? nil : String(value)
    }
    return nil
  }

  private static func text(_ path: String) -> String {
    (try? String(contentsOf: URL(filePath: path), encoding: .utf8)) ?? ""
  }
}
