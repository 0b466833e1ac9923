/* Loaded into a `snap` under test before its C library: what a kernel may do but hardly ever does.
 *
 * SNAP_TEST_SHORT: reads and writes are cut short. SNAP_TEST_CLOCK: the wall clock jumps by so many seconds,
 * forth and back, each time it is looked at. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static size_t cut(size_t length) {
  return length > 1 && getenv("SNAP_TEST_SHORT") ? length - length / 2 : length;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t length) { return REAL(write)(fd, bytes, cut(length)); }
ssize_t read(int fd, void *bytes, size_t length) { return REAL(read)(fd, bytes, cut(length)); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) { return REAL(pwrite64)(fd, bytes, cut(length), at); }
ssize_t pread64(int fd, void *bytes, size_t length, off64_t at) { return REAL(pread64)(fd, bytes, cut(length), at); }
ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *there, size_t length, unsigned flags) {
  return REAL(copy_file_range)(from, at, to, there, cut(length), flags);
}
ssize_t sendfile64(int to, int from, off64_t *at, size_t length) { return REAL(sendfile64)(to, from, at, cut(length)); }
ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (!getenv("SNAP_TEST_SHORT") || count == 0) return REAL(writev)(fd, parts, count);
  return write(fd, parts[0].iov_base, parts[0].iov_len);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  static __thread int looked;
  int done = REAL(clock_gettime)(clock, now);
  const char *jump = clock == CLOCK_REALTIME ? getenv("SNAP_TEST_CLOCK") : NULL;
  if (jump && looked++ % 2 == 0) now->tv_sec += atol(jump);
  return done;
}
