// C shims: what Swift cannot express (an instruction) or cannot see (a Linux call without a module).
// Every system call shim returns its result or -errno, allocates nothing and takes no lock.
#ifndef CLINUX_H
#define CLINUX_H
#include "CLinuxRing.h"
#include "CLinuxSpawn.h"

#include <netdb.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define CLINUX_HOT __attribute__((swift_attr("@_noAllocation"), swift_attr("@_noLocks")))

/// CRC32C (Castagnoli) continued over `count` bytes; start and finish with ~0 (RFC 7143, 13.1).
CLINUX_HOT uint32_t clinux_crc32c(uint32_t crc, const void *bytes, size_t count);
/// The same without the processor's instruction: what is left where it is missing.
CLINUX_HOT uint32_t clinux_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

// Descriptors.
CLINUX_HOT int64_t clinux_read(int fd, void *buffer, size_t count);
/// Fills `first`, then `second`.
CLINUX_HOT int64_t clinux_read_two(int fd, void *first, size_t first_count, void *second,
                                   size_t second_count);
CLINUX_HOT int64_t clinux_write(int fd, const void *buffer, size_t count);
CLINUX_HOT int64_t clinux_writev(int fd, const struct iovec *vectors, int count);
/// Writes `first`, then `second`, in one call.
CLINUX_HOT int64_t clinux_write_two(int fd, const void *first, size_t first_count,
                                    const void *second, size_t second_count);
int clinux_close(int fd);
int clinux_set_nonblocking(int fd);
int clinux_duplicate(int fd);

// Readiness.
int clinux_epoll_create(void);
int clinux_epoll_add(int epoll, int fd, uint32_t events, uint64_t token);
int clinux_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token);
int clinux_epoll_remove(int epoll, int fd);
CLINUX_HOT int clinux_epoll_wait(int epoll, struct epoll_event *events, int capacity,
                                 int timeout_milliseconds);
int clinux_eventfd(void);
int clinux_poll_one(int fd, short events, int timeout_milliseconds);
/// Waits for `events` of fd or for `other` to become readable: 1, 2 or 3 by which, 0 for neither.
int clinux_poll_two(int fd, short events, int other, int timeout_milliseconds);

// Sockets.
int clinux_stream_socket(int family);
int clinux_connect(int fd, const struct sockaddr *address, uint32_t length);
int clinux_socket_error(int fd);
int clinux_set_no_delay(int fd);
/// Before connecting: the window's scale is told in the first segment.
int clinux_set_buffers(int fd, int bytes);
int clinux_set_type_of_service(int fd, int family, int value);
/// Urgent data arrive in their place among the others.
int clinux_set_urgent_inline(int fd);
// The accepted socket is non-blocking.
int clinux_accept(int fd);
CLINUX_HOT int64_t clinux_sendmsg(int fd, const struct iovec *vectors, int count);
CLINUX_HOT int64_t clinux_recv(int fd, void *buffer, size_t count);
/// The numeric address and port of one end; 0 or -errno.
int clinux_name_of_end(int fd, int remote, char *address, size_t capacity, uint16_t *port);
/// The address of one end, 4 or 16 bytes in network order, and its port; their number or -errno.
int clinux_address_of_end(int fd, int remote, uint8_t address[16], uint16_t *port);
int clinux_shutdown(int fd);
int clinux_shutdown_write(int fd);
/// The numeric address and port of a socket address; 0 or -errno.
int clinux_name_of_address(const struct sockaddr *socket_address, char *address, size_t capacity,
                           uint16_t *port);

// Time and memory.
CLINUX_HOT uint64_t clinux_monotonic_nanoseconds(void);
/// Since 1970, UTC.
CLINUX_HOT uint64_t clinux_wall_nanoseconds(void);
void *clinux_map_pages(size_t count);
void clinux_unmap_pages(void *pages, size_t count);
void clinux_name_thread(const char *name);
int clinux_set_dumpable(int is_dumpable);
int clinux_lock_memory(void);
int clinux_set_io_flusher(void);

#endif
