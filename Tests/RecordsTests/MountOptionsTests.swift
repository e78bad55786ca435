import Testing

@testable import Records

@Suite("Mount options")
struct MountOptionsTests {
  @Test("every option of the contract")
  func all() throws {
    let options = try MountOptions(parsing: [
      "login=manual,cache=writeback,ro,allow_other,uid=1000,gid=100,umask=077",
      "state=/var/lib/x,config=/etc/x.conf,sessions=2,allow_core,node.session.queue_depth=16",
    ])
    #expect(options.login == .manual)
    #expect(options.cache == .writeback)
    #expect(options.isReadOnly && options.allowsOther && options.allowsCore)
    #expect(options.userID == 1000 && options.groupID == 100 && options.umask == 0o077)
    #expect(options.stateDirectory == "/var/lib/x")
    #expect(options.configurationFile == "/etc/x.conf")
    #expect(
      options.settings == [
        .option("node.session.nr_sessions", "2"), .option("node.session.queue_depth", "16"),
      ])
  }

  @Test("what belongs to mount, fstab and systemd is passed over")
  func foreign() throws {
    let list = "_netdev,rw,noauto,user,nofail,x-systemd.automount,X-x.y=1,comment=z,,defaults"
    let options = try MountOptions(parsing: [list])
    #expect(options.ignored.count == 8)
    #expect(options.settings.isEmpty && !options.isReadOnly)
  }

  @Test("the later of two wins")
  func order() throws {
    #expect(try !MountOptions(parsing: ["ro,rw"]).isReadOnly)
    #expect(try MountOptions(parsing: ["cache=none", "cache=read"]).cache == .read)
  }

  @Test("a value with a comma goes in quotes")
  func quotes() throws {
    let options = try MountOptions(parsing: ["node.conn[0].iscsi.DataDigest=\"CRC32C,None\",ro"])
    #expect(options.settings == [.option("node.conn[0].iscsi.DataDigest", "CRC32C,None")])
    #expect(options.isReadOnly)
  }

  @Test(
    "what is wrong is named",
    arguments: [
      ("logn=auto", "-o logn: not an option iscsifs knows; did you mean login?"),
      (
        "queue_depth=2",
        "-o queue_depth: not an option iscsifs knows; "
          + "did you mean node.session.queue_depth?"
      ),
      ("zzzzzzz", "-o zzzzzzz: not an option iscsifs knows; iscsifs help mount lists them"),
      (
        "node.conn[0].iscsi.DataDigest=CRC32C,None",
        "-o None: not an option; "
          + "a value with a comma goes in double quotes, KEY=\"A,B\""
      ),
      ("login", "-o login: needs a value, login=..."),
      ("login=", "-o login: needs a value, login=..."),
      ("ro=1", "-o ro: takes no value"),
      ("cache=writethrough", "-o cache=writethrough: it takes one of none, read, writeback"),
      ("uid=root", "-o uid=root: it takes a numeric id"),
      ("uid=4294967295", "-o uid=4294967295: it takes a numeric id"),
      ("umask=8", "-o umask=8: it takes an octal mask such as 077"),
      ("umask=1777", "-o umask=1777: it takes an octal mask to 777"),
      ("config=\"x", "-o config=\"x: a double quote is opened and not closed"),
    ])
  func refuses(list: String, expected: String) {
    do throws(MountOptionError) {
      _ = try MountOptions(parsing: [list])
      Issue.record("accepted")
    } catch { #expect(error.description == expected) }
  }

  @Test("mount -s passes over what is unknown, not over what is wrong")
  func sloppy() throws {
    #expect(try MountOptions(parsing: ["zzzzzzz"], isSloppy: true).ignored == ["zzzzzzz"])
    #expect(throws: MountOptionError.self) { try MountOptions(parsing: ["ro=1"], isSloppy: true) }
  }

  @Test("a secret is no mount option, and a bad value names the option")
  func settings() throws {
    var configuration = Configuration()
    let secret = try MountOptions(parsing: ["node.session.auth.password=S3CRET-CANARY"])
    #expect(!"\(secret)".contains("CANARY"))
    let refusal = #expect(throws: ConfigurationError.self) {
      try configuration.apply(secret.settings)
    }
    #expect(refusal?.description.hasPrefix("-o node.session.auth.password ") == true)
    #expect(refusal?.description.contains("CANARY") == false)
    let many = #expect(throws: ConfigurationError.self) {
      try configuration.apply(MountOptions(parsing: ["sessions=99"]).settings)
    }
    #expect(many?.description.hasPrefix("-o node.session.nr_sessions ") == true)
  }
}
