import FUSE
import Reactor

/// The nodes the kernel knows: their numbers, paths and how often they were looked up.
///
/// A path's number is made from its bytes, so that inodes stay the same when the kernel forgets and
/// comes again; LUN files have the number the reactor knows them by.
struct NodeTable: Sendable {
  private struct Node: Sendable {
    var path: TreePath
    var lookups: UInt64
  }

  private var nodes: [NodeNumber: Node] = [
    .root: Node(path: .root, lookups: .max)
  ]

  /// Where a node lies; nil when the kernel was never given it or has forgotten it.
  func path(of node: NodeNumber) -> TreePath? { nodes[node]?.path }

  /// Every node but the root, with its path.
  var known: [(node: NodeNumber, path: TreePath)] {
    nodes.compactMap { $0.key == .root ? nil : ($0.key, $0.value.path) }
  }

  /// The number of `path`, without a reference to it: the known one, or the one it would get.
  func number(of path: TreePath, unit: LogicalUnitHandle?) -> NodeNumber {
    if path.components.isEmpty { return .root }
    if let unit { return NodeNumber(rawValue: unit.nodeID) }
    var candidate = Self.candidate(path)
    while let node = nodes[candidate], node.path != path {
      candidate = Self.next(candidate)
    }
    return candidate
  }

  /// The number of `path`, with one more reference.
  mutating func lookUp(_ path: TreePath, unit: LogicalUnitHandle?) -> NodeNumber {
    let number = number(of: path, unit: unit)
    guard number != .root else { return number }
    nodes[number, default: Node(path: path, lookups: 0)].lookups &+= 1
    return number
  }

  /// Takes references back; the last one removes the node. Unknown nodes are ignored.
  mutating func forget(_ number: NodeNumber, count: UInt64) {
    guard number != .root, let node = nodes[number] else { return }
    if node.lookups <= count {
      nodes[number] = nil
    } else {
      nodes[number]?.lookups -= count
    }
  }

  /// Numbers of paths: bit 47 set, all above clear. Neither the root's nor a LUN's.
  private static func candidate(_ path: TreePath) -> NodeNumber {
    // FNV-1a, 64 bits.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for component in path.components {
      for byte in component.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
      hash = (hash ^ UInt64(UInt8(ascii: "/"))) &* 0x100_0000_01B3
    }
    return bounded(hash)
  }

  private static func next(_ number: NodeNumber) -> NodeNumber { bounded(number.rawValue &+ 1) }

  private static func bounded(_ value: UInt64) -> NodeNumber {
    NodeNumber(rawValue: value & (1 << 47 - 1) | 1 << 47)
  }
}
