/* Preloaded into a server under test: the Nth call of one kind on one file fails.
   IOF_FILE   part of the file's path
   IOF_OP     write, read, sync or truncate
   IOF_NTH    which call fails, from one
   IOF_ERRNO  with which error; 0: a short write or read
   IOF_ALWAYS every later call fails too
   IOF_ARMED  counts only while this file is there
   IOF_MARK   made when it has fired */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long calls;

static int is_meant(int fd, const char *op) {
    const char *wanted = getenv("IOF_OP"), *file = getenv("IOF_FILE"), *armed = getenv("IOF_ARMED");
    char link[64], path[4096];
    ssize_t long_;
    int kept = errno;
    if (!wanted || !file || strcmp(op, wanted)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long_ = readlink(link, path, sizeof path - 1);
    errno = kept;
    if (long_ <= 0) return 0;
    path[long_] = 0;
    if (!strstr(path, file)) return 0;
    if (armed && access(armed, F_OK)) { errno = kept; return 0; }
    return 1;
}

/* 1: fails with errno; 2: is to be short. */
static int fires(int fd, const char *op) {
    if (!is_meant(fd, op)) return 0;
    long nth = atol(getenv("IOF_NTH") ? getenv("IOF_NTH") : "1");
    long now = ++calls;
    if (now != nth && !(getenv("IOF_ALWAYS") && now > nth)) return 0;
    const char *mark = getenv("IOF_MARK");
    if (mark) {
        int made = open(mark, O_CREAT | O_WRONLY, 0600);
        if (made >= 0) close(made);
    }
    int error = atoi(getenv("IOF_ERRNO") ? getenv("IOF_ERRNO") : "5");
    if (!error) return 2;
    errno = error;
    return 1;
}

#define REAL(name, of, takes)      \
    static of(*real) takes;        \
    if (!real) real = (of(*) takes)dlsym(RTLD_NEXT, name)

#define ON_BYTES(name, op, buffer, offset)                                        \
    ssize_t name(int fd, buffer *b, size_t n, offset at) {                         \
        REAL(#name, ssize_t, (int, buffer *, size_t, offset));                   \
        int f = fires(fd, op);                                                     \
        if (f == 1) return -1;                                                     \
        return real(fd, b, f == 2 ? n / 2 : n, at);                                \
    }
ON_BYTES(pwrite, "write", const void, off_t)
ON_BYTES(pwrite64, "write", const void, off64_t)
ON_BYTES(pread, "read", void, off_t)
ON_BYTES(pread64, "read", void, off64_t)

ssize_t write(int fd, const void *b, size_t n) {
    REAL("write", ssize_t, (int, const void *, size_t));
    int f = fires(fd, "write");
    if (f == 1) return -1;
    return real(fd, b, f == 2 ? n / 2 : n);
}
ssize_t read(int fd, void *b, size_t n) {
    REAL("read", ssize_t, (int, void *, size_t));
    int f = fires(fd, "read");
    if (f == 1) return -1;
    return real(fd, b, f == 2 ? n / 2 : n);
}
int fsync(int fd) {
    REAL("fsync", int, (int));
    return fires(fd, "sync") ? (errno = errno ? errno : 5, -1) : real(fd);
}
int fdatasync(int fd) {
    REAL("fdatasync", int, (int));
    return fires(fd, "sync") ? (errno = errno ? errno : 5, -1) : real(fd);
}
int ftruncate(int fd, off_t n) {
    REAL("ftruncate", int, (int, off_t));
    return fires(fd, "truncate") ? -1 : real(fd, n);
}
int ftruncate64(int fd, off64_t n) {
    REAL("ftruncate64", int, (int, off64_t));
    return fires(fd, "truncate") ? -1 : real(fd, n);
}
