// C shims: what Swift cannot express (an instruction) or cannot see (a Linux call without a module).
// Every system call shim returns its result or -errno, allocates nothing and takes no lock.
#ifndef CLINUX_H
#define CLINUX_H
#include "CLinuxSpawn.h"

#include <stddef.h>
#include <stdint.h>

#define CLINUX_HOT __attribute__((swift_attr("@_noAllocation"), swift_attr("@_noLocks")))

/// CRC32C (Castagnoli) continued over `count` bytes; start and finish with ~0 (RFC 7143, 13.1).
CLINUX_HOT uint32_t clinux_crc32c(uint32_t crc, const void *bytes, size_t count);

#endif
