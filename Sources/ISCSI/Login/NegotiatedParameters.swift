package struct NegotiatedParameters: BitwiseCopyable, Hashable, Sendable {}
