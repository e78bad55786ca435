import Testing

@testable import ISCSI

@Suite("What is offered after an algorithm failed")
struct CHAPFallbackTests {
  private static let all: [CHAPAlgorithm] = [.sha3of256, .sha256, .sha1, .md5]

  @Test("what the target failed with is left out, and stays so after a success")
  func remembered() {
    var fallback = CHAPFallback()
    #expect(fallback.offer(of: Self.all) == Self.all)
    let first = fallback.failed(with: .sha3of256, of: Self.all)
    #expect(first && fallback.offer(of: Self.all) == [.sha256, .sha1, .md5])
    let second = fallback.failed(with: .sha256, of: Self.all)
    #expect(second)
    fallback.succeeded()
    #expect(fallback.offer(of: Self.all) == [.sha1, .md5])
  }

  @Test("C30 a wrong secret costs one further try an algorithm once, and then none")
  func wrongSecret() {
    var fallback = CHAPFallback()
    var tries = 0
    func logIn() {
      while true {
        tries += 1
        let chosen = fallback.offer(of: Self.all)[0]
        guard fallback.failed(with: chosen, of: Self.all) else { return }
      }
    }
    logIn()
    #expect(tries == 4)
    for count in 5...20 {
      logIn()
      #expect(tries == count)
    }
  }

  @Test("once the secret is right every algorithm is offered again")
  func corrected() {
    var fallback = CHAPFallback()
    for algorithm in Self.all { _ = fallback.failed(with: algorithm, of: Self.all) }
    _ = fallback.failed(with: .sha3of256, of: Self.all)
    #expect(fallback.offer(of: Self.all) == [.sha256, .sha1, .md5])
    fallback.succeeded()
    #expect(fallback.offer(of: Self.all) == Self.all)
    let isWorthATry = fallback.failed(with: .sha3of256, of: Self.all)
    #expect(isWorthATry)
  }

  @Test("the only algorithm is not tried twice")
  func single() {
    var fallback = CHAPFallback()
    let isWorthATry = fallback.failed(with: .md5, of: [.md5])
    #expect(!isWorthATry && fallback.offer(of: [.md5]) == [.md5])
  }

  @Test("a target that can do nothing of the rest gets everything offered again")
  func nothingOfTheRest() {
    var fallback = CHAPFallback()
    // It knows MD5 alone, and refused because the secret was wrong for a while.
    let isWorthATry = fallback.failed(with: .md5, of: Self.all)
    #expect(isWorthATry && fallback.offer(of: Self.all) == [.sha3of256, .sha256, .sha1])
    fallback.refusedTheRest()
    #expect(fallback.offer(of: Self.all) == Self.all)
    // It is known by now that there is nothing to be found out.
    let isAgain = fallback.failed(with: .md5, of: Self.all)
    #expect(!isAgain)
    fallback.refusedTheRest()
    fallback.succeeded()
    #expect(fallback.offer(of: Self.all) == Self.all)
  }

  @Test("a target that refused the whole offer is not said to have failed with anything")
  func nothingAtAll() {
    var fallback = CHAPFallback()
    fallback.refusedTheRest()
    let isWorthATry = fallback.failed(with: .md5, of: Self.all)
    #expect(isWorthATry)
  }
}
