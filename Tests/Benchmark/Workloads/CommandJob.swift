/// A program as a person runs it, through the page cache.
struct CommandJob: Sendable {
  /// For the shell; the LUN's file is `$F`.
  var script: String
  /// What it moves.
  var mebibytes: Int

  /// The size of the LUN that has a file, and of what is moved of one that has none.
  static let fileMebibytes = 512

  static func reading(_ script: String, _ mebibytes: Int = fileMebibytes) -> CommandJob {
    CommandJob(script: script, mebibytes: mebibytes)
  }

  /// dd of zeros, done when they are on the medium.
  static func writing(_ sizes: String, _ mebibytes: Int = fileMebibytes) -> CommandJob {
    CommandJob(
      script: "dd if=/dev/zero of=\"$F\" \(sizes) conv=notrunc,fsync status=none",
      mebibytes: mebibytes)
  }
}
