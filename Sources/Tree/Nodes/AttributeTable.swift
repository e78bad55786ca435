/// The files of one kind of directory: a name and how its value is made, in the order shown.
///
/// A value that is nil is not known, and its file is absent.
struct AttributeTable<Subject: Sendable>: Sendable {
  typealias Value = @Sendable (Subject) -> AttributeFile?

  let names: [String]
  private let values: [String: Value]

  init(_ rows: [(String, Value)]) {
    names = rows.map { $0.0 }
    values = Dictionary(rows) { first, _ in first }
  }

  /// The names that have a value.
  func names(of subject: Subject) -> [String] {
    names.filter { values[$0]?(subject) != nil }
  }

  func file(named name: String, of subject: Subject) -> AttributeFile? {
    values[name]?(subject)
  }
}
