/// `by-id/` and `by-path/`: symbolic links to LUN files.
struct LinkDirectory: TreeDirectory {
  let links: OrderedNames<String>

  var names: [String] { links.names }

  func entry(named name: String) -> TreeEntry? {
    links.value(of: name).map { .link(target: $0) }
  }
}
