import FoundationEssentials

/// Debian packages downloaded and unpacked below one directory, none of them installed.
///
/// A package of one version is fetched once. Nothing of this machine's apt changes.
package struct PackageStore {
  private let directory: String
  private let source: PackageSource
  private var files: FileManager { .default }

  /// - Parameter directory: an absolute path; created when it is not there.
  package init(directory: String, source: PackageSource = .host) throws(GuestError) {
    self.directory = "\(directory)/\(source.name)"
    self.source = source
    guard Program.path(of: "apt-get") != nil, Program.path(of: "dpkg") != nil else {
      throw .missing("apt-get and dpkg: the guest is built from Debian's packages")
    }
    try make("archives")
    try make("unpacked")
    guard let line = source.sourcesLine else { return }
    for name in ["apt/lists/partial", "apt/cache/archives/partial"] { try make(name) }
    try write(line, to: "apt/sources.list")
    let lists = (try? files.contentsOfDirectory(atPath: "\(self.directory)/apt/lists")) ?? []
    if !lists.contains(where: { $0.hasSuffix("_Packages") }) { try update() }
  }

  /// The directories the packages are unpacked in, in the order of their names here.
  package func unpacked(_ names: [String]) throws(GuestError) -> [String] {
    var archives = try archiveNames(names)
    let missing = names.filter { !isUnpacked(archives[$0]) }
    if !missing.isEmpty {
      do throws(GuestError) {
        try download(missing)
      } catch .failed where source != .host {
        // The lists may be older than what the mirror holds by now.
        try update()
        archives = try archiveNames(names)
        try download(missing)
      }
      for name in missing { try unpack(archives[name], of: name) }
    }
    return names.map { path(of: archives[$0] ?? "") }
  }

  /// A package and those its dependencies lead to, of those `isFollowed` names.
  package func closure(
    of name: String, following isFollowed: (String) -> Bool
  ) throws(GuestError) -> [String] {
    var names = [name]
    var index = 0
    while index < names.count {
      let text = try apt("apt-cache", ["depends", names[index]]).text
      names += AptOutput.dependencies(text).filter { isFollowed($0) && !names.contains($0) }
      index += 1
    }
    return names
  }

  /// The first of `paths` below one of `roots`: with /bin a link to /usr/bin, packages have either.
  package static func file(
    _ paths: [String], in roots: [String]
  ) throws(GuestError) -> String {
    for root in roots {
      for path in paths where FileManager.default.fileExists(atPath: "\(root)/\(path)") {
        return "\(root)/\(path)"
      }
    }
    throw .missing("\(paths[0]), which its package should have")
  }

  private func archiveNames(_ names: [String]) throws(GuestError) -> [String: String] {
    let text = try apt("apt-get", ["download", "--print-uris"] + names).text
    let archives = AptOutput.archiveNames(text)
    for name in names where archives[name] == nil {
      throw .failed("apt has no package \(name); try apt-get update")
    }
    return archives
  }

  private func download(_ names: [String]) throws(GuestError) {
    let result = try Program.run(
      arguments("apt-get", ["download"] + names, in: "archives"), limit: .seconds(600))
    guard result.status == 0 else {
      let reason = result.complaint.split(separator: "\n").last.map(String.init) ?? ""
      throw .failed("\(names.joined(separator: ", ")) cannot be downloaded: \(reason)")
    }
  }

  /// Unpacked aside and renamed, so that what is there is whole; the archive has done its duty.
  private func unpack(_ archive: String?, of name: String) throws(GuestError) {
    guard let archive else { throw .failed("apt has no package \(name)") }
    let place = path(of: archive)
    let aside = "\(place).\(ProcessInfo.processInfo.processIdentifier)"
    let file = "\(directory)/archives/\(archive)"
    try Program.require(["dpkg", "-x", file, aside], limit: .seconds(300))
    do {
      try files.moveItem(atPath: aside, toPath: place)
      try files.removeItem(atPath: file)
    } catch {
      throw .failed("\(place) cannot be made: \(error)")
    }
  }

  private func update() throws(GuestError) {
    try apt("apt-get", ["update", "-qq"], limit: .seconds(300))
  }

  @discardableResult
  private func apt(
    _ program: String, _ words: [String], limit: Duration = .seconds(60)
  ) throws(GuestError) -> Program {
    try Program.require(arguments(program, words), limit: limit)
  }

  /// In a directory without archives: apt names no address of what is there already.
  private func arguments(
    _ program: String, _ words: [String], in place: String = "unpacked"
  ) -> [String] {
    var options = ["-o", "APT::Sandbox::User=root"]
    if source.sourcesLine != nil {
      options += [
        "-o", "Dir::Etc::sourcelist=\(directory)/apt/sources.list", "-o",
        "Dir::Etc::sourceparts=-", "-o", "Dir::State::lists=\(directory)/apt/lists", "-o",
        "Dir::Cache=\(directory)/apt/cache",
      ]
    }
    return ["env", "-C", "\(directory)/\(place)", "LC_ALL=C", program] + options + words
  }

  private func path(of archive: String) -> String {
    "\(directory)/unpacked/\(archive.hasSuffix(".deb") ? String(archive.dropLast(4)) : archive)"
  }

  private func isUnpacked(_ archive: String?) -> Bool {
    archive.map { files.fileExists(atPath: path(of: $0)) } ?? false
  }

  private func make(_ name: String) throws(GuestError) {
    do {
      try files.createDirectory(
        atPath: "\(directory)/\(name)", withIntermediateDirectories: true)
    } catch {
      throw .failed("\(directory)/\(name) cannot be made: \(error)")
    }
  }

  private func write(_ text: String, to name: String) throws(GuestError) {
    do {
      try Data(text.utf8).write(to: URL(filePath: "\(directory)/\(name)"))
    } catch {
      throw .failed("\(directory)/\(name) cannot be written: \(error)")
    }
  }
}
