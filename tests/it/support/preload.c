/* Loaded into a `snap` under test before its C library: what a kernel may do but hardly ever does.
 *
 * SNAP_TEST_SHORT: reads and writes are cut short. SNAP_TEST_CLOCK: the wall clock jumps by so many seconds,
 * forth and back, each time it is looked at. SNAP_TEST_CLOSED: what has this in its path may not be opened (which root
 * always may). SNAP_TEST_BROKEN: what has this in its path can be opened, but the disk fails when it is read. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static size_t cut(size_t length) {
  return length > 1 && getenv("SNAP_TEST_SHORT") ? length - length / 2 : length;
}

static int is_in(const char *variable, const char *path) {
  const char *part = getenv(variable);
  return part && strstr(path, part);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t length) { return REAL(write)(fd, bytes, cut(length)); }
static int fails(int fd) {
  char link[32], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t named = getenv("SNAP_TEST_BROKEN") ? readlink(link, path, sizeof path - 1) : -1;
  if (named <= 0) return 0;
  path[named] = 0;
  return is_in("SNAP_TEST_BROKEN", path);
}
ssize_t read(int fd, void *bytes, size_t length) {
  if (fails(fd)) return errno = EIO, -1;
  return REAL(read)(fd, bytes, cut(length));
}
int open64(const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  int mode = va_arg(more, int);
  va_end(more);
  if (is_in("SNAP_TEST_CLOSED", path)) return errno = EACCES, -1;
  return REAL(open64)(path, flags, mode);
}
DIR *opendir(const char *path) {
  if (is_in("SNAP_TEST_CLOSED", path)) return errno = EACCES, NULL;
  return REAL(opendir)(path);
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) { return REAL(pwrite64)(fd, bytes, cut(length), at); }
ssize_t pread64(int fd, void *bytes, size_t length, off64_t at) {
  if (fails(fd)) return errno = EIO, -1;
  return REAL(pread64)(fd, bytes, cut(length), at);
}
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
