/// Which way bytes go through a proxy.
package enum Direction: CaseIterable, Hashable, Sendable {
  case toTarget
  case toInitiator
}
