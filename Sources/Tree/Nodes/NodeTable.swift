import FUSE
import Reactor

/// The nodes the kernel knows: their numbers, places and how often they were looked up.
///
/// A node's number is made from its parent's and its name, so that inodes stay the same when the
/// kernel forgets and comes again; LUN files have the number the reactor knows them by. The kernel
/// may come to know a hundred thousand nodes: each keeps its name and its parent's number only.
struct NodeTable: Sendable {
  private struct Node: Sendable {
    var parent: NodeNumber
    var name: String
    var lookups: UInt64 = 0
    /// Known nodes in it: it is kept as long as they are.
    var children: UInt32 = 0
  }

  /// All but the root.
  private var nodes: [NodeNumber: Node] = [:]

  /// How many nodes are known beside the root.
  var count: Int { nodes.count }

  /// Where a node lies; nil when the kernel was never given it or has forgotten it.
  func path(of node: NodeNumber) -> TreePath? {
    var components: [String] = []
    var number = node
    while number != .root {
      guard let node = nodes[number], number != node.parent else { return nil }
      components.append(node.name)
      number = node.parent
    }
    return TreePath(components: components.reversed())
  }

  func isKnown(_ node: NodeNumber) -> Bool { node == .root || nodes[node] != nil }

  /// The directory a known node lies in; the root's own is itself.
  func parent(of node: NodeNumber) -> NodeNumber { nodes[node]?.parent ?? .root }

  /// The number of `name` in a directory, without a reference to it: the known one, or the one it
  /// would get.
  func number(
    of name: String, in parent: NodeNumber, unit: LogicalUnitHandle? = nil
  ) -> NodeNumber {
    if let unit { return NodeNumber(rawValue: unit.nodeID) }
    var candidate = Self.candidate(name, in: parent)
    while let node = nodes[candidate], node.parent != parent || node.name != name {
      candidate = Self.next(candidate)
    }
    return candidate
  }

  /// The number of a directory by its place.
  func number(ofDirectory path: TreePath) -> NodeNumber {
    path.components.reduce(.root) { number(of: $1, in: $0) }
  }

  /// The number of `name` in a directory, with one more reference; nil when the directory was
  /// forgotten meanwhile.
  mutating func lookUp(
    _ name: String, in parent: NodeNumber, unit: LogicalUnitHandle?
  ) -> NodeNumber? {
    guard isKnown(parent) else { return nil }
    let number = number(of: name, in: parent, unit: unit)
    if nodes[number] == nil {
      nodes[number] = Node(parent: parent, name: name)
      nodes[parent]?.children += 1
    }
    nodes[number]?.lookups &+= 1
    return number
  }

  /// Takes references back; the last one removes the node. Unknown nodes are ignored.
  mutating func forget(_ number: NodeNumber, count: UInt64) {
    guard let node = nodes[number] else { return }
    nodes[number]?.lookups = node.lookups > count ? node.lookups - count : 0
    var number = number
    while let node = nodes[number], node.lookups == 0, node.children == 0 {
      nodes[number] = nil
      nodes[node.parent]?.children -= 1
      number = node.parent
    }
  }

  /// Numbers of names: bit 47 set, all above clear. Neither the root's nor a LUN's.
  private static func candidate(_ name: String, in parent: NodeNumber) -> NodeNumber {
    // FNV-1a, 64 bits, begun with the parent's number.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for shift in stride(from: UInt64(0), to: 64, by: 8) {
      hash = (hash ^ (parent.rawValue >> shift & 0xFF)) &* 0x100_0000_01B3
    }
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return bounded(hash)
  }

  private static func next(_ number: NodeNumber) -> NodeNumber { bounded(number.rawValue &+ 1) }

  private static func bounded(_ value: UInt64) -> NodeNumber {
    NodeNumber(rawValue: value & (1 << 47 - 1) | 1 << 47)
  }
}
