/// How much the cold side takes at once; beyond, requests wait in the kernel.
package enum ColdLimits {
  /// Requests that may wait for the cold thread.
  package static let requests = 1024

  /// Requests being served. A control write may wait minutes for a target: enough for a script
  /// that logs in to hundreds in parallel.
  package static let tasks = 256

  /// Bytes kept of a WRITE: twice a control command's limit, so that a longer one is seen as such.
  package static let writtenBytes = 8192
}
