import Testing

@testable import Guest

@Suite("A kernel's modules")
struct ModuleIndexTests {
  private let index = ModuleIndex(
    order: """
      kernel/drivers/scsi/iscsi_tcp.ko
      kernel/drivers/scsi/libiscsi.ko
      kernel/drivers/scsi/scsi_mod.ko
      kernel/arch/x86/crypto/crc32c-intel.ko
      """,
    builtIn: "kernel/fs/fuse/fuse.ko\n")

  /// A module's file as far as we look into it.
  private static func module(_ dependencies: String) -> [UInt8] {
    Array("\u{7F}ELF\0license=GPL\0depends=\(dependencies)\0retpoline=Y\0".utf8)
  }

  @Test("are found by name, hyphen or underscore")
  func names() {
    #expect(index.path(of: "crc32c_intel") == "kernel/arch/x86/crypto/crc32c-intel.ko")
    #expect(index.path(of: "crc32c-intel") == index.path(of: "crc32c_intel"))
    #expect(index.path(of: "fuse") == nil)
    #expect(index.contains("fuse"))
    #expect(!index.contains("ext4"))
  }

  @Test("say what they depend on")
  func dependencies() {
    #expect(
      ModuleIndex.dependencies(inModule: Self.module("libiscsi,scsi-mod"))
        == ["libiscsi", "scsi_mod"])
    #expect(ModuleIndex.dependencies(inModule: Self.module("")).isEmpty)
    #expect(ModuleIndex.dependencies(inModule: Array("softdepends=x".utf8)).isEmpty)
  }

  @Test("are loaded after those they depend on, each once, built-in ones never")
  func order() throws {
    let modules = [
      "kernel/drivers/scsi/iscsi_tcp.ko": "libiscsi,scsi_mod,fuse",
      "kernel/drivers/scsi/libiscsi.ko": "scsi_mod",
    ]
    let order = try index.loadOrder(for: ["fuse", "iscsi_tcp", "libiscsi"]) { path in
      Self.module(modules[path] ?? "")
    }
    #expect(
      order == [
        "kernel/drivers/scsi/scsi_mod.ko", "kernel/drivers/scsi/libiscsi.ko",
        "kernel/drivers/scsi/iscsi_tcp.ko",
      ])
  }

  @Test("that depend on each other are loaded all the same")
  func circle() throws {
    let order = try index.loadOrder(for: ["libiscsi"]) { path in
      Self.module(path.hasSuffix("libiscsi.ko") ? "scsi_mod" : "libiscsi")
    }
    #expect(order.count == 2)
  }

  @Test("that the kernel does not have are an error by name")
  func unknown() {
    #expect(throws: GuestError.failed("the kernel has no module ext4")) {
      try index.loadOrder(for: ["ext4"]) { _ in [] }
    }
  }
}
