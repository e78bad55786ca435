import FoundationEssentials

/// A guest's first and only file system: busybox, an `/init`, modules, programs with libraries.
///
/// `/init` loads the modules in the order they were added, brings `eth0` up, and serves scripts
/// on the control channel until the machine is ended.
package struct GuestImage {
  private var archive = NewcArchive()
  private var paths: Set<String> = []
  private var moduleLines = ""

  /// - Parameters:
  ///   - busybox: a static busybox, as Debian's busybox-static has it.
  ///   - address: the guest's, with a prefix length.
  ///   - gateway: where everything else is reached, when there is such a place.
  package init(busybox: String, address: String, gateway: String? = nil) throws(GuestError) {
    for name in ["proc", "sys", "dev", "tmp", "run", "mnt", "sbin", "lib64", "usr/sbin"] {
      addDirectory(name)
    }
    try addFile(contentsOf: busybox, at: "bin/busybox")
    addFile("init", Array(PackageResources.init_sh), mode: 0o755)
    var network = "address=\(address)\n"
    if let gateway { network += "gateway=\(gateway)\n" }
    addFile("etc/guest.conf", Array(network.utf8))
  }

  /// Adds a directory and those above it.
  package mutating func addDirectory(_ path: String) {
    var above = ""
    for part in path.split(separator: "/") {
      above += above.isEmpty ? String(part) : "/\(part)"
      if paths.insert(above).inserted { archive.append(above, .directory, mode: 0o755) }
    }
  }

  /// Adds a file unless it is there already.
  package mutating func addFile(_ path: String, _ content: [UInt8], mode: UInt32 = 0o644) {
    let parts = path.split(separator: "/")
    addDirectory(parts.dropLast().joined(separator: "/"))
    let path = parts.joined(separator: "/")
    if paths.insert(path).inserted { archive.append(path, .file, mode: mode, content: content) }
  }

  /// Adds a program or library of this machine with every shared library it needs.
  ///
  /// - Parameters:
  ///   - roots: directories with unpacked packages to find libraries in besides this machine's;
  ///     what comes from there stands in the guest where its package would have put it.
  package mutating func addProgram(
    _ file: String, at path: String? = nil, roots: [String] = []
  ) throws(GuestError) {
    try addFile(contentsOf: file, at: path ?? file)
    let places = roots.flatMap { root in
      ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib", "lib"].map { "\(root)/\($0)" }
    }
    let output = try Program.run(
      ["env", "LC_ALL=C", "LD_LIBRARY_PATH=\(places.joined(separator: ":"))", "ldd", file])
    let libraries = SharedLibraries(parsing: output.text)
    guard libraries.missing.isEmpty else {
      throw .missing("\(libraries.missing.joined(separator: ", ")), which \(file) needs")
    }
    for library in libraries.paths {
      let root = roots.first { library.hasPrefix($0 + "/") }
      try addFile(
        contentsOf: library, at: root.map { String(library.dropFirst($0.count)) } ?? library)
    }
  }

  /// Adds modules of `kernel` and what they depend on; `/init` loads them in this order.
  ///
  /// - Parameter optional: taken where the kernel has them.
  package mutating func addModules(
    _ names: [String], optional: [String] = [], of kernel: KernelFiles
  ) throws(GuestError) {
    let wanted = names + optional.filter { kernel.modules.contains($0) }
    var contents: [String: [UInt8]] = [:]
    let order = try kernel.modules.loadOrder(for: wanted) { path throws(GuestError) in
      let content = try kernel.content(ofModule: path)
      contents[path] = content
      return content
    }
    for path in order {
      let place = "lib/modules/\(path)"
      guard !paths.contains(place), let content = contents[path] else { continue }
      addFile(place, content)
      moduleLines += "/\(place)\n"
    }
  }

  /// Writes the archive for the kernel to unpack.
  package consuming func write(to file: String) throws(GuestError) {
    addFile("etc/modules", Array(moduleLines.utf8))
    do {
      try Data(archive.finished()).write(to: URL(filePath: file), options: .atomic)
    } catch {
      throw .failed("\(file) cannot be written: \(error)")
    }
  }

  private mutating func addFile(contentsOf file: String, at path: String) throws(GuestError) {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw .failed("\(file) cannot be read")
    }
    addFile(path, Array(data), mode: 0o755)
  }
}
