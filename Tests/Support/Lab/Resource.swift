/// Something of the machine's that a lab owns and gives back.
package protocol Resource: Sendable {
  /// Gives it back, whatever state it is in; the lab hears what is wrong on the way.
  func end() async
}
