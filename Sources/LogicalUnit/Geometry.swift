package struct Geometry: BitwiseCopyable, Hashable, Sendable {}
