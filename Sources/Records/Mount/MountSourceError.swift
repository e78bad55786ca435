package import SystemPackage

/// A SOURCE that cannot be mounted.
package enum MountSourceError: Error, Equatable, Sendable {
  package enum PortalPart: Equatable, Sendable { case host, port, openBracket }

  case empty
  case badPortal(String, PortalPart)
  /// `isns://` and `slp://`, which this version cannot ask.
  case notSupported(scheme: String)
  case unknownScheme(String)

  /// What a write of `discover SOURCE` to a control file fails with.
  package var errno: Errno {
    if case .notSupported = self { .notSupported } else { .invalidArgument }
  }
}

extension MountSourceError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .empty:
      "SOURCE is empty; give host[:port], [v6]:port, the path of a configuration file, or none"
    case .badPortal(let text, .host):
      "\"\(text)\" has no host name or address that could exist; give host[:port] or [v6]:port"
    case .badPortal(let text, .port):
      "\"\(text)\" has no port from 1 to 65535 after its colon"
    case .badPortal(let text, .openBracket):
      "\"\(text)\" opens a bracket and does not close it; write [2001:db8::1]:3260"
    case .notSupported(let scheme):
      "\(scheme):// is not supported yet; name a portal of the target itself, host[:port]"
    case .unknownScheme(let scheme):
      "\(scheme):// is not a source iscsifs knows; give host[:port] without a scheme"
    }
  }
}
