/*
 * The files' stage. One file is open at a time; after an error the rest of its orders fail, and the
 * file goes. What a finished file takes the place of stays as it is until the rename.
 */
#include "persist/files.h"

#include "codec/crc64.h"
#include "codec/rdb.h"
#include "disk/disk.h"
#include "mem/arena.h"
#include "persist/tail.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    FILES_PATH_MAX = 4096,
    FILES_ORDERS = 16,         /* done in one turn */
    FILES_SYNC_SOON = 4 << 20, /* bytes after which writing back begins */
    FILES_SYNC = 32 << 20,     /* bytes after which it is waited for */
};

struct files_stage {
    struct stage stage;
    struct persist_wiring wiring;
    struct stage *execute;
    struct arena *arena;
    int fd; /* -1: none is open */
    char path[FILES_PATH_MAX];
    int error; /* of the file that is or was open */
    bool syncs_often, has_sum;
    uint64_t sum;                /* of the file */
    uint64_t len, begun, synced; /* of the file; how much of it is being written back, and is */
    struct order_line going_home;
};

static void files_drop(struct files_stage *f)
{
    if (f->fd < 0) return;
    disk_close(f->fd);
    f->fd = -1;
    disk_remove(f->path);
}

static int files_open(struct files_stage *f, const struct order *o)
{
    files_drop(f);
    if ((size_t)snprintf(f->path, sizeof(f->path), "%s", o->path) >= sizeof(f->path))
        return -ENAMETOOLONG;
    f->fd = disk_open(f->path, DISK_NEW);
    f->syncs_often = o->syncs_often;
    f->has_sum = o->has_sum;
    f->sum = 0;
    f->len = f->begun = f->synced = 0;
    if (f->fd >= 0) return 0;
    int rc = f->fd;
    f->fd = -1;
    return rc;
}

/*
 * Syncs what was written. The kernel then forgets it: a file that the next one takes the place of
 * (rename(2)) would have to be thrown out of memory at once, 8 ms for 100 MB.
 */
static int files_sync(struct files_stage *f)
{
    int rc = disk_sync(f->fd);
    if (rc == 0) disk_forget(f->fd, f->synced, f->len - f->synced);
    f->begun = f->synced = f->len;
    return rc;
}

/* So that the sync at the end does not find all of it to be written. */
static int files_write_back(struct files_stage *f)
{
    if (f->len - f->synced >= FILES_SYNC) return files_sync(f);
    if (f->len - f->begun >= FILES_SYNC_SOON) {
        disk_sync_soon(f->fd, f->begun, f->len - f->begun); /* the sync at the end tells */
        f->begun = f->len;
    }
    return 0;
}

static int files_write(struct files_stage *f, struct bytes data)
{
    if (f->fd < 0) return -EBADF;
    if (f->has_sum) f->sum = crc64(f->sum, data);
    int rc = disk_write(f->fd, data, NULL);
    f->len += data.len;
    return rc == 0 && f->syncs_often ? files_write_back(f) : rc;
}

/* A string as it will stand in the file. */
struct files_text {
    struct rdb_out out; /* first: text_room() gets it */
    struct arena *arena;
};

static void text_room(struct rdb_out *out, size_t want)
{
    struct files_text *t = (struct files_text *)out;
    out->cap = out->len + want;
    out->ptr = arena_realloc(t->arena, out->ptr, out->cap);
}

static int files_write_string(struct files_stage *f, struct order *o)
{
    struct files_text t = {.out = {.room = text_room, .compress = true}, .arena = f->arena};
    rdb_put_string(&t.out, bytes_make(o->buf, o->len));
    int rc = files_write(f, bytes_make((const char *)t.out.ptr, t.out.len));
    o->len = t.out.len;
    arena_free(f->arena, t.out.ptr);
    return rc;
}

static int files_write_sum(struct files_stage *f)
{
    uint8_t sum[sizeof(f->sum)];
    struct rdb_out out = {.ptr = sum, .cap = sizeof(sum)};
    rdb_put_ms(&out, (int64_t)f->sum);
    return files_write(f, bytes_make((const char *)sum, out.len));
}

static int files_finish(struct files_stage *f, const struct order *o)
{
    char dir[FILES_PATH_MAX];
    if (f->fd < 0) return -EBADF;
    int rc = o->has_sum ? files_write_sum(f) : 0;
    if (rc == 0) rc = files_sync(f);
    if (rc == 0 && o->to != NULL) rc = disk_rename(f->path, o->to);
    if (rc != 0) return rc;
    disk_close(f->fd);
    f->fd = -1;
    if (o->to == NULL) return 0; /* whoever gives it a name that lasts syncs that */
    disk_dir_of(o->to, dir, sizeof(dir));
    return disk_sync_dir(dir);
}

static int files_do(struct files_stage *f, struct order *o)
{
    if (o->kind == ORDER_FILE_REMOVE) return disk_remove(o->path);
    if (o->kind == ORDER_FILE_DROP) {
        files_drop(f);
        return 0;
    }
    if (o->kind == ORDER_FILE_OPEN) f->error = 0;
    if (f->error != 0) return f->error;
    int rc = -EINVAL;
    if (o->kind == ORDER_FILE_OPEN) rc = files_open(f, o);
    if (o->kind == ORDER_FILE_WRITE) rc = files_write(f, bytes_make(o->buf, o->len));
    if (o->kind == ORDER_FILE_STRING) rc = files_write_string(f, o);
    if (o->kind == ORDER_FILE_FINISH) rc = files_finish(f, o);
    if (rc == 0) return 0;
    f->error = rc;
    files_drop(f);
    return rc;
}

static void files_push_home(struct files_stage *f)
{
    while (f->going_home.first != NULL) {
        struct order *o = f->going_home.first;
        struct order *next = o->next; /* read before it is given away */
        if (!handoff_try_push(f->wiring.file_home, (uint64_t)(uintptr_t)o)) return;
        f->going_home.first = next;
    }
    f->going_home.last = NULL;
}

static bool files_run(void *self, struct turn *t)
{
    struct files_stage *f = self;
    struct order *o;
    unsigned count = 0;
    while (count < FILES_ORDERS && (o = handoff_pop_ptr(f->wiring.file_orders)) != NULL) {
        count++;
        o->result = files_do(f, o);
        order_line_add(&f->going_home, o);
        files_push_home(f);
        if (f->execute != NULL) stage_call_home(f->execute);
    }
    files_push_home(f);
    t->items += count;
    return count == FILES_ORDERS;
}

static uint64_t files_depth(void *self)
{
    return handoff_depth(((const struct files_stage *)self)->wiring.file_orders);
}

static const struct stage_ops files_ops = {.run = files_run, .depth = files_depth};

struct files_stage *files_stage_open(const struct persist_wiring *w)
{
    struct arena *arena = arena_open("files");
    struct files_stage *f = arena_zalloc(arena, sizeof(*f));
    f->arena = arena;
    f->wiring = *w;
    f->fd = -1;
    stage_open(&f->stage, "files", f, &files_ops, false);
    return f;
}

void files_stage_set_execute(struct files_stage *f, struct stage *execute) { f->execute = execute; }

void files_stage_finish(struct files_stage *f)
{
    struct order *o;
    while ((o = handoff_pop_ptr(f->wiring.file_orders)) != NULL) {
        o->result = files_do(f, o);
        order_line_add(&f->going_home, o);
    }
    files_push_home(f);
    files_drop(f);
}

void files_stage_close(struct files_stage *f)
{
    struct arena *arena = f->arena;
    arena_free(arena, f);
    arena_close(arena);
}

struct stage *files_stage_of(struct files_stage *f) { return &f->stage; }
