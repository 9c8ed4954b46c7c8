/*
 * A disk in memory behind disk_calls: what a process sees, and what is left after the power went.
 *
 * A file's content is left as of its last sync, a name as of the last sync of its folder. After a
 * sync that failed the bytes that it was to write are clean for the kernel and never reach the
 * disk: they are left as zeros. Any call can be made to fail.
 */
#ifndef UNIT_PERSIST_FAKE_DISK_H
#define UNIT_PERSIST_FAKE_DISK_H

#include "unit/check.h"

#include "disk/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { FAKE_FILES = 256, FAKE_FDS = 64, FAKE_FIRST_FD = 1000, FAKE_LEN = 16384, FAKE_PATH = 512 };

struct fake_file {
    char seen[FAKE_LEN], left[FAKE_LEN];
    size_t seen_len, left_len;
    size_t dirty_from; /* what is behind it is not on disk, and the kernel knows */
};

struct fake_name {
    char path[FAKE_PATH];
    struct fake_file *seen, *left; /* NULL: there is no such file */
};

struct fake_fd {
    struct fake_file *file; /* NULL: a folder, or free */
    char folder[FAKE_PATH];
    size_t at;
    bool is_open, appends;
};

static struct {
    struct fake_name names[FAKE_FILES];
    int name_count;
    struct fake_fd fds[FAKE_FDS];
    struct fake_file *files[FAKE_FILES];
    int file_count;
    int calls;              /* so far */
    int fail_at, fail_most; /* the first call that fails, and how many do; 0: none */
    int fail_errno;
    bool fails_syncs_only, fails_writes_only;
    bool is_over; /* calls fail because the process ended, not the disk */
    void (*before_rename)(const struct fake_file *file, const char *to); /* or NULL */
    void (*on_file_sync)(void);                                          /* or NULL */
    int64_t room; /* bytes that may still be written; -1: any */
} fake;

static inline bool fake_fails(bool is_sync, bool is_write)
{
    fake.calls++;
    if (fake.fail_at == 0 || fake.calls < fake.fail_at || fake.fail_most == 0) return false;
    if ((fake.fails_syncs_only && !is_sync) || (fake.fails_writes_only && !is_write)) return false;
    fake.fail_most--;
    errno = fake.fail_errno;
    return true;
}

static inline struct fake_name *fake_name(const char *path)
{
    for (int i = 0; i < fake.name_count; i++)
        if (strcmp(fake.names[i].path, path) == 0) return &fake.names[i];
    struct fake_name *n = &fake.names[fake.name_count++];
    assert_true(fake.name_count < FAKE_FILES && strlen(path) < FAKE_PATH);
    strcpy(n->path, path);
    return n;
}

static inline struct fake_fd *fake_fd(int fd)
{
    struct fake_fd *f = &fake.fds[fd - FAKE_FIRST_FD];
    assert_true(fd >= FAKE_FIRST_FD && fd < FAKE_FIRST_FD + FAKE_FDS && f->is_open);
    return f;
}

static inline int fake_open(const char *path, int flags, int mode)
{
    assert_true(mode == DISK_FILE_MODE || (flags & O_CREAT) == 0);
    if (fake_fails(false, false)) return -1;
    int fd = 0;
    while (fake.fds[fd].is_open) fd++;
    assert_true(fd < FAKE_FDS);
    struct fake_fd *f = &fake.fds[fd];
    *f = (struct fake_fd){.appends = (flags & O_APPEND) != 0};
    if (flags & O_DIRECTORY) {
        strcpy(f->folder, path);
    } else {
        struct fake_name *n = fake_name(path);
        if (n->seen == NULL && (flags & O_CREAT) == 0) {
            errno = ENOENT;
            return -1;
        }
        if (n->seen == NULL) {
            assert_true(fake.file_count < FAKE_FILES);
            n->seen = fake.files[fake.file_count++] = calloc(1, sizeof(struct fake_file));
        }
        if (flags & O_TRUNC) n->seen->seen_len = n->seen->dirty_from = 0;
        f->file = n->seen;
    }
    f->is_open = true;
    return fd + FAKE_FIRST_FD;
}

static inline int fake_close(int fd)
{
    fake_fd(fd)->is_open = false;
    return 0;
}

static inline int64_t fake_write(int fd, const void *ptr, size_t len)
{
    struct fake_fd *f = fake_fd(fd);
    struct fake_file *file = f->file;
    bool fails = fake_fails(false, true);
    if (f->appends) f->at = file->seen_len;
    if (fake.room >= 0 && (int64_t)len > fake.room) {
        errno = ENOSPC;
        fails = true;
    }
    size_t n = fails ? len / 2 : len; /* half of it is there when the error comes */
    if (fake.is_over && fake.calls > fake.fail_at) n = 0;
    if (fake.room >= 0 && (int64_t)n > fake.room) n = (size_t)fake.room;
    assert_true(f->at + n <= FAKE_LEN);
    memcpy(file->seen + f->at, ptr, n);
    if (f->at < file->dirty_from) file->dirty_from = f->at;
    f->at += n;
    if (f->at > file->seen_len) file->seen_len = f->at;
    if (fake.room >= 0) fake.room -= (int64_t)n;
    return fails ? -1 : (int64_t)n;
}

static inline int64_t fake_read(int fd, void *ptr, size_t len)
{
    struct fake_fd *f = fake_fd(fd);
    if (fake_fails(false, false)) return -1;
    size_t left = f->file->seen_len - f->at;
    if (len > left) len = left;
    memcpy(ptr, f->file->seen + f->at, len);
    f->at += len;
    return (int64_t)len;
}

/* A sync of a folder: its names are left as they are seen. */
static inline void fake_leave_names(const char *folder)
{
    size_t len = strlen(folder);
    for (int i = 0; i < fake.name_count; i++) {
        struct fake_name *n = &fake.names[i];
        const char *slash = strrchr(n->path, '/');
        bool is_in = slash == NULL
                         ? strcmp(folder, ".") == 0
                         : (size_t)(slash - n->path) == len && memcmp(n->path, folder, len) == 0;
        if (is_in) n->left = n->seen;
    }
}

static inline int fake_sync(int fd)
{
    struct fake_fd *f = fake_fd(fd);
    struct fake_file *file = f->file;
    if (file != NULL && fake.on_file_sync != NULL) fake.on_file_sync();
    bool fails = fake_fails(true, false);
    if (file == NULL) {
        if (!fails) fake_leave_names(f->folder);
    } else {
        if (!fails) {
            if (file->left_len < file->dirty_from)
                memset(file->left + file->left_len, 0, file->dirty_from - file->left_len);
            memcpy(file->left + file->dirty_from, file->seen + file->dirty_from,
                   file->seen_len - file->dirty_from);
            file->left_len = file->seen_len;
        }
        if (!fails || !fake.is_over) file->dirty_from = file->seen_len;
    }
    return fails ? -1 : 0;
}

static inline int fake_sync_range(int fd, uint64_t from, uint64_t len)
{
    assert_true(from + len <= fake_fd(fd)->file->seen_len);
    return fake_fails(false, false) ? -1 : 0;
}

static inline int fake_truncate(int fd, uint64_t len)
{
    struct fake_file *file = fake_fd(fd)->file;
    if (fake_fails(false, false)) return -1;
    assert_true(len <= file->seen_len);
    file->seen_len = len;
    if (file->dirty_from > len) file->dirty_from = len;
    if (file->left_len > len) file->left_len = len;
    return 0;
}

static inline int64_t fake_size(int fd)
{
    struct fake_fd *f = fake_fd(fd);
    return fake_fails(false, false) ? -1 : (int64_t)f->file->seen_len;
}

static inline int fake_rename(const char *from, const char *to)
{
    if (fake_fails(false, false)) return -1;
    struct fake_name *a = fake_name(from);
    if (a->seen == NULL) {
        errno = ENOENT;
        return -1;
    }
    if (fake.before_rename != NULL) fake.before_rename(a->seen, to);
    fake_name(to)->seen = a->seen;
    a->seen = NULL;
    return 0;
}

static inline int fake_unlink(const char *path)
{
    if (fake_fails(false, false)) return -1;
    struct fake_name *n = fake_name(path);
    bool was = n->seen != NULL;
    n->seen = NULL;
    errno = ENOENT;
    return was ? 0 : -1;
}

static inline int fake_mkdir(const char *path, int mode)
{
    (void)path;
    assert_int_equal(mode, DISK_DIR_MODE);
    return fake_fails(false, false) ? -1 : 0;
}

static const struct disk_calls fake_calls = {
    .open = fake_open,
    .close = fake_close,
    .write = fake_write,
    .read = fake_read,
    .sync = fake_sync,
    .sync_range = fake_sync_range,
    .truncate = fake_truncate,
    .size = fake_size,
    .rename = fake_rename,
    .unlink = fake_unlink,
    .mkdir = fake_mkdir,
};

static const struct disk_calls *fake_real;

static inline void fake_begin(void)
{
    memset(&fake, 0, sizeof(fake));
    fake.room = -1;
    fake_real = disk_calls;
    disk_calls = &fake_calls;
}

static inline void fake_end(void)
{
    for (int i = 0; i < FAKE_FDS; i++) assert_false(fake.fds[i].is_open);
    for (int i = 0; i < fake.file_count; i++) free(fake.files[i]);
    disk_calls = fake_real;
}

/* What there is under a name, as a process sees it or as the power left it; NULL: nothing. */
static inline const struct fake_file *fake_at(const char *path, bool left)
{
    const struct fake_name *n = fake_name(path);
    return left ? n->left : n->seen;
}

static inline struct bytes fake_content(const struct fake_file *f, bool left)
{
    return left ? bytes_make(f->left, f->left_len) : bytes_make(f->seen, f->seen_len);
}

/* A file that was there before, on disk. */
static inline void fake_put(const char *path, const char *text)
{
    struct fake_name *n = fake_name(path);
    struct fake_file *f = fake.files[fake.file_count++] = calloc(1, sizeof(struct fake_file));
    f->seen_len = f->left_len = f->dirty_from = strlen(text);
    memcpy(f->seen, text, f->seen_len);
    memcpy(f->left, text, f->seen_len);
    n->seen = n->left = f;
}

#endif
