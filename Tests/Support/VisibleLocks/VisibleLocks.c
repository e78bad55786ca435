// Shows ThreadSanitizer when a Mutex of Swift's Synchronization is taken and given back.
//
// A free Mutex is taken by an atomic instruction in our own, instrumented code. A Mutex that somebody
// holds is taken and handed on in libswiftSynchronization by the kernel (FUTEX_LOCK_PI), and that
// library is not instrumented: what the lock orders would be reported as a race. The test program
// is linked with these functions instead of the library's, which they call.

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)

#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>
#include <stdint.h>
#include <stdlib.h>

#define SWIFT_METHOD __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self

// _MutexHandle._lockSlow(_: UInt32) and _MutexHandle._unlockSlow(): what an inlined lock and unlock
// of Mutex call; they belong to the library's stable interface.
#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

static void *next(const char *name) {
  void *function = dlsym(RTLD_NEXT, name);
  if (function == NULL) abort();
  return function;
}

SWIFT_METHOD void lock_slow(uint32_t thread, SELF) __asm__(LOCK_SLOW);
SWIFT_METHOD void unlock_slow(SELF) __asm__(UNLOCK_SLOW);

SWIFT_METHOD void lock_slow(uint32_t thread, SELF) {
  SWIFT_METHOD void (*lock)(uint32_t, SELF) = next(LOCK_SLOW);
  lock(thread, self);
  __tsan_acquire(self);
}

SWIFT_METHOD void unlock_slow(SELF) {
  SWIFT_METHOD void (*unlock)(SELF) = next(UNLOCK_SLOW);
  __tsan_release(self);
  unlock(self);
}

#endif
#endif
