/// What is mounted: the SOURCE of the command line, of fstab, and of `discover SOURCE`.
package enum MountSource: Equatable, Sendable {
  /// A portal to ask for its targets.
  case portal(PortalAddress)
  /// A configuration file that names portals or targets.
  case configurationFile(String)
  /// Nothing yet: targets come by the `control` file.
  case none

  /// Reads `host[:port]`, `[v6]:port`, a path with a `/` in it, or `none`.
  package init(parsing text: String) throws(MountSourceError) {
    if text.isEmpty { throw .empty }
    if text == "none" {
      self = .none
    } else if let scheme = MountSource.scheme(of: text) {
      switch scheme.lowercased() {
      case "isns", "slp": throw .notSupported(scheme: scheme)
      default: throw .unknownScheme(scheme)
      }
    } else if text.contains("/") {
      self = .configurationFile(text)
    } else {
      self = .portal(try PortalAddress(parsing: text))
    }
  }

  private static func scheme(of text: String) -> String? {
    guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return nil }
    return String(text[..<colon])
  }
}

extension MountSource: CustomStringConvertible {
  /// As it shows in /proc/mounts.
  package var description: String {
    switch self {
    case .portal(let portal): portal.description
    case .configurationFile(let path): path
    case .none: "none"
    }
  }
}
