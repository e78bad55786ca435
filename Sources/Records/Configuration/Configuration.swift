/// The settings of a mount under open-iscsi's names, with open-iscsi's defaults.
///
/// A configuration is layered: the defaults, then a file in iscsid.conf's form, then `-o` options;
/// the later wins. Reading text is pure; `ConfigurationFile` does what needs the kernel.
package struct Configuration: Equatable, Sendable {
  package var initiatorName: InitiatorName?
  package var initiatorAlias: String?
  package var node = NodeSettings()
  package var session = SessionSettings()
  package var authentication = AuthenticationSettings()
  package var timeouts = TimeoutSettings()
  package var negotiation = NegotiationSettings()
  package var discovery = DiscoverySettings()
  /// Keys that were accepted and do nothing here, as "key: reason", in the order met.
  package private(set) var withoutEffect: [String] = []
  /// Those keys, each of which is told once.
  private var keysWithoutEffect: Set<String> = []

  package init() {}

  /// Applies `settings` in order; stops at the first that is wrong, with the earlier ones applied.
  package mutating func apply(_ settings: [Setting]) throws(ConfigurationError) {
    for setting in settings { try apply(setting) }
  }

  /// Applies one setting, or says what is wrong with it and changes nothing.
  package mutating func apply(_ setting: Setting) throws(ConfigurationError) {
    if let ignored = IgnoredKey.matching(setting.key) {
      if keysWithoutEffect.insert(setting.key).inserted {
        withoutEffect.append("\(setting.key): \(ignored.reason)")
      }
      return
    }
    guard let key = ConfigurationKey.named(setting.key) else {
      let nearest = ConfigurationKey.nearest.name(to: setting.key)
      throw ConfigurationError(setting.origin, .unknownKey(setting.key, nearest: nearest))
    }
    if key.isSecret, let objection = setting.objectionToSecrets {
      throw ConfigurationError(setting.origin, .secretRefused(key.name, objection))
    }
    guard key.assign(&self, setting.value) else {
      let shown = key.isSecret ? Secret.mask : setting.value
      throw ConfigurationError(
        setting.origin, .badValue(key: key.name, value: shown, expected: key.expectation))
    }
  }

  /// Checks what only the settings together can show.
  ///
  /// Call it once, after the last layer: a file may be completed by an option.
  package func validate() throws(ConfigurationError) {
    let objection =
      authentication.objection(prefix: "node.session.auth")
      ?? discovery.authentication.objection(prefix: "discovery.sendtargets.auth")
      ?? sharedSecretObjection ?? burstObjection ?? nodeObjection
    if let objection { throw ConfigurationError(.combined, .contradiction(objection)) }
  }

  /// A target that may answer with our own secret in one kind of session could have it computed for
  /// it in the other.
  ///
  /// Source: RFC 7143, 9.2.1.
  private var sharedSecretObjection: String? {
    let (session, discovery) = (authentication, discovery.authentication)
    guard session.method == .chap, discovery.method == .chap else { return nil }
    if session.isMutual, let secret = session.targetSecret, secret == discovery.secret {
      return "node.session.auth.password_in and discovery.sendtargets.auth.password are the same; "
        + "our secrets and the target's must differ (RFC 7143, 9.2.1)"
    }
    if discovery.isMutual, let secret = discovery.targetSecret, secret == session.secret {
      return "discovery.sendtargets.auth.password_in and node.session.auth.password are the same; "
        + "our secrets and the target's must differ (RFC 7143, 9.2.1)"
    }
    return nil
  }

  /// Source: RFC 7143, 13.14: "FirstBurstLength MUST NOT exceed MaxBurstLength".
  private var burstObjection: String? {
    guard negotiation.firstBurstLength > negotiation.maxBurstLength else { return nil }
    return "node.session.iscsi.FirstBurstLength (\(negotiation.firstBurstLength)) is above "
      + "node.session.iscsi.MaxBurstLength (\(negotiation.maxBurstLength))"
  }

  private var nodeObjection: String? {
    guard node.targetName != nil, node.address == nil else { return nil }
    return "node.name names a target, but node.conn[0].address does not say where it is"
  }
}
