/*
 * A snapshot within one call, straight to the disk: SAVE, SHUTDOWN, DEBUG RELOAD. Nothing else runs
 * meanwhile, so nothing changes; entries keep their epoch, and a snapshot in slices goes on as if
 * nothing had been.
 */
#include "execute/core/snapshot_form.h"

#include "codec/crc64.h"
#include "disk/disk.h"
#include "execute/core/snapshot_private.h"
#include "execute/keyspace/keyspace.h"
#include "execute/types/heap.h"
#include "execute/types/table.h"

#include <errno.h>
#include <time.h>

enum {
    NOW_BUFFER = 1 << 20,
    NOW_SYNC_EVERY = 4 << 20, /* bytes, where the terms say that it syncs often */
};

struct now_file {
    struct rdb_out out; /* first: now_room() gets it */
    const struct snapshot_terms *terms;
    const struct snapshot_form_ops *form;
    int fd, error;
    uint64_t crc, written, synced;
    uint64_t keys;
};

static void now_flush(struct now_file *f)
{
    struct bytes data = bytes_make((const char *)f->out.ptr, f->out.len);
    if (f->error == 0) {
        if (f->terms->has_checksum && f->form->has_checksum) f->crc = crc64(f->crc, data);
        f->error = disk_write(f->fd, data, NULL);
        f->written += data.len;
    }
    f->out.len = 0;
    if (f->error != 0 || !f->terms->syncs_often || f->written - f->synced < NOW_SYNC_EVERY) return;
    disk_sync_soon(f->fd, f->synced, f->written - f->synced); /* the sync at the end tells */
    f->synced = f->written;
}

static void now_room(struct rdb_out *out, size_t want)
{
    now_flush((struct now_file *)out);
    if (out->cap >= want) return;
    heap_free(out->ptr);
    out->ptr = heap_alloc(want);
    out->cap = want;
}

/* rdb-key-save-delay acts on this, too. */
static void now_delay(struct now_file *f)
{
    int64_t us = f->terms->key_delay_us;
    f->keys++;
    if (likely(us == 0) || (us < 0 && f->keys % (uint64_t)-us != 0)) return;
    if (us < 0) us = 1;
    const struct timespec wait = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&wait, NULL);
}

static void now_entry(void *ctx, struct entry *e)
{
    struct now_file *f = ctx;
    f->form->entry(&f->out, e);
    now_delay(f);
}

static void now_db(struct now_file *f, struct db *db)
{
    uint64_t cursor = 0;
    if (db_size(db) == 0) return;
    f->form->select(&f->out, db_number(db));
    if (f->form->expect != NULL) f->form->expect(&f->out, db_size(db), db_deadline_count(db));
    do cursor = table_scan(db_table(db), cursor, SNAPSHOT_SCAN_STEP, now_entry, f);
    while (cursor != 0 && f->error == 0);
}

static void now_function(void *ctx, struct bytes code)
{
    struct now_file *f = ctx;
    f->form->function(&f->out, code);
}

static void now_write(struct now_file *f)
{
    f->form->begin(&f->out, f->terms);
    snapshot_each_function(now_function, f);
    for (int i = 0; i < keyspace_db_count() && f->error == 0; i++) now_db(f, keyspace_db(i));
    f->form->end(&f->out);
    now_flush(f);
    if (f->form->has_checksum) rdb_put_ms(&f->out, (int64_t)f->crc);
    now_flush(f);
}

/* The file is whole: it gets its name. */
static int now_settle(const struct snapshot_terms *terms)
{
    enum { PATH_MAX_LEN = 4096 };
    char dir[PATH_MAX_LEN];
    int r = terms->to != NULL ? disk_rename(terms->path, terms->to) : 0;
    if (r != 0) return r;
    disk_dir_of(terms->to != NULL ? terms->to : terms->path, dir, sizeof(dir));
    return disk_sync_dir(dir);
}

int snapshot_now(const struct snapshot_terms *terms)
{
    if (snapshot_form_of(terms->form) == NULL) return -ENOSYS;
    /* A file that is being finished would come over this one. */
    if (snapshot.phase > SNAPSHOT_WALKS) orders_wait_files();
    struct now_file f = {
        .out = {.ptr = heap_alloc(NOW_BUFFER), .cap = NOW_BUFFER, .room = now_room},
        .terms = terms,
        .form = snapshot_form_of(terms->form),
    };
    f.out.compress = f.form->compresses && terms->compresses;
    f.fd = disk_open(terms->path, DISK_NEW);
    if (f.fd < 0) {
        heap_free(f.out.ptr);
        return f.fd;
    }
    now_write(&f);
    if (f.error == 0) f.error = disk_sync(f.fd);
    disk_close(f.fd);
    heap_free(f.out.ptr);
    if (f.error == 0) f.error = now_settle(terms);
    if (f.error != 0) disk_remove(terms->path);
    return f.error;
}
