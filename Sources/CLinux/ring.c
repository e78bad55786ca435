#define _GNU_SOURCE
#include "CLinuxRing.h"

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>

struct clinux_ring {
  struct io_uring io;
};

int clinux_ring_open(uint32_t entries, struct clinux_ring **ring) {
  struct clinux_ring *made = calloc(1, sizeof *made);
  if (!made) return -ENOMEM;
  // Completions of the file's work need no interrupt: the one thread enters the kernel anyway.
  struct io_uring_params parameters = {
      .flags = IORING_SETUP_SQE128 | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN |
               IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
      .cq_entries = 4 * entries,
  };
  int result = io_uring_queue_init_params(entries, &made->io, &parameters);
  if (result < 0) {
    free(made);
    return result;
  }
  *ring = made;
  return 0;
}

void clinux_ring_close(struct clinux_ring *ring) {
  io_uring_queue_exit(&ring->io);
  free(ring);
}

// A submission to fill; what is queued goes ahead when there is no room.
static struct io_uring_sqe *submission(struct clinux_ring *ring) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->io);
  if (sqe) return sqe;
  io_uring_submit(&ring->io);
  return io_uring_get_sqe(&ring->io);
}

int clinux_ring_poll(struct clinux_ring *ring, int fd, uint32_t events, int repeats,
                     uint64_t token) {
  struct io_uring_sqe *sqe = submission(ring);
  if (!sqe) return -EBUSY;
  if (repeats)
    io_uring_prep_poll_multishot(sqe, fd, events);
  else
    io_uring_prep_poll_add(sqe, fd, events);
  io_uring_sqe_set_data64(sqe, token);
  return 0;
}

int clinux_ring_end_poll(struct clinux_ring *ring, uint64_t token, uint64_t quiet) {
  struct io_uring_sqe *sqe = submission(ring);
  if (!sqe) return -EBUSY;
  io_uring_prep_poll_remove(sqe, token);
  io_uring_sqe_set_data64(sqe, quiet);
  return 0;
}

int clinux_ring_command(struct clinux_ring *ring, int fd, uint32_t operation, const void *command,
                        size_t count, const void *address, uint32_t length, uint64_t token) {
  struct io_uring_sqe *sqe = submission(ring);
  if (!sqe) return -EBUSY;
  if (count > 80) return -EINVAL;
  io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, address, length, 0);
  sqe->cmd_op = operation;
  memcpy(sqe->cmd, command, count);
  io_uring_sqe_set_data64(sqe, token);
  return 0;
}

int clinux_ring_wait(struct clinux_ring *ring, int timeout_milliseconds) {
  int result;
  if (timeout_milliseconds == 0) {
    result = io_uring_submit_and_get_events(&ring->io);
  } else if (timeout_milliseconds < 0) {
    result = io_uring_submit_and_wait(&ring->io, 1);
  } else {
    struct io_uring_cqe *cqe;
    struct __kernel_timespec time = {
        .tv_sec = timeout_milliseconds / 1000,
        .tv_nsec = (timeout_milliseconds % 1000) * 1000000LL,
    };
    result = io_uring_submit_and_wait_timeout(&ring->io, &cqe, 1, &time, NULL);
  }
  if (result == -ETIME || result == -EINTR) return 0;
  return result < 0 ? result : 0;
}

int clinux_ring_next(struct clinux_ring *ring, struct clinux_ring_completion *completion) {
  struct io_uring_cqe *cqe;
  if (io_uring_peek_cqe(&ring->io, &cqe) != 0) return 0;
  completion->token = io_uring_cqe_get_data64(cqe);
  completion->result = cqe->res;
  completion->more = (cqe->flags & IORING_CQE_F_MORE) != 0;
  io_uring_cqe_seen(&ring->io, cqe);
  return 1;
}
