extension Configuration {
  /// The settings in iscsid.conf's form, one a line; secrets as `********`, unset keys left out.
  ///
  /// - Parameter prefix: only keys that begin with it.
  package func text(prefix: String = "") -> String {
    ConfigurationKey.all
      .filter { $0.name.hasPrefix(prefix) }
      .compactMap { key in key.text(self).map { "\(key.name) = \($0)\n" } }
      .joined()
  }

  /// The commented file that is installed as /etc/iscsifs.conf: every key with its default.
  package static var sample: String {
    let defaults = Configuration()
    var text = """
      # iscsifs: the settings of a mount, under the names open-iscsi gave them.
      #
      # Read from /etc/iscsifs.conf, from the file of -o config=FILE, or from a file mounted as
      # SOURCE. What is commented out shows the default; -o KEY=VALUE at mount wins over this file.
      # A file with a secret in it must belong to you or root and have mode 0600 (or 0400).

      """
    for key in ConfigurationKey.all {
      text += "\n"
      for line in key.summary.split(separator: "\n") { text += "# \(line)\n" }
      text += "#\(key.name) =" + (key.text(defaults).map { " " + $0 } ?? "") + "\n"
    }
    return text
  }
}
