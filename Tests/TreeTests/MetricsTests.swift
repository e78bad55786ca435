import FUSE
import ISCSI
import Reactor
import Testing

@testable import ControlPlane
@testable import Tree

/// `metrics`: Prometheus, "Exposition formats", text format 0.0.4.
struct MetricsTests {
  @Test("Each family stands together under its HELP and TYPE, a sample a line")
  func format() async throws {
    let walker = try Walker([try Fixtures.target()])
    var numbers = SessionStatistics()
    numbers.commands = 12
    numbers.pdus[.dataIn] = 7
    await walker.source.show(statistics: numbers)
    let text = try await walker.read("metrics")
    let labels = "target=\"\(Fixtures.iqn)\""
    for line in [
      "# TYPE iscsifs_session_commands_total counter",
      "iscsifs_info{version=\"iscsifs 0.1\",channel=\"dev\"} 1",
      "iscsifs_target_up{\(labels)} 1",
      "iscsifs_session_up{\(labels),session=\"1\"} 1",
      "iscsifs_session_commands_total{\(labels),session=\"1\"} 12",
      "iscsifs_session_pdus_total{\(labels),session=\"1\",pdu=\"datain_pdus\"} 7",
      "iscsifs_lun_size_bytes{\(labels),lun=\"1\"} \(Fixtures.diskBytes)",
      "iscsifs_lun_open_files{\(labels),lun=\"1\"} 0",
    ] {
      #expect(text.split(separator: "\n").contains { $0 == line }, "\(line) in \(text)")
    }
    // LUN 3 has no file and so no size; every family has one TYPE.
    #expect(!text.contains("iscsifs_lun_size_bytes{\(labels),lun=\"3\"}"))
    let types = text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }
    #expect(Set(types).count == types.count && !text.contains("\n\n") && text.last == "\n")
  }

  @Test("A session without numbers has no counters; a label's quotes are escaped")
  func hostile() async throws {
    var target = try Fixtures.target("iqn.2026-01.org:a")
    target.directoryName = "a\"b\\c"
    let walker = try Walker([target])
    await walker.source.hideStatistics()
    let text = try await walker.read("metrics")
    #expect(text.contains(#"iscsifs_target_up{target="a\"b\\c"} 1"#))
    #expect(!text.contains("commands_total"))
  }

  @Test("Its size is not told before it is read, and nobody writes it")
  func attributes() async throws {
    let walker = try Walker([try Fixtures.target()])
    let attributes = try await walker.attributes("metrics")
    #expect(attributes.sizeBytes == 0 && attributes.permissions == 0o444)
  }
}
