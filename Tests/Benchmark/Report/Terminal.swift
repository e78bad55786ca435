import Glibc
import Synchronization
import SystemPackage

/// Standard output for people: lines that stay, and one that is written over.
final class Terminal: Sendable {
  private let isTerminal = isatty(STDOUT_FILENO) == 1
  /// Whether the last line is one to write over.
  private let hasStatus = Mutex(false)

  /// A line that stays.
  func line(_ text: String) {
    clear()
    write(text + "\n")
  }

  /// What goes on now; where lines cannot be written over, a line like others.
  func status(_ text: String) {
    guard isTerminal else { return write(text + "\n") }
    hasStatus.withLock { $0 = true }
    write("\r\u{1B}[K" + text)
  }

  /// Takes the line that says what goes on away.
  func clear() {
    let had = hasStatus.withLock { has in
      defer { has = false }
      return has
    }
    if had { write("\r\u{1B}[K") }
  }

  /// Something that did not go as it should.
  func warn(_ text: String) {
    clear()
    _ = try? FileDescriptor.standardError.writeAll("benchmark: \(text)\n".utf8)
  }

  private func write(_ text: String) {
    _ = try? FileDescriptor.standardOutput.writeAll(text.utf8)
  }
}
