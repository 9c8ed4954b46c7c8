/*
 * A library that is loaded before a server (LD_PRELOAD) and makes its disk fail.
 *
 * It sees the calls on files below FAULTS_DIR. A page of memory that it shares with the test, the
 * file FAULTS_CONTROL, says which call of which kind is to fail, be cut short, be late or be the
 * last one; the test changes that while the server runs.
 *
 * It also keeps the books of a disk that forgets what was not synced: for each file how much of it
 * a power cut would leave. A file whose sync failed is poisoned: what it got since the last good
 * sync is lost, whatever later syncs say, as Linux does it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FDS 65536
#define FILES 1024

enum kind { KIND_OPEN, KIND_WRITE, KIND_SYNC, KIND_RENAME, KIND_UNLINK, KIND_TRUNCATE, KINDS };
enum action { ACT_ERROR = 1, ACT_SHORT, ACT_KILL_BEFORE, ACT_KILL_AFTER, ACT_DELAY };

/* tests/faults/rig.py knows this by heart. */
struct control {
    uint32_t armed;
    uint32_t kinds; /* bits */
    uint32_t from, count;
    uint32_t action;
    int32_t error;
    uint32_t delay_us;
    uint32_t matched, hits;
    uint32_t file_count;
    uint64_t first_hit_ns;
    uint64_t sync_began_ns;   /* of the one that is under way; 0: none */
    uint64_t longest_sync_ns; /* the disk's share of it */
    char part[64];            /* of the path; "": any */
    struct file {
        uint64_t dev, ino, durable, is_poisoned;
    } files[FILES];
};

static struct control *control;
static char dir[4096];
static size_t dir_len;
static pid_t server_pid;
static uint16_t file_of_fd[FDS]; /* index + 1; 0: not ours */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *real(const char *name)
{
    void *f = dlsym(RTLD_NEXT, name);
    if (f == NULL) abort();
    return f;
}
#define REAL(result, name, ...)                \
    static result (*name##_real)(__VA_ARGS__); \
    if (name##_real == NULL) name##_real = (result(*)(__VA_ARGS__))real(#name)

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULTS_CONTROL"), *below = getenv("FAULTS_DIR");
    if (path == NULL || below == NULL) return;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void *p = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p == MAP_FAILED || realpath(below, dir) == NULL) return;
    dir_len = strlen(dir);
    server_pid = getpid();
    control = p;
}

/* Servers name their files from the folder that they work in. */
static bool is_ours(const char *path)
{
    if (control == NULL) return false;
    if (path[0] == '/') return strncmp(path, dir, dir_len) == 0;
    char here[4096];
    return getcwd(here, sizeof(here)) != NULL && strncmp(here, dir, dir_len) == 0;
}

static void end_all(void)
{
    kill(server_pid, SIGKILL);
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* Before a call. Gives the action that it meets, 0 for none. */
static uint32_t meet(enum kind kind, const char *path)
{
    if (!__atomic_load_n(&control->armed, __ATOMIC_ACQUIRE)) return 0;
    if (!(control->kinds & 1u << kind)) return 0;
    if (control->part[0] != '\0' && (path == NULL || strstr(path, control->part) == NULL)) return 0;
    uint32_t n = __atomic_add_fetch(&control->matched, 1, __ATOMIC_ACQ_REL);
    if (n < control->from || n - control->from >= control->count) return 0;
    if (__atomic_add_fetch(&control->hits, 1, __ATOMIC_ACQ_REL) == 1)
        control->first_hit_ns = now_ns();
    if (control->action == ACT_KILL_BEFORE) end_all();
    if (control->action == ACT_DELAY) usleep(control->delay_us);
    return control->action;
}

/* The same. True: the call fails, and errno is set. */
static bool is_refused(enum kind kind, const char *path, uint32_t *action)
{
    *action = meet(kind, path);
    if (*action != ACT_ERROR) return false;
    errno = control->error;
    return true;
}

static void after(uint32_t action)
{
    if (action == ACT_KILL_AFTER) end_all();
}

static struct file *file_at(int fd)
{
    if (control == NULL || fd < 0 || fd >= FDS || file_of_fd[fd] == 0) return NULL;
    return &control->files[file_of_fd[fd] - 1];
}

/* The name that an open file has now; `out` has 4096 bytes. */
static const char *path_of(int fd, char *out)
{
    char link[64] = "/proc/self/fd/";
    size_t at = strlen(link);
    char digits[16];
    int n = 0;
    for (int rest = fd; rest > 0 || n == 0; rest /= 10) digits[n++] = (char)('0' + rest % 10);
    while (n > 0) link[at++] = digits[--n];
    link[at] = '\0';
    ssize_t len = readlink(link, out, 4095);
    out[len > 0 ? len : 0] = '\0';
    return out;
}

/* An open file of ours: what was there before this life is on disk. */
static void remember(int fd, bool is_new)
{
    struct stat st;
    if (fd < 0 || fd >= FDS || fstat(fd, &st) != 0) return;
    pthread_mutex_lock(&lock);
    uint32_t i = 0;
    while (i < control->file_count &&
           (control->files[i].ino != st.st_ino || control->files[i].dev != st.st_dev))
        i++;
    if (i == FILES) abort();
    struct file *f = &control->files[i];
    if (i == control->file_count) {
        *f = (struct file){.dev = st.st_dev, .ino = st.st_ino, .durable = (uint64_t)st.st_size};
        control->file_count++;
    }
    /* A number of an inode is used again. */
    if (is_new || st.st_size == 0) f->durable = f->is_poisoned = 0;
    file_of_fd[fd] = (uint16_t)(i + 1);
    pthread_mutex_unlock(&lock);
}

/* ---- Opening and closing ---- */

static int open_with(int at, const char *path, int flags, mode_t mode)
{
    REAL(int, openat, int, const char *, int, ...);
    uint32_t action = 0;
    if (control == NULL || !is_ours(path)) return openat_real(at, path, flags, mode);
    if ((flags & (O_CREAT | O_WRONLY | O_RDWR)) && is_refused(KIND_OPEN, path, &action)) return -1;
    int fd = openat_real(at, path, flags, mode);
    if (fd >= 0) remember(fd, flags & O_TRUNC);
    after(action);
    return fd;
}

static mode_t mode_of(int flags, va_list args)
{
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

/* What stands before the path comes last, with its comma. */
#define OPEN(name, at, ...)                                \
    int name(__VA_ARGS__ const char *path, int flags, ...) \
    {                                                      \
        va_list args;                                      \
        va_start(args, flags);                             \
        mode_t mode = mode_of(flags, args);                \
        va_end(args);                                      \
        return open_with(at, path, flags, mode);           \
    }
OPEN(open, AT_FDCWD, )
OPEN(open64, AT_FDCWD, )
OPEN(openat, at, int at, )
OPEN(openat64, at, int at, )

/* What a fortified build calls. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __open_2(const char *path, int flags) { return open(path, flags); }
int __open64_2(const char *path, int flags) { return open(path, flags); }

int close(int fd)
{
    REAL(int, close, int);
    if (fd >= 0 && fd < FDS) file_of_fd[fd] = 0;
    return close_real(fd);
}

/* What stdio does with the file in between is not seen. */
#define FOPEN(name)                                                                             \
    FILE *name(const char *path, const char *mode)                                              \
    {                                                                                           \
        REAL(FILE *, name, const char *, const char *);                                         \
        FILE *f = name##_real(path, mode);                                                      \
        if (f != NULL && control != NULL && is_ours(path)) remember(fileno(f), mode[0] == 'w'); \
        return f;                                                                               \
    }
FOPEN(fopen)
FOPEN(fopen64)

int fclose(FILE *f)
{
    REAL(int, fclose, FILE *);
    int fd = fileno(f);
    if (fd >= 0 && fd < FDS) file_of_fd[fd] = 0;
    return fclose_real(f);
}

/* ---- Writing ---- */

static ssize_t write_parts(int fd, const struct iovec *parts, int count)
{
    REAL(ssize_t, writev, int, const struct iovec *, int);
    uint32_t action;
    char path[4096];
    if (is_refused(KIND_WRITE, path_of(fd, path), &action)) return -1;
    struct iovec half = {.iov_base = parts[0].iov_base, .iov_len = parts[0].iov_len / 2};
    bool is_short = action == ACT_SHORT && half.iov_len > 0;
    ssize_t n = is_short ? writev_real(fd, &half, 1) : writev_real(fd, parts, count);
    after(action);
    return n;
}

ssize_t write(int fd, const void *ptr, size_t len)
{
    REAL(ssize_t, write, int, const void *, size_t);
    struct iovec all = {.iov_base = (void *)(uintptr_t)ptr, .iov_len = len};
    return file_at(fd) == NULL ? write_real(fd, ptr, len) : write_parts(fd, &all, 1);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    REAL(ssize_t, writev, int, const struct iovec *, int);
    return file_at(fd) == NULL ? writev_real(fd, parts, count) : write_parts(fd, parts, count);
}

static int truncate_with(int (*call)(int, off_t), int fd, off_t len)
{
    struct file *f = file_at(fd);
    char path[4096];
    if (f == NULL) return call(fd, len);
    uint32_t action;
    if (is_refused(KIND_TRUNCATE, path_of(fd, path), &action)) return -1;
    int status = call(fd, len);
    if (status == 0 && f->durable > (uint64_t)len) f->durable = (uint64_t)len;
    after(action);
    return status;
}

int ftruncate(int fd, off_t len)
{
    REAL(int, ftruncate, int, off_t);
    return truncate_with(ftruncate_real, fd, len);
}

int ftruncate64(int fd, off_t len)
{
    REAL(int, ftruncate64, int, off_t);
    return truncate_with(ftruncate64_real, fd, len);
}

static int sync_with(int (*call)(int), int fd)
{
    struct file *f = file_at(fd);
    struct stat st;
    char path[4096];
    if (f == NULL || fstat(fd, &st) != 0) return call(fd);
    uint32_t action;
    if (is_refused(KIND_SYNC, path_of(fd, path), &action)) {
        f->is_poisoned = 1;
        return -1;
    }
    uint64_t began = control->sync_began_ns = now_ns();
    int status = call(fd);
    control->sync_began_ns = 0;
    uint64_t took = now_ns() - began;
    if (took > control->longest_sync_ns) control->longest_sync_ns = took;
    if (status == 0 && !f->is_poisoned) f->durable = (uint64_t)st.st_size;
    after(action);
    return status;
}

int fdatasync(int fd)
{
    REAL(int, fdatasync, int);
    return sync_with(fdatasync_real, fd);
}

int fsync(int fd)
{
    REAL(int, fsync, int);
    return sync_with(fsync_real, fd);
}

/* ---- Names ---- */

int rename(const char *from, const char *to)
{
    REAL(int, rename, const char *, const char *);
    if (control == NULL || !is_ours(to)) return rename_real(from, to);
    uint32_t action;
    if (is_refused(KIND_RENAME, to, &action)) return -1;
    int status = rename_real(from, to);
    after(action);
    return status;
}

int unlink(const char *path)
{
    REAL(int, unlink, const char *);
    if (control == NULL || !is_ours(path)) return unlink_real(path);
    uint32_t action;
    if (is_refused(KIND_UNLINK, path, &action)) return -1;
    int status = unlink_real(path);
    after(action);
    return status;
}
