/// Why a host name gave no address.
package enum ResolverError: Error, Equatable, Sendable {
  /// The name does not exist, or has no address.
  case notFound
  /// The name service did not answer in time.
  case timedOut
  /// The name service failed for now.
  case temporaryFailure
  /// Too many names are being looked up at once.
  case busy
  case cancelled
}
