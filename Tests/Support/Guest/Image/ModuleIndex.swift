/// The modules of one kernel by name, and in which order some of them are loaded.
///
/// Pure: a module's bytes are asked for. What a module needs is read from the module itself
/// (`.modinfo`, "depends="), so that no index has to be generated first.
package struct ModuleIndex: Sendable {
  /// Paths below the kernel's module directory, without a compression's suffix.
  private let paths: [String: String]
  private let builtIn: Set<String>

  /// - Parameters:
  ///   - order: the text of `modules.order`.
  ///   - builtIn: the text of `modules.builtin`.
  package init(order: String, builtIn: String) {
    let lines = order.split(separator: "\n").map(String.init)
    paths = Dictionary(lines.map { (Self.name(of: $0), $0) }) { first, _ in first }
    self.builtIn = Set(builtIn.split(separator: "\n").map { Self.name(of: String($0)) })
  }

  /// Where a module's file is; nil when the kernel has no such module.
  package func path(of name: String) -> String? { paths[Self.normalized(name)] }

  /// Whether the kernel has it, as a module or built in.
  package func contains(_ name: String) -> Bool {
    let name = Self.normalized(name)
    return paths[name] != nil || builtIn.contains(name)
  }

  /// The files to load for `names`, each after those it depends on, none twice.
  ///
  /// What is built in needs no file.
  /// - Parameter content: the bytes of a module, not compressed, by its path.
  package func loadOrder(
    for names: [String], content: (String) throws(GuestError) -> [UInt8]
  ) throws(GuestError) -> [String] {
    var order: [String] = []
    var seen: Set<String> = []
    for name in names { try visit(name, &order, &seen, content) }
    return order
  }

  private func visit(
    _ name: String, _ order: inout [String], _ seen: inout Set<String>,
    _ content: (String) throws(GuestError) -> [UInt8]
  ) throws(GuestError) {
    let name = Self.normalized(name)
    guard seen.insert(name).inserted, !builtIn.contains(name) else { return }
    guard let path = paths[name] else { throw .failed("the kernel has no module \(name)") }
    for dependency in Self.dependencies(inModule: try content(path)) {
      try visit(dependency, &order, &seen, content)
    }
    order.append(path)
  }

  /// What a module's "depends=" names.
  package static func dependencies(inModule bytes: [UInt8]) -> [String] {
    let key = Array("\0depends=".utf8)
    guard let start = bytes.firstRange(of: key)?.upperBound else { return [] }
    let value = String(decoding: bytes[start...].prefix { $0 != 0 }, as: UTF8.self)
    return value.split(separator: ",").map { normalized(String($0)) }
  }

  /// "crc32c_intel" of "kernel/arch/x86/crypto/crc32c-intel.ko".
  private static func name(of path: String) -> String {
    let file = path.split(separator: "/").last ?? ""
    return normalized(String(file.hasSuffix(".ko") ? file.dropLast(3) : file))
  }

  /// The kernel takes a hyphen for an underscore.
  private static func normalized(_ name: String) -> String {
    String(name.map { $0 == "-" ? "_" : $0 })
  }
}
