#define _GNU_SOURCE
#include "CLinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

// Repeats a call that a signal interrupted and turns -1 into -errno.
#define RETRY(type, call)                                \
  type result;                                           \
  do result = (call);                                    \
  while (result < 0 && errno == EINTR);                  \
  return result < 0 ? -errno : result

int64_t clinux_read(int fd, void *buffer, size_t count) { RETRY(int64_t, read(fd, buffer, count)); }

int64_t clinux_read_two(int fd, void *first, size_t first_count, void *second,
                        size_t second_count) {
  struct iovec vectors[] = {{first, first_count}, {second, second_count}};
  RETRY(int64_t, readv(fd, vectors, 2));
}

int64_t clinux_write(int fd, const void *buffer, size_t count) {
  RETRY(int64_t, write(fd, buffer, count));
}

int64_t clinux_writev(int fd, const struct iovec *vectors, int count) {
  RETRY(int64_t, writev(fd, vectors, count));
}

int64_t clinux_write_two(int fd, const void *first, size_t first_count, const void *second,
                         size_t second_count) {
  struct iovec vectors[] = {{(void *)first, first_count}, {(void *)second, second_count}};
  RETRY(int64_t, writev(fd, vectors, 2));
}

// Linux closes the descriptor also when close(2) says EINTR.
int clinux_close(int fd) { return close(fd) < 0 ? -errno : 0; }

int clinux_set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -errno;
  return fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

int clinux_duplicate(int fd) { RETRY(int, fcntl(fd, F_DUPFD_CLOEXEC, 3)); }

int clinux_epoll_create(void) { RETRY(int, epoll_create1(EPOLL_CLOEXEC)); }

static int control(int epoll, int operation, int fd, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data.u64 = token};
  return epoll_ctl(epoll, operation, fd, &event) < 0 ? -errno : 0;
}

int clinux_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
  return control(epoll, EPOLL_CTL_ADD, fd, events, token);
}

int clinux_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token) {
  return control(epoll, EPOLL_CTL_MOD, fd, events, token);
}

int clinux_epoll_remove(int epoll, int fd) { return control(epoll, EPOLL_CTL_DEL, fd, 0, 0); }

// Not repeated after a signal: the caller recomputes its timeout.
int clinux_epoll_wait(int epoll, struct epoll_event *events, int capacity, int timeout) {
  int result = epoll_wait(epoll, events, capacity, timeout);
  return result >= 0 ? result : errno == EINTR ? 0 : -errno;
}

int clinux_eventfd(void) { RETRY(int, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int clinux_poll_one(int fd, short events, int timeout) {
  struct pollfd entry = {.fd = fd, .events = events};
  int result = poll(&entry, 1, timeout);
  return result >= 0 ? result : errno == EINTR ? 0 : -errno;
}

int clinux_poll_two(int fd, short events, int other, int timeout) {
  struct pollfd entries[2] = {{.fd = fd, .events = events}, {.fd = other, .events = POLLIN}};
  int result = poll(entries, 2, timeout);
  if (result < 0) return errno == EINTR ? 0 : -errno;
  return (entries[0].revents ? 1 : 0) | (entries[1].revents ? 2 : 0);
}

int clinux_stream_socket(int family) {
  RETRY(int, socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

int clinux_connect(int fd, const struct sockaddr *address, uint32_t length) {
  return connect(fd, address, length) < 0 ? -errno : 0;
}

int clinux_socket_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return -errno;
  return -error;
}

int clinux_set_no_delay(int fd) {
  int on = 1;
  return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ? -errno : 0;
}

int clinux_set_buffers(int fd, int bytes) {
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) < 0) return -errno;
  return setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) < 0 ? -errno : 0;
}

int clinux_set_type_of_service(int fd, int family, int value) {
  int result = family == AF_INET6
                   ? setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof value)
                   : setsockopt(fd, IPPROTO_IP, IP_TOS, &value, sizeof value);
  return result < 0 ? -errno : 0;
}

int clinux_set_urgent_inline(int fd) {
  int on = 1;
  return setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on) < 0 ? -errno : 0;
}

int64_t clinux_sendmsg(int fd, const struct iovec *vectors, int count) {
  struct msghdr message = {.msg_iov = (struct iovec *)vectors, .msg_iovlen = (size_t)count};
  RETRY(int64_t, sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

int clinux_accept(int fd) {
  RETRY(int, accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

int64_t clinux_recv(int fd, void *buffer, size_t count) {
  RETRY(int64_t, recv(fd, buffer, count, MSG_DONTWAIT));
}

int clinux_name_of_address(const struct sockaddr *end, char *address, size_t capacity,
                           uint16_t *port) {
  const void *bytes;
  if (end->sa_family == AF_INET) {
    bytes = &((const struct sockaddr_in *)end)->sin_addr;
    *port = ntohs(((const struct sockaddr_in *)end)->sin_port);
  } else if (end->sa_family == AF_INET6) {
    bytes = &((const struct sockaddr_in6 *)end)->sin6_addr;
    *port = ntohs(((const struct sockaddr_in6 *)end)->sin6_port);
  } else {
    return -EAFNOSUPPORT;
  }
  return inet_ntop(end->sa_family, bytes, address, (socklen_t)capacity) ? 0 : -errno;
}

int clinux_name_of_end(int fd, int remote, char *address, size_t capacity, uint16_t *port) {
  struct sockaddr_storage storage;
  socklen_t length = sizeof storage;
  struct sockaddr *end = (struct sockaddr *)&storage;
  if ((remote ? getpeername(fd, end, &length) : getsockname(fd, end, &length)) < 0) return -errno;
  return clinux_name_of_address(end, address, capacity, port);
}

int clinux_address_of_end(int fd, int remote, uint8_t address[16], uint16_t *port) {
  struct sockaddr_storage storage = {0};
  socklen_t length = sizeof storage;
  struct sockaddr *end = (struct sockaddr *)&storage;
  if ((remote ? getpeername(fd, end, &length) : getsockname(fd, end, &length)) < 0) return -errno;
  if (storage.ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&storage;
    memcpy(address, &v4->sin_addr, 4);
    *port = ntohs(v4->sin_port);
    return 4;
  }
  if (storage.ss_family != AF_INET6) return -EAFNOSUPPORT;
  const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&storage;
  memcpy(address, &v6->sin6_addr, 16);
  *port = ntohs(v6->sin6_port);
  return 16;
}

int clinux_shutdown(int fd) { return shutdown(fd, SHUT_RDWR) < 0 ? -errno : 0; }

int clinux_shutdown_write(int fd) { return shutdown(fd, SHUT_WR) < 0 ? -errno : 0; }

uint64_t clinux_monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clinux_wall_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void *clinux_map_pages(size_t count) {
  void *pages = mmap(NULL, count, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return pages == MAP_FAILED ? NULL : pages;
}

void clinux_unmap_pages(void *pages, size_t count) { munmap(pages, count); }

int clinux_set_dumpable(int is_dumpable) {
  return prctl(PR_SET_DUMPABLE, is_dumpable ? 1UL : 0UL, 0UL, 0UL, 0UL) < 0 ? -errno : 0;
}

int clinux_lock_memory(void) {
  return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0 ? -errno : 0;
}

int clinux_set_io_flusher(void) {
  return prctl(PR_SET_IO_FLUSHER, 1UL, 0UL, 0UL, 0UL) < 0 ? -errno : 0;
}

void clinux_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
