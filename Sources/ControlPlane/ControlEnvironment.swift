import LinuxIO

/// The world outside the control plane, so that tests can be it: network, time, chance.
struct ControlEnvironment: Sendable {
  var connector: any SessionConnector
  var clock: any Clock<Duration>
  /// A number from 0 up to, not including, 1.
  var random: @Sendable () -> Double
  /// The calendar's time, for what people read.
  var wallTime: @Sendable () -> WallTime = { .now }
}
