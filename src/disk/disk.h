/*
 * Files that must outlive a crash: the one seam between persistence and the operating system.
 *
 * All calls block. They give 0 (or what they say) or -errno; EINTR and short writes are dealt with
 * here. What was written is on disk after disk_sync() of the file and, when its name is new or
 * changed, disk_sync_dir() of its folder. After a sync that failed nothing is known of what was
 * written since the last one that did not: the kernel may have dropped it and will not say so
 * again.
 *
 * Everything goes through `disk_calls`, which tests and the simulator replace.
 */
#ifndef DISK_DISK_H
#define DISK_DISK_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/* Files hold users' data: nobody else reads them. */
#define DISK_FILE_MODE 0600
#define DISK_DIR_MODE 0700

enum disk_open_mode {
    DISK_READ,
    DISK_NEW,    /* made, or emptied */
    DISK_APPEND, /* made if it is not there; writes go to its end */
};

/* Gives a descriptor. */
int disk_open(const char *path, enum disk_open_mode mode);
void disk_close(int fd);
/* All of it, or -errno; *done (may be NULL) is how much of it was written in any case. */
int disk_write(int fd, struct bytes data, size_t *done);
int disk_sync(int fd);
/* Up to `len` bytes from where the last read ended; gives how many, 0 at the end. */
int64_t disk_read(int fd, void *to, size_t len);
/* A whole file, malloc'd, with a NUL behind it. */
int disk_read_file(const char *path, char **text, size_t *len);
/* Starts writing back what lies in that part of the file, and does not wait. */
int disk_sync_soon(int fd, uint64_t from, uint64_t len);
/* That part is on disk and nobody will read it soon: the kernel need not keep it in memory. A hint.
 */
void disk_forget(int fd, uint64_t from, uint64_t len);
int disk_truncate(int fd, uint64_t len);
int64_t disk_size(int fd);
int64_t disk_size_of(const char *path);
int disk_rename(const char *from, const char *to);
int disk_remove(const char *path);
int disk_make_dir(const char *path); /* 0 when it is there already */
int disk_sync_dir(const char *path);
/* A file with this content, synced; its name is not. */
int disk_write_new(const char *path, struct bytes content);
/* Writes a small file whole: to a name of its own beside it, synced, renamed, the folder synced. */
int disk_replace(const char *path, struct bytes content);
/* The folder of a path, "." without one; `out` has `len` bytes. */
void disk_dir_of(const char *path, char *out, size_t len);

struct disk_calls {
    int (*open)(const char *path, int flags, int mode);
    int (*close)(int fd);
    int64_t (*write)(int fd, const void *ptr, size_t len);
    int64_t (*read)(int fd, void *to, size_t len);
    int (*sync)(int fd); /* fdatasync(2) */
    int (*sync_range)(int fd, uint64_t from, uint64_t len);
    void (*forget)(int fd, uint64_t from, uint64_t len); /* may be NULL */
    int (*truncate)(int fd, uint64_t len);
    int64_t (*size)(int fd);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path);
    int (*mkdir)(const char *path, int mode);
}; /* each gives -1 and sets errno, as the system calls do */
extern const struct disk_calls *disk_calls;

#endif
