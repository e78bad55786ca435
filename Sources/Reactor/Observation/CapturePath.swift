import CLinux

/// The two ends of a connection, as IP and TCP headers name them.
struct CapturePath: Equatable {
  /// Four or sixteen bytes each.
  var local: [UInt8]
  var remote: [UInt8]
  var localPort: UInt16
  var remotePort: UInt16

  /// In place of what is not known, as of a connection that is gone: addresses for documentation
  /// (RFC 5737).
  static let unknown = CapturePath(
    local: [192, 0, 2, 1], remote: [192, 0, 2, 2], localPort: 49_152, remotePort: 3260)

  init(local: [UInt8], remote: [UInt8], localPort: UInt16, remotePort: UInt16) {
    self.local = local
    self.remote = remote
    self.localPort = localPort
    self.remotePort = remotePort
  }

  /// The path of a connected socket; `unknown` where it is none of TCP's.
  init(socket number: CInt) {
    guard let near = Self.end(of: number, isRemote: false),
      let far = Self.end(of: number, isRemote: true), near.address.count == far.address.count
    else {
      self = .unknown
      return
    }
    self.init(
      local: near.address, remote: far.address, localPort: near.port, remotePort: far.port)
  }

  private static func end(
    of number: CInt, isRemote: Bool
  ) -> (address: [UInt8], port: UInt16)? {
    var address = [UInt8](repeating: 0, count: 16)
    var port: UInt16 = 0
    // SAFETY: the shim stores at most sixteen bytes and says how many.
    let count = unsafe clinux_address_of_end(number, isRemote ? 1 : 0, &address, &port)
    return count > 0 ? ([UInt8](address.prefix(Int(count))), port) : nil
  }
}
