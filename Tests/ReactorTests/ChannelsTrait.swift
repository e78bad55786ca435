import Testing

@testable import Reactor

/// Runs each test of a suite twice: with requests from /dev/fuse, then in entries of a ring.
struct ChannelsTrait: SuiteTrait, TestTrait, TestScoping {
  let isRecursive = true

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    // A suite's own scope is entered once; its tests come one by one.
    guard testCase != nil else { return try await function() }
    if let only = test.traits.lazy.compactMap({ $0 as? ChannelTrait }).first {
      return try await ReactorHarness.$channel.withValue(only.channel, operation: function)
    }
    try await ReactorHarness.$channel.withValue(.device, operation: function)
    try await ReactorHarness.$channel.withValue(.ring, operation: function)
  }
}

/// A test of a suite with both channels that is about one of them, and runs on that alone.
struct ChannelTrait: TestTrait {
  let channel: RequestChannel
}

extension Trait where Self == ChannelsTrait {
  static var bothChannels: Self { ChannelsTrait() }
}

extension Trait where Self == ChannelTrait {
  static func only(_ channel: RequestChannel) -> Self { ChannelTrait(channel: channel) }
}
