/*
 * Both of persist's stages on a disk in memory; the test is execute.
 *
 * Effects are records "<0000001>" of nine bytes, so that effect i ends with number 9 * i, and a
 * base is the text "B 12\n": it stands for the first twelve. What is on disk is read back as a
 * server would at its start.
 */
#ifndef UNIT_PERSIST_HARNESS_H
#define UNIT_PERSIST_HARNESS_H

#include "unit/persist/fake_disk.h"
#include "unit/solo.h"

#include "codec/manifest.h"
#include "persist/persist.h"

#include <limits.h>
#include <stdio.h>

enum { RECORD = 9, RING = 64 };

static struct {
    struct persist *p;
    struct handoff log_orders, log_home, file_orders, file_home;
    struct log_card card;
    char dir[PATH_MAX];
    int records; /* effects so far */
    int orders_out;
    uint64_t promised; /* the highest `durable` that was ever told */
} px;

/* ---- The stages ---- */

static inline void persist_start(void)
{
    struct persist_wiring w = {.log_orders = &px.log_orders,
                               .log_home = &px.log_home,
                               .file_orders = &px.file_orders,
                               .file_home = &px.file_home,
                               .writers = {&solo.neighbour},
                               .writer_count = 1};
    memset(&px.card, 0, sizeof(px.card));
    handoff_open(&px.log_orders, RING);
    handoff_open(&px.log_home, RING);
    handoff_open(&px.file_orders, RING);
    handoff_open(&px.file_home, RING);
    px.p = persist_open(&w, &px.card);
    thread_add_stage(&solo.thread, persist_file_stage(px.p));
    solo_adopt(persist_log_stage(px.p));
}

static inline void order_drop(struct order *o)
{
    free(o->buf);
    free(o->path);
    free(o->to);
    free(o);
    px.orders_out--;
}

static inline void take_home(void)
{
    struct order *o;
    while ((o = handoff_pop_ptr(&px.log_home)) != NULL) order_drop(o);
    while ((o = handoff_pop_ptr(&px.file_home)) != NULL) order_drop(o);
}

static inline void persist_end(void)
{
    persist_finish(px.p);
    take_home();
    assert_int_equal(px.orders_out, 0);
    persist_close(px.p);
    handoff_close(&px.log_orders);
    handoff_close(&px.log_home);
    handoff_close(&px.file_orders);
    handoff_close(&px.file_home);
}

static inline int harness_open(void **state)
{
    (void)state;
    memset(&px, 0, sizeof(px));
    solo_open(POLLER_EPOLL);
    solo_set("appendfsync", "always");
    assert_non_null(getcwd(px.dir, sizeof(px.dir)));
    fake_begin();
    persist_start();
    return 0;
}

static inline int harness_close(void **state)
{
    (void)state;
    persist_end();
    solo_close();
    fake_end();
    return 0;
}

/* The process was killed, and starts again on what a process sees. */
static inline void restart(void)
{
    persist_end();
    thread_release(&solo.thread);
    solo.thread.stage_count = 1; /* the neighbour's, which was opened first */
    stage_forget_all();
    static const struct stage_ops ops = {.run = solo_neighbour_run};
    stage_open(&solo.neighbour, "neighbour", NULL, &ops, true);
    thread_init(&solo.thread, "home", -1, POLLER_EPOLL);
    thread_add_stage(&solo.thread, &solo.neighbour);
    persist_start();
}

/* ---- Orders ---- */

static inline struct order *order_new(enum order_kind kind)
{
    struct order *o = calloc(1, sizeof(*o));
    o->kind = kind;
    o->end = (uint64_t)px.records * RECORD;
    px.orders_out++;
    return o;
}

static inline void order_give(struct order *o)
{
    bool is_log = o->kind < ORDER_FILE_OPEN;
    handoff_push(is_log ? &px.log_orders : &px.file_orders, (uint64_t)(uintptr_t)o);
    stage_call_home(is_log ? persist_log_stage(px.p) : persist_file_stage(px.p));
}

static inline void note_promise(void)
{
    uint64_t durable = counter_read(&px.card.durable);
    if (durable > px.promised) px.promised = durable;
}

/* Until it is home; gives its result. Others that come home are dropped. */
static inline int order_do(struct order *o)
{
    struct handoff *home = o->kind < ORDER_FILE_OPEN ? &px.log_home : &px.file_home;
    order_give(o);
    for (uint64_t until = clock_mono_ns() + 10000ull * SOLO_MS; clock_mono_ns() < until;) {
        struct order *back;
        if (!thread_round(&solo.thread, 0)) thread_round(&solo.thread, SOLO_MS / 10);
        note_promise();
        while ((back = handoff_pop_ptr(home)) != NULL) {
            int result = back->result;
            bool is_it = back == o;
            order_drop(back);
            if (is_it) return result;
        }
    }
    fail_msg("an order did not come home");
    return 0;
}

static inline int log_order(enum order_kind kind) { return order_do(order_new(kind)); }

/* Gives the order of the next record. */
static inline struct order *record_new(void)
{
    px.records++;
    struct order *o = order_new(ORDER_LOG_APPEND);
    o->buf = malloc(RECORD + 1);
    o->len = o->cap = RECORD;
    snprintf(o->buf, RECORD + 1, "<%07u>", (unsigned)px.records % 10000000u);
    o->is_awaited = true;
    return o;
}

static inline bool log_is_through(void)
{
    return handoff_depth(&px.log_orders) == 0 &&
           (counter_read(&px.card.pending) == 0 || counter_read(&px.card.error) != 0);
}

/* Rounds until the log has nothing to do at once. */
static inline void log_settle(void)
{
    while (thread_round(&solo.thread, 0)) continue;
    SOLO_UNTIL(log_is_through());
    note_promise();
    take_home();
}

static inline void append(int count)
{
    for (int i = 0; i < count; i++) order_give(record_new());
    log_settle();
}

static inline const char *in_folder(const char *name)
{
    static char path[PATH_MAX + 512];
    snprintf(path, sizeof(path), "%s/appendonlydir/%s", px.dir, name);
    return path;
}

/* As a snapshot does: the file stands for all records so far. */
static inline int write_base(int records)
{
    struct order *o = order_new(ORDER_FILE_OPEN);
    o->path = strdup(in_folder("temp-base"));
    int rc = order_do(o);
    if (rc == 0) {
        o = order_new(ORDER_FILE_WRITE);
        o->buf = malloc(32);
        o->len = (size_t)snprintf(o->buf, 32, "B %d\n", records);
        rc = order_do(o);
    }
    if (rc == 0) rc = log_order(ORDER_FILE_FINISH);
    return rc;
}

static inline int adopt(void)
{
    struct order *o = order_new(ORDER_LOG_ADOPT);
    o->path = strdup(in_folder("temp-base"));
    o->is_rdb_base = true;
    return order_do(o);
}

/* A rewrite with `meanwhile` effects while its base is written. */
static inline int rewrite(int meanwhile)
{
    int records = px.records;
    int rc = log_order(ORDER_LOG_SWITCH);
    if (rc != 0) return rc;
    append(meanwhile);
    rc = write_base(records);
    if (rc != 0) log_order(ORDER_FILE_DROP);
    if (rc == 0) rc = adopt();
    if (rc != 0) log_order(ORDER_LOG_FORGET);
    return rc;
}

/* ---- What a server would find ---- */

/* The effects that the file goes on with, from number `from` + 1 on; `ends` tells whether something
 * is behind them. */
static inline int read_records(struct bytes text, int from, bool *ends)
{
    char want[RECORD + 1];
    for (; text.len >= RECORD; from++) {
        snprintf(want, sizeof(want), "<%07u>", (unsigned)(from + 1) % 10000000u);
        if (memcmp(text.ptr, want, RECORD) != 0) break;
        text.ptr += RECORD;
        text.len -= RECORD;
    }
    *ends = text.len == 0;
    return from;
}

/* How many effects the folder has, whole and in order; -1: there is no manifest. Fails where a file
 * is missing, or more follows what is cut off. */
static inline int recover(bool left)
{
    const struct fake_file *f = fake_at(in_folder("appendonly.aof.manifest"), left);
    if (f == NULL) return -1;
    struct manifest m;
    const char *wrong = manifest_parse(fake_content(f, left), &m, NULL);
    if (wrong != NULL) fail_msg("%s", wrong);
    int records = 0;
    bool ends = true;
    for (int i = 0; i < m.count; i++) {
        if (m.files[i].type == MANIFEST_HISTORY) continue;
        f = fake_at(in_folder(m.files[i].name), left);
        if (f == NULL) fail_msg("%s is not there", m.files[i].name);
        struct bytes text = fake_content(f, left);
        if (m.files[i].type == MANIFEST_BASE)
            assert_int_equal(sscanf(text.ptr, "B %d\n", &records), 1);
        else if (ends)
            records = read_records(text, records, &ends);
        else
            assert_int_equal(text.len, 0);
    }
    manifest_free(&m);
    return records;
}

/* What a server does before it opens the log: part of a record at the end is cut off. Gives how
 * many there are. */
static inline int load(void)
{
    const struct fake_file *f = fake_at(in_folder("appendonly.aof.manifest"), false);
    if (f == NULL) return 0;
    struct manifest m;
    assert_null(manifest_parse(fake_content(f, false), &m, NULL));
    const struct manifest_file *last = manifest_last_increment(&m);
    if (last != NULL) {
        int fd = disk_open(in_folder(last->name), DISK_APPEND);
        uint64_t len = (uint64_t)disk_size(fd);
        assert_int_equal(disk_truncate(fd, len - len % RECORD), 0);
        assert_int_equal(disk_sync(fd), 0);
        disk_close(fd);
    }
    manifest_free(&m);
    return recover(false);
}

/* All that was promised is there, whether the process or the power goes. */
static inline void expect_kept(void)
{
    int promised = (int)(px.promised / RECORD), seen = recover(false), left = recover(true);
    if (promised > 0 && (seen < promised || left < promised))
        fail_msg("%d promised, %d seen, %d left", promised, seen, left);
}

static inline void expect_manifest(const char *want)
{
    const struct fake_file *f = fake_at(in_folder("appendonly.aof.manifest"), true);
    assert_non_null(f);
    char text[4096];
    snprintf(text, sizeof(text), "%.*s", (int)f->left_len, f->left);
    assert_string_equal(text, want);
}

#endif
