import Testing

@testable import Guest

@Suite("What apt prints")
struct AptOutputTests {
  @Test("names the archives of packages")
  func archives() {
    let names = AptOutput.archiveNames(
      """
      'http://deb.debian.org/debian/pool/b/busybox-static_1.35.0-4%2bb1_amd64.deb' \
      busybox-static_1%3a1.35.0-4+b1_amd64.deb 928188 SHA256:3d3f
      W: something else
      """)
    #expect(names == ["busybox-static": "busybox-static_1%3a1.35.0-4+b1_amd64.deb"])
  }

  @Test("names what a package depends on, without alternatives and virtual packages")
  func dependencies() {
    let names = AptOutput.dependencies(
      """
      linux-image-amd64
        PreDepends: linux-base
       |Depends: dracut
        Depends: linux-image-6.1.0-56-amd64
        Depends: <linux-initramfs-tool>
          dracut
        Suggests: grub
      """)
    #expect(names == ["linux-image-6.1.0-56-amd64"])
  }
}
