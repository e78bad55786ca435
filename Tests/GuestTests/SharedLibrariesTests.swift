import Guest
import Testing

@Suite("What ldd says")
struct SharedLibrariesTests {
  @Test("names libraries, their places, the loader, and what is not found")
  func dynamic() {
    let libraries = SharedLibraries(
      parsing: """
        \tlinux-vdso.so.1 (0x00007ffd5a5f2000)
        \tlibfuse3.so.3 => /lib/x86_64-linux-gnu/libfuse3.so.3 (0x00007f2b5c0d2000)
        \tlibisns.so.0 => not found
        \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f2b5beef000)
        \t/lib64/ld-linux-x86-64.so.2 (0x00007f2b5c12c000)
        """)
    #expect(
      libraries.paths == [
        "/lib/x86_64-linux-gnu/libfuse3.so.3", "/lib/x86_64-linux-gnu/libc.so.6",
        "/lib64/ld-linux-x86-64.so.2",
      ])
    #expect(libraries.missing == ["libisns.so.0"])
  }

  @Test(
    "is nothing for a static program",
    arguments: ["\tnot a dynamic executable\n", "\tstatically linked\n"])
  func staticProgram(output: String) {
    let libraries = SharedLibraries(parsing: output)
    #expect(libraries.paths.isEmpty)
    #expect(libraries.missing.isEmpty)
  }
}
