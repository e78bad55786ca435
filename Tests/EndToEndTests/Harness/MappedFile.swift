import Glibc
import Lab

/// The beginning of a file, mapped shared; bytes go by the page fault, not by read and write.
@safe final class MappedFile {
  // SAFETY: as long as the object; every access is checked against its count.
  private let bytes: UnsafeMutableRawBufferPointer

  init(_ path: String, byteCount: Int) throws {
    // SAFETY: the path is a C string for the call; the mapping is checked and lives until deinit.
    let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw ManagedProcess.Failure(description: "\(path): errno \(errno)")
    }
    defer { close(descriptor) }
    let start = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let start = unsafe start, unsafe start != MAP_FAILED else {
      throw ManagedProcess.Failure(description: "\(path) cannot be mapped: errno \(errno)")
    }
    unsafe bytes = UnsafeMutableRawBufferPointer(start: start, count: byteCount)
  }

  deinit {
    // SAFETY: nobody can use the mapping any more.
    unsafe munmap(bytes.baseAddress, bytes.count)
  }

  subscript(offset: Int) -> UInt8 {
    get { unsafe bytes[offset] }
    set { unsafe bytes[offset] = newValue }
  }

  /// `msync`: what was stored through the mapping is written when it returns.
  func synchronize() -> Bool {
    unsafe msync(bytes.baseAddress, bytes.count, MS_SYNC) == 0
  }
}
