/* Small files of text; see file_text.h. */
#include "execute/core/file_text.h"

#include "base/must.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int file_text_read(const char *path, char **text, size_t *len, struct stat *st)
{
    *text = NULL;
    *len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode)) {
        close(fd);
        return -EINVAL;
    }
    size_t cap = (size_t)st->st_size + 1;
    *text = malloc(cap);
    must(*text != NULL);
    ssize_t n = 1;
    while (*len < cap && (n = read(fd, *text + *len, cap - *len)) > 0) *len += (size_t)n;
    int failed = n < 0 ? -errno : *len == cap ? -EAGAIN /* it grows under our eyes */ : 0;
    close(fd);
    if (failed != 0) {
        free(*text);
        *text = NULL;
    }
    return failed;
}

static int file_fill(int fd, struct bytes text, const struct stat *st)
{
    if (fchown(fd, st->st_uid, st->st_gid) != 0 && errno != EPERM) return -errno;
    if (fchmod(fd, st->st_mode & 07777) != 0) return -errno;
    while (text.len > 0) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        text = bytes_make(text.ptr + n, text.len - (size_t)n);
    }
    return fsync(fd) == 0 ? 0 : -errno;
}

static int file_sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int len = slash == NULL ? 0 : slash == path ? 1 : (int)(slash - path);
    snprintf(folder, sizeof folder, "%.*s", len, path);
    int fd = open(len == 0 ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return -errno;
    int r = fsync(fd) == 0 ? 0 : -errno;
    close(fd);
    return r;
}

static int file_replace(const char *path, struct bytes text, const struct stat *st)
{
    char temp[PATH_MAX];
    int n = snprintf(temp, sizeof temp, "%s.XXXXXX", path);
    if (n < 0 || (size_t)n >= sizeof temp) return -ENAMETOOLONG;
    int fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0) return -errno;
    int r = file_fill(fd, text, st);
    if (close(fd) != 0 && r == 0) r = -errno;
    if (r == 0 && rename(temp, path) != 0) r = -errno;
    if (r != 0) {
        unlink(temp);
        return r;
    }
    return file_sync_folder(path);
}

int file_text_replace(const char *path, struct bytes text, const struct stat *st)
{
    char *real = realpath(path, NULL);
    int r = file_replace(real == NULL ? path : real, text, st);
    free(real);
    return r;
}
