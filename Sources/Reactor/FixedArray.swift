/// A fixed number of values in memory of their own, changed in place.
///
/// The reactor's tables: taken once at start, never grown, never copied.
@safe
struct FixedArray<Element: ~Copyable>: ~Copyable {
  private let base: UnsafeMutablePointer<Element>
  let count: Int

  /// `count` elements made by `make`, which is given each index.
  init<Failure: Error>(
    count: Int, _ make: (Int) throws(Failure) -> Element
  ) throws(Failure) {
    precondition(count > 0)
    let base = UnsafeMutablePointer<Element>.allocate(capacity: count)
    for index in 0..<count {
      do throws(Failure) {
        unsafe (base + index).initialize(to: try make(index))
      } catch {
        unsafe base.deinitialize(count: index)
        unsafe base.deallocate()
        throw error
      }
    }
    unsafe self.base = base
    self.count = count
  }

  deinit {
    // SAFETY: init made exactly `count` elements; this is their only owner.
    unsafe base.deinitialize(count: count)
    unsafe base.deallocate()
  }

  /// The first element, for a call that takes them all.
  var pointer: UnsafeMutablePointer<Element> { unsafe base }

  subscript(index: Int) -> Element {
    @inline(__always) unsafeAddress {
      precondition(index >= 0 && index < count, "an index of a fixed array")
      return unsafe UnsafePointer(base + index)
    }
    @inline(__always) nonmutating unsafeMutableAddress {
      precondition(index >= 0 && index < count, "an index of a fixed array")
      return unsafe base + index
    }
  }
}
