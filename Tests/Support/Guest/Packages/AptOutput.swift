/// What apt prints, read for what is needed of it.
///
/// Pure.
enum AptOutput {
  /// The file names in the answer to `apt-get download --print-uris`, by their packages' names.
  static func archiveNames(_ text: String) -> [String: String] {
    var names: [String: String] = [:]
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count >= 3, words[0].hasPrefix("'"), words[1].hasSuffix(".deb"),
        let package = words[1].split(separator: "_").first
      else { continue }
      names[String(package)] = String(words[1])
    }
    return names
  }

  /// The packages that `apt-cache depends` says one depends on, without alternatives.
  static func dependencies(_ text: String) -> [String] {
    text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 2, words[0] == "Depends:", !words[1].hasPrefix("<") else { return nil }
      return String(words[1])
    }
  }
}
