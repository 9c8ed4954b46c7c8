/* The system calls, with EINTR and short writes out of the way. */
#include "disk/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DISK_PATH_MAX = 4096 };

static int real_open(const char *path, int flags, int mode)
{
    return open(path, flags, (mode_t)mode);
}

static int64_t real_write(int fd, const void *ptr, size_t len) { return write(fd, ptr, len); }

static int64_t real_read(int fd, void *to, size_t len) { return read(fd, to, len); }

static int real_sync_range(int fd, uint64_t from, uint64_t len)
{
    return sync_file_range(fd, (off_t)from, (off_t)len, SYNC_FILE_RANGE_WRITE);
}

static void real_forget(int fd, uint64_t from, uint64_t len)
{
    posix_fadvise(fd, (off_t)from, (off_t)len, POSIX_FADV_DONTNEED);
}

static int real_truncate(int fd, uint64_t len) { return ftruncate(fd, (off_t)len); }

static int64_t real_size(int fd)
{
    struct stat st;
    return fstat(fd, &st) != 0 ? -1 : (int64_t)st.st_size;
}

static int real_mkdir(const char *path, int mode) { return mkdir(path, (mode_t)mode); }

static const struct disk_calls disk_real = {
    .open = real_open,
    .close = close,
    .write = real_write,
    .read = real_read,
    .sync = fdatasync,
    .sync_range = real_sync_range,
    .forget = real_forget,
    .truncate = real_truncate,
    .size = real_size,
    .rename = rename,
    .unlink = unlink,
    .mkdir = real_mkdir,
};
const struct disk_calls *disk_calls = &disk_real;

static int disk_result(int rc) { return rc < 0 ? -errno : rc; }

static int disk_open_flags(const char *path, int flags)
{
    int fd;
    do fd = disk_calls->open(path, flags | O_CLOEXEC, DISK_FILE_MODE);
    while (fd < 0 && errno == EINTR);
    return disk_result(fd);
}

int disk_open(const char *path, enum disk_open_mode mode)
{
    static const int flags[] = {
        [DISK_READ] = O_RDONLY,
        [DISK_NEW] = O_WRONLY | O_CREAT | O_TRUNC,
        [DISK_APPEND] = O_WRONLY | O_CREAT | O_APPEND,
    };
    return disk_open_flags(path, flags[mode]);
}

void disk_close(int fd) { disk_calls->close(fd); }

int64_t disk_read(int fd, void *to, size_t len)
{
    int64_t n;
    do n = disk_calls->read(fd, to, len);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

int disk_write(int fd, struct bytes data, size_t *done)
{
    size_t at = 0;
    int rc = 0;
    while (at < data.len && rc == 0) {
        int64_t n = disk_calls->write(fd, data.ptr + at, data.len - at);
        if (n > 0)
            at += (size_t)n;
        else if (n == 0)
            rc = -ENOSPC;
        else if (errno != EINTR)
            rc = -errno;
    }
    if (done != NULL) *done = at;
    return rc;
}

int disk_sync(int fd)
{
    int rc;
    do rc = disk_calls->sync(fd);
    while (rc != 0 && errno == EINTR);
    return disk_result(rc);
}

int disk_sync_soon(int fd, uint64_t from, uint64_t len)
{
    return disk_result(disk_calls->sync_range(fd, from, len));
}

void disk_forget(int fd, uint64_t from, uint64_t len)
{
    if (disk_calls->forget != NULL) disk_calls->forget(fd, from, len);
}

int disk_truncate(int fd, uint64_t len)
{
    int rc;
    do rc = disk_calls->truncate(fd, len);
    while (rc != 0 && errno == EINTR);
    return disk_result(rc);
}

int64_t disk_size(int fd)
{
    int64_t size = disk_calls->size(fd);
    return size < 0 ? -errno : size;
}

int64_t disk_size_of(const char *path)
{
    int fd = disk_open(path, DISK_READ);
    if (fd < 0) return fd;
    int64_t size = disk_size(fd);
    disk_close(fd);
    return size;
}

/* All that is left of an open file, at `text`. */
static int disk_read_rest(int fd, char *text, size_t size, size_t *len)
{
    for (*len = 0; *len < size;) {
        int64_t n = disk_calls->read(fd, text + *len, size - *len);
        if (n == 0) break;
        if (n > 0)
            *len += (size_t)n;
        else if (errno != EINTR)
            return -errno;
    }
    text[*len] = '\0';
    return 0;
}

int disk_read_file(const char *path, char **text, size_t *len)
{
    *text = NULL;
    int fd = disk_open(path, DISK_READ);
    if (fd < 0) return fd;
    int64_t size = disk_size(fd);
    int rc = size < 0 ? (int)size : 0;
    if (rc == 0) {
        *text = malloc((size_t)size + 1);
        rc = *text == NULL ? -ENOMEM : disk_read_rest(fd, *text, (size_t)size, len);
    }
    disk_close(fd);
    if (rc == 0) return 0;
    free(*text);
    *text = NULL;
    return rc;
}

int disk_rename(const char *from, const char *to)
{
    return disk_result(disk_calls->rename(from, to));
}

int disk_remove(const char *path) { return disk_result(disk_calls->unlink(path)); }

int disk_make_dir(const char *path)
{
    int rc = disk_result(disk_calls->mkdir(path, DISK_DIR_MODE));
    return rc == -EEXIST ? 0 : rc;
}

int disk_sync_dir(const char *path)
{
    int fd = disk_open_flags(path, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return fd;
    int rc = disk_sync(fd);
    disk_close(fd);
    return rc == -EINVAL ? 0 : rc; /* a file system that cannot */
}

void disk_dir_of(const char *path, char *out, size_t len)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        snprintf(out, len, ".");
    else
        snprintf(out, len, "%.*s", (int)(slash == path ? 1 : slash - path), path);
}

int disk_write_new(const char *path, struct bytes content)
{
    int fd = disk_open(path, DISK_NEW);
    if (fd < 0) return fd;
    int rc = disk_write(fd, content, NULL);
    if (rc == 0) rc = disk_sync(fd);
    disk_close(fd);
    return rc;
}

int disk_replace(const char *path, struct bytes content)
{
    char fresh[DISK_PATH_MAX], dir[DISK_PATH_MAX];
    if ((size_t)snprintf(fresh, sizeof(fresh), "%s.new", path) >= sizeof(fresh))
        return -ENAMETOOLONG;
    disk_dir_of(path, dir, sizeof(dir));
    int rc = disk_write_new(fresh, content);
    if (rc == 0) rc = disk_rename(fresh, path);
    if (rc != 0) {
        disk_remove(fresh);
        return rc;
    }
    return disk_sync_dir(dir);
}
