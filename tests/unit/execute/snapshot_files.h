/*
 * The stage that writes files, made by hand: orders are done when the test says so, in order. Until
 * then they are with "persist", as with a slow disk.
 */
#ifndef TESTS_UNIT_EXECUTE_SNAPSHOT_FILES_H
#define TESTS_UNIT_EXECUTE_SNAPSHOT_FILES_H

#include "unit/execute/snapshot_fixture.h"

#include "disk/disk.h"

static struct {
    struct handoff orders, home;
    int fd;
    int write_error; /* what the next write fails with, or 0 */
    bool has_sum;
    uint64_t sum;
    uint64_t strings; /* that came to be compressed */
    char path[512];   /* that is open */
} files;

static inline void files_open(void)
{
    handoff_open(&files.orders, 256);
    handoff_open(&files.home, 256);
    files.fd = -1;
    files.write_error = 0;
    files.strings = 0;
    const struct execute_wiring w = {.file_orders = &files.orders, .file_home = &files.home};
    orders_open(&w);
}

static inline void files_close(void)
{
    assert_int_equal(orders_out(), 0);
    orders_close();
    handoff_close(&files.orders);
    handoff_close(&files.home);
}

static inline int files_write(struct bytes data)
{
    if (files.fd < 0) return -EBADF;
    if (files.has_sum) files.sum = crc64(files.sum, data);
    return files.write_error != 0 ? files.write_error : disk_write(files.fd, data, NULL);
}

static inline void files_room(struct rdb_out *out, size_t want)
{
    out->cap = out->len + want;
    out->ptr = realloc(out->ptr, out->cap);
}

static inline int files_write_string(struct order *o)
{
    struct rdb_out out = {.room = files_room, .compress = true};
    rdb_put_string(&out, bytes_make(o->buf, o->len));
    int result = files_write(bytes_make((const char *)out.ptr, out.len));
    files.strings++;
    o->len = out.len;
    free(out.ptr);
    return result;
}

static inline int files_do(struct order *o)
{
    switch (o->kind) {
    case ORDER_FILE_OPEN:
        files.has_sum = o->has_sum;
        files.sum = 0;
        snprintf(files.path, sizeof(files.path), "%s", o->path);
        files.fd = disk_open(o->path, DISK_NEW);
        return files.fd < 0 ? files.fd : 0;
    case ORDER_FILE_WRITE: return files_write(bytes_make(o->buf, o->len));
    case ORDER_FILE_STRING: return files_write_string(o);
    case ORDER_FILE_FINISH:
        if (files.fd < 0 || files.write_error != 0) return -EIO;
        if (o->has_sum) files_write(bytes_make((const char *)&files.sum, sizeof(files.sum)));
        disk_close(files.fd);
        files.fd = -1;
        return o->to == NULL ? 0 : disk_rename(o->path, o->to);
    case ORDER_FILE_DROP:
        if (files.fd < 0) return -EBADF;
        disk_close(files.fd);
        files.fd = -1;
        return disk_remove(files.path);
    default: return -EINVAL;
    }
}

/* Does up to `max` of the orders that are out, and brings them home; gives how many. */
static inline int files_work(int max)
{
    struct order *o;
    int count = 0;
    for (; count < max && (o = handoff_pop_ptr(&files.orders)) != NULL; count++) {
        o->result = files_do(o);
        handoff_push(&files.home, (uint64_t)(uintptr_t)o);
    }
    orders_take_home();
    return count;
}

#endif
