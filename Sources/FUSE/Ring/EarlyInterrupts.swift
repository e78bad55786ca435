/// Interrupts that came before the requests they are about: with rings they go separate ways.
///
/// Only the last few are kept. Most are about requests answered long ago.
package struct EarlyInterrupts: BitwiseCopyable, Sendable {
  private var uniques = InlineArray<8, UInt64>(repeating: 0)
  private var next = 0
  /// False: there is nothing to look for.
  package private(set) var isEmpty = true

  package init() {}

  /// Keeps one; `unique` is never 0.
  package mutating func note(_ unique: UInt64) {
    uniques[next] = unique
    next = (next + 1) % uniques.count
    isEmpty = false
  }

  /// Whether a request that still waits was interrupted.
  package func contains(_ unique: UInt64) -> Bool {
    uniques.indices.contains { uniques[$0] == unique }
  }

  /// Whether the request that comes now was interrupted; forgets it.
  package mutating func take(_ unique: UInt64) -> Bool {
    for index in uniques.indices where uniques[index] == unique {
      uniques[index] = 0
      return true
    }
    return false
  }
}
