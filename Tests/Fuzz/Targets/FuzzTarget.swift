/// A part of the program that takes bytes from outside, and the properties any bytes must leave
/// true.
///
/// The fuzzer finds bytes, the corpus keeps those worth keeping, and `FuzzTests` runs the corpus in
/// every test run. A property that does not hold is thrown; a trap is a finding of its own.
package struct FuzzTarget: Sendable {
  /// As `make fuzz FUZZ=name` and the corpus directory have it.
  package let name: String
  /// One sentence: what is held.
  package let property: String
  private let check: @Sendable ([UInt8]) throws(Disagreement) -> Void

  init(
    _ name: String, _ property: String,
    check: @escaping @Sendable ([UInt8]) throws(Disagreement) -> Void
  ) {
    self.name = name
    self.property = property
    self.check = check
  }

  /// Runs the target on `bytes`; throws the property that does not hold.
  package func run(_ bytes: [UInt8]) throws(Disagreement) {
    try check(bytes)
  }

  package static let all: [FuzzTarget] = [
    FuzzTarget(
      "framer", "PDUs cut from pieces of the stream are those a naive reader cuts from the whole",
      check: FramerProperties.check),
    FuzzTarget(
      "text", "key=value text, numbers and binary values read as a naive reader reads them",
      check: TextProperties.check),
    FuzzTarget(
      "chap", "a response is sent for no challenge but a whole one, and is its hash",
      check: CHAPProperties.check),
    FuzzTarget(
      "login", "any target ends a login in bounds, with values our offer allows and no secret told",
      check: LoginProperties.check),
    FuzzTarget(
      "transfer", "every byte of a task moves at most once, as a map of its bytes says",
      check: TransferProperties.check),
    FuzzTarget(
      "scsi", "parameter and sense data read as a naive reader reads them, inside their lengths",
      check: ParameterDataProperties.check),
    FuzzTarget(
      "discovery", "a list of targets is the same however it is split, and holds only valid names",
      check: DiscoveryProperties.check),
    FuzzTarget(
      "names", "names and addresses that are taken are safe to show and come back from their text",
      check: NameProperties.check),
    FuzzTarget(
      "control", "a command that is taken means what its words say; one that is not is explained",
      check: ControlProperties.check),
    FuzzTarget(
      "configuration", "a configuration that is taken comes back from its text; secrets never do",
      check: ConfigurationProperties.check),
    FuzzTarget(
      "recovery", "what is missing is asked for, never what came; nothing is acknowledged unseen",
      check: RecoveryProperties.check),
    FuzzTarget(
      "exchange", "Text Responses are answered as a reader of the whole text answers, in bounds",
      check: ExchangeProperties.check),
    FuzzTarget(
      "mask", "a login's text is shown without any byte of a secret, however it was cut",
      check: MaskProperties.check),
    FuzzTarget(
      "segments", "additional header segments are read and written as a naive reader reads them",
      check: SegmentProperties.check),
  ]

  package static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}
