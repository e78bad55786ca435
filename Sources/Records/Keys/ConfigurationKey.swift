/// A key of the configuration: its name, what it takes, and which setting it is.
///
/// Source: open-iscsi, usr/idbm_fields.h and etc/iscsid.conf; keys of our own say so in `summary`.
package struct ConfigurationKey: Sendable {
  package let name: String
  /// What it does, for the sample file; may be several lines.
  package let summary: String
  package let isSecret: Bool
  package let expectation: String
  /// Sets the value from text; false and nothing done when the text is not what the key takes.
  let assign: @Sendable (inout Configuration, String) -> Bool
  /// The value as text, masked when secret; nil when not set.
  package let text: @Sendable (Configuration) -> String?

  typealias Path<Root, Value> = any (WritableKeyPath<Root, Value> & Sendable)

  init<Value>(
    _ name: String, _ setting: Path<Configuration, Value>, _ form: ValueForm<Value>,
    _ summary: String
  ) {
    self.init(name, within: \.self, setting, form, summary)
  }

  /// A key of a group of settings that a configuration has more than once.
  init<Group, Value>(
    _ name: String, within group: Path<Configuration, Group>, _ setting: Path<Group, Value>,
    _ form: ValueForm<Value>, _ summary: String
  ) {
    self.name = name
    self.summary = summary
    isSecret = Value.self == Secret?.self
    expectation = form.expectation
    assign = { configuration, text in
      guard let value = form.parse(text) else { return false }
      configuration[keyPath: group][keyPath: setting] = value
      return true
    }
    text = { form.print($0[keyPath: group][keyPath: setting]) }
  }

  /// Every key this version honours, in the order of the sample file.
  package static let all =
    initiator + node + session + authentication + timeouts + negotiation
    + discovery

  /// The key of that name. open-iscsi's names are case-sensitive and so are ours.
  package static func named(_ name: String) -> ConfigurationKey? { byName[name] }

  /// What an unknown key is compared with.
  static let nearest = NearestName(among: all.map(\.name))

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
}
