import FuzzTargets
import Testing

/// What the fuzzer found stays found: its corpus runs with every test run, without libFuzzer.
@Suite("Fuzzing corpus")
struct CorpusTests {
  @Test("every property holds for every input kept", arguments: CorpusFile.all)
  func holds(_ file: CorpusFile) throws {
    let target = try #require(FuzzTarget.named(file.targetName))
    try target.run(try file.bytes())
  }

  @Test("every target has inputs, few and small", arguments: FuzzTarget.all.map(\.name))
  func isKept(_ name: String) throws {
    let files = CorpusFile.all.filter { $0.targetName == name }
    #expect(files.count >= 3)
    #expect(files.count <= 400)
    for file in files {
      #expect(try file.bytes().count <= 16_384, "\(file.path)")
    }
  }

  /// A little fuzzing for whoever has no libFuzzer: the same inputs every time.
  @Test("every property holds for inputs changed at random", arguments: FuzzTarget.all.map(\.name))
  func holdsChanged(_ name: String) throws {
    let target = try #require(FuzzTarget.named(name))
    let inputs = try CorpusFile.all.filter { $0.targetName == name }.map { try $0.bytes() }
    var mutator = Mutator(seed: UInt64(name.utf8.reduce(7) { $0 &* 31 &+ UInt32($1) }))
    for _ in 0..<500 {
      let input = mutator.mutated(inputs)
      do { try target.run(input) } catch {
        Issue.record("\(error): \(input)")
        return
      }
    }
  }

  @Test("no bytes at all, and each byte alone, leave every property true")
  func shortest() throws {
    for target in FuzzTarget.all {
      try target.run([])
      for byte: UInt8 in 0...255 { try target.run([byte]) }
    }
  }
}
