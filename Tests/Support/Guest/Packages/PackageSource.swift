/// Where Debian packages come from.
package enum PackageSource: Equatable, Sendable {
  /// What this machine's apt knows.
  case host
  /// Another release of Debian, "trixie" or "trixie-backports", from a mirror, without this
  /// machine's apt hearing of it.
  case release(String, mirror: String)

  package static let defaultMirror = "http://deb.debian.org/debian"

  /// The name of its directory in a store.
  var name: String {
    switch self {
    case .host: "host"
    case .release(let name, _): name
    }
  }

  /// The line of a sources.list that names it; nil where apt needs none.
  var sourcesLine: String? {
    switch self {
    case .host: nil
    case .release(let name, let mirror):
      "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \(mirror) \(name) main\n"
    }
  }
}
