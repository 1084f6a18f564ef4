/* Makes writing fail as a full or broken disk does; loaded into the server by LD_PRELOAD.
 *
 * FAULTS names a file. While it is there, each of its lines says what fails:
 *
 *     errno  operations  one-in  path
 *
 * `operations` is some of: w (write), s (fsync and its like), o (make, rename or link a file).
 * One in `one-in` of them fails on files whose path begins with `path`. A write that fails for
 * want of space writes half of its bytes first, as a disk does.
 *
 * CLOCK names a file with the seconds that the wall clock is ahead of the machine's.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define REAL(result, name, ...)                                      \
    static result (*real)(__VA_ARGS__);                              \
    if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static ssize_t contents(const char *variable, char *into, size_t size) {
    const char *path = getenv(variable);
    if (!path) return -1;
    int saved = errno;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;
    if (fd >= 0) {
        n = syscall(SYS_read, fd, into, size - 1);
        syscall(SYS_close, fd);
    }
    errno = saved;
    if (n >= 0) into[n] = 0;
    return n;
}

/* The error with which an operation on a path fails now, or 0. */
static int fault_at(char operation, const char *path) {
    static atomic_uint count;
    char text[4096];
    if (!path || contents("FAULTS", text, sizeof text) <= 0) return 0;
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n"))) {
        int number;
        unsigned one_in;
        char operations[8], prefix[2048];
        if (sscanf(line, "%d %7s %u %2047s", &number, operations, &one_in, prefix) != 4) continue;
        if (!strchr(operations, operation)) continue;
        if (strncmp(path, prefix, strlen(prefix)) != 0) continue;
        /* Knuth's multiplier spreads what would otherwise be every n-th operation. */
        unsigned turn = atomic_fetch_add(&count, 1) * 2654435761u >> 8;
        if (one_in > 1 && turn % one_in != 0) continue;
        return number;
    }
    return 0;
}

static int fault(char operation, int fd) {
    char link[64], path[4096], nothing[2];
    if (contents("FAULTS", nothing, sizeof nothing) <= 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int saved = errno;
    ssize_t n = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (n <= 0) return 0;
    path[n] = 0;
    return fault_at(operation, path);
}

#define FAIL_IF(error, result)  \
    do {                        \
        int e_ = (error);       \
        if (e_) {               \
            errno = e_;         \
            return (result);    \
        }                       \
    } while (0)

/* How much of a write of `size` bytes happens before it fails; the next one fails at once. */
static size_t before_failing(int error, size_t size) {
    static _Thread_local int half;
    half = !half;
    return error == ENOSPC && half && size > 1 ? size / 2 : 0;
}

ssize_t write(int fd, const void *bytes, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    int error = fault('w', fd);
    if (!error) return real(fd, bytes, size);
    size_t some = before_failing(error, size);
    if (some) return real(fd, bytes, some);
    errno = error;
    return -1;
}

static ssize_t placed(ssize_t (*real)(int, const void *, size_t, off_t), int fd, const void *bytes,
                      size_t size, off_t at) {
    int error = fault('w', fd);
    if (!error) return real(fd, bytes, size, at);
    size_t some = before_failing(error, size);
    if (some) return real(fd, bytes, some, at);
    errno = error;
    return -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    return placed(real, fd, bytes, size, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at) {
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off_t);
    return placed(real, fd, bytes, size, at);
}

int fsync(int fd) {
    REAL(int, "fsync", int);
    FAIL_IF(fault('s', fd), -1);
    return real(fd);
}

int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    FAIL_IF(fault('s', fd), -1);
    return real(fd);
}

int sync_file_range(int fd, off_t from, off_t size, unsigned flags) {
    REAL(int, "sync_file_range", int, off_t, off_t, unsigned);
    FAIL_IF(fault('s', fd), -1);
    return real(fd, from, size, flags);
}

int fallocate(int fd, int mode, off_t from, off_t size) {
    REAL(int, "fallocate", int, int, off_t, off_t);
    FAIL_IF(fault('w', fd), -1);
    return real(fd, mode, from, size);
}

static mode_t mode_of(int flags, va_list arguments) {
    return flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
}

#define OPEN(name)                                          \
    int name(const char *path, int flags, ...) {            \
        REAL(int, #name, const char *, int, ...);           \
        va_list arguments;                                  \
        va_start(arguments, flags);                         \
        mode_t mode = mode_of(flags, arguments);            \
        va_end(arguments);                                  \
        if (flags & O_CREAT) FAIL_IF(fault_at('o', path), -1); \
        return real(path, flags, mode);                     \
    }

OPEN(open)
OPEN(open64)

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    FAIL_IF(fault_at('o', to), -1);
    return real(from, to);
}

int link(const char *from, const char *to) {
    REAL(int, "link", const char *, const char *);
    FAIL_IF(fault_at('o', to), -1);
    return real(from, to);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    REAL(int, "clock_gettime", clockid_t, struct timespec *);
    char text[64];
    int result = real(clock, time);
    if (result == 0 && clock == CLOCK_REALTIME && contents("CLOCK", text, sizeof text) > 0)
        time->tv_sec += atol(text);
    return result;
}
