/// Text that is not `host[:port][,tag]`.
package enum PortalError: Error, Equatable, Sendable {
  case host(String)
  case port(String)
  case targetPortalGroupTag(String)
  /// An IPv6 address with a zone: which interface it means is known only where it was written.
  case scoped(String)

  /// The sentence for `last_error`.
  package var sentence: String {
    switch self {
    case .host(let text): "\"\(text.excerpt)\" has no host name or address"
    case .port(let text): "\"\(text.excerpt)\" has no TCP port between 1 and 65535"
    case .targetPortalGroupTag(let text):
      "\"\(text.excerpt)\" has no target portal group tag between 0 and 65535"
    case .scoped(let text): "\"\(text.excerpt)\" is an address of one interface only"
    }
  }
}
