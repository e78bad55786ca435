import FoundationEssentials

/// Debian's kernel as its packages brought it: the image and the modules, from several directories.
package struct KernelFiles {
  /// "6.1.0-56-amd64".
  package let release: String
  /// The bootable image.
  package let image: String
  package let modules: ModuleIndex
  /// Directories that hold `kernel/...` paths of this release.
  private let moduleDirectories: [String]

  /// Downloads the kernel that `linux-image-amd64` stands for in the store's source.
  package init(from store: PackageStore) throws(GuestError) {
    let names = try store.closure(of: "linux-image-amd64") { name in
      ["linux-image-", "linux-binary-", "linux-modules-", "linux-base-"].contains {
        name.hasPrefix($0)
      }
    }
    try self.init(roots: store.unpacked(names))
  }

  /// - Parameter roots: directories with a kernel's unpacked packages.
  package init(roots: [String]) throws(GuestError) {
    let files = FileManager.default
    var image: String?
    var directories: [String: [String]] = [:]
    for root in roots {
      for name in (try? files.contentsOfDirectory(atPath: "\(root)/boot")) ?? []
      where name.hasPrefix("vmlinuz-") {
        image = "\(root)/boot/\(name)"
      }
      // With /lib a link to /usr/lib, packages have either.
      for parent in ["\(root)/lib/modules", "\(root)/usr/lib/modules"] {
        for release in (try? files.contentsOfDirectory(atPath: parent)) ?? [] {
          directories[release, default: []].append("\(parent)/\(release)")
          if files.fileExists(atPath: "\(parent)/\(release)/vmlinuz") {
            image = "\(parent)/\(release)/vmlinuz"
          }
        }
      }
    }
    guard let image, directories.count == 1, let (release, places) = directories.first else {
      throw .failed("\(roots.joined(separator: ", ")) are not one kernel")
    }
    self.release = release
    self.image = image
    moduleDirectories = places
    modules = ModuleIndex(
      order: Self.text("modules.order", in: places),
      builtIn: Self.text("modules.builtin", in: places))
  }

  /// A module's bytes, decompressed, by its path in the index.
  package func content(ofModule path: String) throws(GuestError) -> [UInt8] {
    for directory in moduleDirectories {
      if let data = FileManager.default.contents(atPath: "\(directory)/\(path)") {
        return Array(data)
      }
      if FileManager.default.fileExists(atPath: "\(directory)/\(path).xz") {
        return try Program.require(["xz", "-dc", "\(directory)/\(path).xz"]).output
      }
    }
    throw .failed("\(path) of \(release) is not there, or compressed by other than xz")
  }

  private static func text(_ name: String, in directories: [String]) -> String {
    for directory in directories {
      if let data = FileManager.default.contents(atPath: "\(directory)/\(name)") {
        return String(decoding: data, as: UTF8.self)
      }
    }
    return ""
  }
}
