// io_uring as the reactor needs it, over liburing's inline functions, which Swift cannot import.
#ifndef CLINUX_RING_H
#define CLINUX_RING_H
#include <stddef.h>
#include <stdint.h>

#define CLINUX_RING_HOT __attribute__((swift_attr("@_noAllocation"), swift_attr("@_noLocks")))

/// An io_uring with room for 80 bytes of command in a submission (SQE128); one thread submits.
struct clinux_ring;

struct clinux_ring_completion {
  uint64_t token;
  int32_t result;
  /// Whether the submission will complete again.
  int32_t more;
};

/// Makes a ring for at least `entries` submissions at once; 0 or -errno.
int clinux_ring_open(uint32_t entries, struct clinux_ring **ring);
void clinux_ring_close(struct clinux_ring *ring);

/// Queues a poll of fd that completes at every edge of `events`, or once; 0 or -errno.
CLINUX_RING_HOT int clinux_ring_poll(struct clinux_ring *ring, int fd, uint32_t events, int repeats,
                                     uint64_t token);
/// Queues the end of the poll with `token`; its own completion carries `quiet`.
CLINUX_RING_HOT int clinux_ring_end_poll(struct clinux_ring *ring, uint64_t token, uint64_t quiet);
/// Queues a command of the file behind fd: `operation` with `count` bytes (at most 80) of it, an
/// address and a length beside; 0 or -errno.
CLINUX_RING_HOT int clinux_ring_command(struct clinux_ring *ring, int fd, uint32_t operation,
                                        const void *command, size_t count, const void *address,
                                        uint32_t length, uint64_t token);
/// Submits what is queued and waits for a completion, at most so long (-1: without limit);
/// 0 or -errno.
CLINUX_RING_HOT int clinux_ring_wait(struct clinux_ring *ring, int timeout_milliseconds);
/// Takes the oldest completion; 1, or 0 when there is none.
CLINUX_RING_HOT int clinux_ring_next(struct clinux_ring *ring,
                                     struct clinux_ring_completion *completion);

#endif
