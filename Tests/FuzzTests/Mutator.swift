/// Changes inputs the way fuzzers do, by a sequence that is the same for the same seed.
struct Mutator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  /// One of `inputs`, short, with a few bytes changed, taken out, doubled or taken from another.
  mutating func mutated(_ inputs: [[UInt8]]) -> [UInt8] {
    guard var input = pick(inputs) else { return [] }
    for _ in 0...number(below: 4) {
      let position = number(below: input.count + 1)
      switch number(below: 6) {
      case 0 where position < input.count: input[position] ^= 1 << UInt8(number(below: 8))
      case 1 where position < input.count: input[position] = UInt8(number(below: 256))
      case 2: input.removeSubrange(position..<min(input.count, position + 1 + number(below: 8)))
      case 3: input.insert(UInt8(number(below: 256)), at: position)
      case 4: input.insert(contentsOf: input[position...].prefix(16), at: position)
      default:
        let other = pick(inputs) ?? []
        input.insert(contentsOf: other.dropFirst(number(below: other.count + 1)), at: position)
      }
    }
    return Array(input.prefix(8_192))
  }

  private mutating func pick(_ inputs: [[UInt8]]) -> [UInt8]? {
    inputs.isEmpty ? nil : inputs[number(below: inputs.count)]
  }

  private mutating func number(below limit: Int) -> Int { Int(next() % UInt64(max(1, limit))) }

  /// SplitMix64.
  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
