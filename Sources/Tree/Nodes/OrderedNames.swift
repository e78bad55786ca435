/// Names in the order they were given, each found at once.
///
/// The first of several equal names counts.
struct OrderedNames<Value: Sendable>: Sendable {
  private(set) var names: [String] = []
  private var values: [String: Value] = [:]

  mutating func append(_ name: String, _ value: Value) {
    guard values[name] == nil else { return }
    names.append(name)
    values[name] = value
  }

  func value(of name: String) -> Value? { values[name] }
}

extension OrderedNames<Int> {
  /// The position a target has in its snapshot.
  func index(of name: String) -> Int? { value(of: name) }
}
