import Records

/// Configuration files and mount options.
///
/// Input: a byte (bit 0: a file or a list of options), then the text.
enum ConfigurationProperties {
  /// Corpus and dictionary use it as the secret; whoever shows it has told a secret.
  private static let canary = "CANARY-0f-the-fuzzer"
  /// Settings that are applied one after the other; more of them show nothing new.
  private static let settingLimit = 256

  static func check(_ bytes: [UInt8]) throws(Disagreement) {
    var input = FuzzInput(bytes)
    let isFile = input.byte() & 1 == 0
    let text = String(decoding: input.remainder(), as: UTF8.self)
    if isFile { try checkFile(text) } else { try checkOptions(text) }
  }

  private static func checkFile(_ text: String) throws(Disagreement) {
    let tells = tellsOfSecrets(text)
    let settings: [Setting]
    do {
      settings = try ConfigurationText.settings(in: text, path: "f", objectionToSecrets: nil)
    } catch {
      try holdError(error, tells)
      return
    }
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    try hold(settings.count <= lines.count, "a line is one setting at most")
    for setting in settings {
      try hold(!setting.key.isEmpty && !setting.value.isEmpty, "a setting has key and value")
      try hold(!setting.key.contains { $0.isWhitespace || $0 == "=" }, "a key is one word")
      try hold(!setting.value.contains(where: \.isNewline), "a value is one line")
      if !tells { try holdSilent(setting.description) }
    }
    try checkApplying(settings, tells)
  }

  private static func checkOptions(_ text: String) throws(Disagreement) {
    let options: MountOptions
    do { options = try MountOptions(parsing: [text]) } catch {
      try hold(!error.description.isEmpty, "an error of options has a sentence")
      // A list that passes when told to be lenient fails only for what it does not know.
      if (try? MountOptions(parsing: [text], isSloppy: true)) != nil {
        guard case .unknown = error else {
          throw Disagreement("leniency passes over more than unknown options: \(error)")
        }
      }
      return
    }
    try hold(options.umask ?? 0 <= 0o777, "a mask has nine bits")
    try hold(options.userID != .max && options.groupID != .max, "an id is somebody's")
    for setting in options.settings {
      try hold(setting.objectionToSecrets != nil, "an option is no place for a secret")
    }
    try checkApplying(options.settings, true)
  }

  /// What is taken comes back from its text, but for the secrets.
  private static func checkApplying(
    _ settings: [Setting], _ tells: Bool
  ) throws(Disagreement) {
    var configuration = Configuration()
    for setting in settings.prefix(settingLimit) {
      let before = configuration
      do { try configuration.apply(setting) } catch {
        try holdError(error, tells)
        try agree(configuration, before, "a setting that is refused changes nothing")
      }
    }
    do { try configuration.validate() } catch { try holdError(error, tells) }
    let text = configuration.text()
    if !tells {
      try holdSilent(text)
      try holdSilent("\(configuration)")
      try holdSilent(String(reflecting: configuration))
    }
    var again = Configuration()
    do throws(ConfigurationError) {
      try again.apply(
        try ConfigurationText.settings(in: text, path: "f", objectionToSecrets: nil))
    } catch {
      throw Disagreement("a configuration's own text is refused: \(error)")
    }
    (again.authentication.secret, again.authentication.targetSecret) = (
      configuration.authentication.secret, configuration.authentication.targetSecret
    )
    (again.discovery.authentication.secret, again.discovery.authentication.targetSecret) = (
      configuration.discovery.authentication.secret,
      configuration.discovery.authentication.targetSecret
    )
    try agree(again.text(), text, "the text of a configuration read from its text")
    try agree(again.session, configuration.session, "sessions")
    try agree(again.negotiation, configuration.negotiation, "negotiation")
    try agree(again.timeouts, configuration.timeouts, "timeouts")
    try agree(again.node, configuration.node, "node")
    try agree(again.initiatorAlias, configuration.initiatorAlias, "alias")
    try agree(again.authentication, configuration.authentication, "authentication")
    try agree(again.discovery, configuration.discovery, "discovery")
  }

  /// True when the canary stands where it is no secret.
  private static func tellsOfSecrets(_ text: String) -> Bool {
    text.split(whereSeparator: \.isNewline).contains { line in
      line.contains(canary) && !isSecret(line)
    }
  }

  private static func isSecret(_ line: Substring) -> Bool {
    let key = line.prefix { $0 != "=" }.filter { !$0.isWhitespace }
    return ConfigurationKey.named(String(key))?.isSecret ?? false
  }

  private static func holdError(
    _ error: ConfigurationError, _ tells: Bool
  ) throws(Disagreement) {
    try hold(!error.description.isEmpty, "a configuration error has a sentence")
    if !tells { try holdSilent(error.description) }
  }

  private static func holdSilent(_ text: String) throws(Disagreement) {
    try hold(!text.contains(canary), "a secret is told: \(text.debugDescription)")
  }
}
