import ISCSI
import SystemPackage

/// Where a login has been sent, from the portal it began at.
///
/// Source: RFC 7143, 11.13.5 (Status-Class 1) and 13.8.
struct RedirectionTrail {
  /// Redirections followed in one login.
  static let limit = 4

  /// Where to log in next.
  private(set) var portal: Portal
  /// Where the first redirections, as far as they were permanent ones, have led.
  ///
  /// A temporary redirection is forgotten with its login; what follows one is temporary too.
  private(set) var movedTo: Portal?
  /// How near the target was that sent us here; nil at the beginning, where a person sent us.
  private(set) var sentFrom: AddressScope?
  private var visited: Set<String>
  private var isTemporary = false

  init(startingAt portal: Portal) {
    self.portal = portal
    visited = [portal.address]
  }

  /// Goes to the first of `portals` where the login has not been.
  mutating func follow(
    _ portals: [Portal], isTemporary isThisTemporary: Bool, from scope: AddressScope,
    place: String
  ) throws(LoginFailure) {
    guard visited.count <= Self.limit else {
      throw Self.failure("\(place): more than \(Self.limit) redirections")
    }
    guard let next = portals.first(where: { !visited.contains($0.address) }) else {
      throw Self.failure("\(place): the redirections go round in a circle")
    }
    visited.insert(next.address)
    portal = next
    sentFrom = scope
    isTemporary = isTemporary || isThisTemporary
    if !isTemporary { movedTo = next }
  }

  private static func failure(_ sentence: String) -> LoginFailure {
    LoginFailure(ControlError(.protocolError, .login, sentence))
  }
}
