/// Who we are to the target and, with mutual CHAP, who the target is to us.
///
/// Sessions and discovery each have their own: a portal may list its targets to anyone and still
/// ask for a secret at login, or the other way round.
/// Source: RFC 7143, 12.1.3; the keys `node.session.auth.*` and `discovery.sendtargets.auth.*`.
package struct AuthenticationSettings: Equatable, Sendable {
  package var method = AuthenticationMethod.none
  /// CHAP_N as we answer it.
  package var userName: String?
  package var secret: Secret?
  /// CHAP_N the target must answer with, when it is challenged in turn.
  package var targetUserName: String?
  package var targetSecret: Secret?
  /// In the order they are offered.
  package var algorithms = [CHAPAlgorithm.md5]
  /// Lets secrets below `Secret.strongByteCount` pass.
  package var allowsWeakSecrets = false

  package init() {}

  /// True when the target is challenged too.
  package var isMutual: Bool {
    method == .chap && (targetUserName != nil || targetSecret != nil)
  }

  /// What is wrong with these settings taken together, as a sentence naming keys below `prefix`.
  func objection(prefix: String) -> String? {
    guard method == .chap else { return nil }
    if (userName ?? "").isEmpty {
      return "\(prefix).authmethod is CHAP, but \(prefix).username is not set"
    }
    guard let secret else {
      return "\(prefix).authmethod is CHAP, but \(prefix).password is not set"
    }
    if secret.isWeak, !allowsWeakSecrets { return weak("\(prefix).password", prefix: prefix) }
    guard isMutual else { return nil }
    guard let targetSecret, !(targetUserName ?? "").isEmpty else {
      return "mutual CHAP needs both \(prefix).username_in and \(prefix).password_in"
    }
    if targetSecret.isWeak, !allowsWeakSecrets {
      return weak("\(prefix).password_in", prefix: prefix)
    }
    if secret == targetSecret {
      return "\(prefix).password and \(prefix).password_in are the same; "
        + "one secret for both ways lets a target answer with our own (RFC 7143, 9.2.1)"
    }
    return nil
  }

  private func weak(_ key: String, prefix: String) -> String {
    "\(key) is shorter than \(Secret.strongByteCount) bytes and can be guessed from one login "
      + "seen on the wire; take a longer one, or say \(prefix).allow_weak = Yes"
  }
}

/// The AuthMethods we can offer.
package enum AuthenticationMethod: String, CaseIterable, Sendable {
  case none = "None"
  case chap = "CHAP"
}

/// The digest a CHAP answer is made with, by open-iscsi's name.
package enum CHAPAlgorithm: String, CaseIterable, Sendable {
  case md5 = "MD5"
  case sha1 = "SHA1"
  case sha256 = "SHA256"
  case sha3of256 = "SHA3-256"
}
