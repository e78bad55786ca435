/// Interrupts that came to a reactor before the requests they are about: two ways lead to it.
///
/// Only the last few are kept. Most are about requests answered long ago.
struct EarlyInterrupts: BitwiseCopyable {
  private var uniques = InlineArray<8, UInt64>(repeating: 0)
  private var next = 0
  /// False: there is nothing to look for.
  private(set) var isEmpty = true

  /// Keeps one; `unique` is never 0.
  mutating func note(_ unique: UInt64) {
    uniques[next] = unique
    next = (next + 1) % uniques.count
    isEmpty = false
  }

  /// Whether the request that comes now was interrupted; forgets it.
  mutating func take(_ unique: UInt64) -> Bool {
    for index in uniques.indices where uniques[index] == unique {
      uniques[index] = 0
      return true
    }
    return false
  }
}
