/// A target a discovery session told of, and where it listens.
package struct DiscoveredTarget: Equatable, Sendable {
  package var name: ISCSIName
  /// In the order told, each once; never empty.
  package var portals: [Portal]

  package init(name: ISCSIName, portals: [Portal]) {
    self.name = name
    self.portals = portals
  }
}
