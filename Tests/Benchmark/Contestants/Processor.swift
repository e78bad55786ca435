import Lab

/// Where processes may run, changed with taskset.
enum Processor {
  /// The last one this process may use: the first has more of the machine's other work.
  static var last: Int { ProcessStatus.allowedProcessors().last ?? 0 }

  static func pin(_ processID: Int32, to number: Int, in lab: Lab) async throws {
    try await set(processID, "\(number)", in: lab)
  }

  /// Gives a process all processors again.
  static func free(_ processID: Int32, in lab: Lab) async throws {
    let all = ProcessStatus.allowedProcessors().map(String.init).joined(separator: ",")
    try await set(processID, all, in: lab)
  }

  private static func set(_ processID: Int32, _ list: String, in lab: Lab) async throws {
    _ = try await Command.expect(
      ["taskset", "--all-tasks", "--pid", "--cpu-list", list, "\(processID)"], in: lab,
      limit: .seconds(10))
  }
}
