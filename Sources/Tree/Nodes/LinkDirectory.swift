import FUSE

/// `by-id/` and `by-path/`: symbolic links to LUN files.
struct LinkDirectory: TreeDirectory {
  let links: TreeLinks
  let kind: TreeLinks.Kind

  var names: [String] { links.names(kind) }

  var listing: [TreeListing] { names.map { TreeListing(name: $0, kind: .symbolicLink) } }

  func entry(named name: String) -> TreeEntry? {
    links.target(of: name, kind).map { .link(target: $0) }
  }
}
