/*
 * A snapshot in slices: its begin, the walk, its end.
 *
 * Invariants: an old entry is not in the file yet, a young one is or was not there at the
 * beginning. Nothing but the large value is written to `main` while there is one (`large.e`); what
 * the gate writes meanwhile is in `aside`. A large value that the walk came across is old, and in
 * line, until it is written.
 *
 * After an abort entries of several epochs are about. The next snapshot takes an epoch that no
 * entry has; as there are four, a walk without writing (a sweep) makes all entries young meanwhile,
 * and is finished at once in the rare case that none is free.
 */
#include "execute/core/snapshot_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "catalog/settings.h"
#include "execute/core/busy.h"
#include "execute/core/pause.h"
#include "execute/core/run.h"
#include "execute/core/stats.h"
#include "execute/types/heap.h"
#include "execute/types/table.h"

#include <errno.h>

enum {
    SNAPSHOT_LAG = 32 << 20,        /* memory of orders on their way: writers wait, too */
    SNAPSHOT_LARGE_STEP = 64,       /* elements between two looks at the clock */
    SNAPSHOT_SLICE_US = 50,         /* of a slice while commands run */
    SNAPSHOT_REST = 3,              /* so many times its length until the next one then */
    SNAPSHOT_HASTE = 1,             /* ... and while writers wait for it */
    SNAPSHOT_BUSY_NS = 1000000,     /* for how long the next ones are awaited after some */
    SNAPSHOT_IDLE_SLICE_US = 250,   /* of a slice while none run */
    SNAPSHOT_DELAY_SLICE_US = 1000, /* how often keys are counted that a delay lets through */
};

struct snapshot snapshot;
bool snapshot_holds;

bool snapshot_is_on(void) { return snapshot.phase > SNAPSHOT_SWEEPS; }

bool snapshot_works(void)
{
    return snapshot.phase == SNAPSHOT_WALKS || snapshot.phase == SNAPSHOT_SWEEPS;
}

/* ---- What it costs ---- */

static size_t snapshot_extra(void) { return snapshot.out + snapshot.aside.waiting + snapshot.kept; }

void snapshot_note_extra(void)
{
    uint64_t extra = snapshot_extra();
    if (extra > snapshot.figures.extra_peak) snapshot.figures.extra_peak = extra;
}

bool snapshot_lags(void) { return snapshot.out + snapshot.aside.waiting > SNAPSHOT_LAG; }

uint64_t snapshot_kept_bytes(void) { return snapshot.aside.waiting + snapshot.kept; }

struct snapshot_figures snapshot_figures(void)
{
    struct snapshot_figures f = snapshot.figures;
    f.extra_bytes = snapshot_extra();
    return f;
}

/* ---- Writing ---- */

void snapshot_select(struct snapshot_stream *s, int number)
{
    if (likely(s->number == number)) return;
    s->number = number;
    snapshot.form->select(&s->out, number);
}

void snapshot_put(struct snapshot_part *part, const struct entry *e)
{
    struct snapshot_stream *s = snapshot.large.e == NULL ? &snapshot.main : &snapshot.aside;
    snapshot_check_value(e);
    snapshot_select(s, part->number);
    snapshot.form->entry(&s->out, e);
    snapshot.figures.keys_done++;
}

struct snapshot_part *snapshot_part_of(const struct db *db)
{
    for (int i = 0; i < snapshot.part_count; i++) {
        int at = (db_number(db) + i) % snapshot.part_count; /* mostly the first */
        if (snapshot.parts[at].db == db) return &snapshot.parts[at];
    }
    return NULL;
}

/* ---- Large values ---- */

static void large_done(void)
{
    struct entry *e = (struct entry *)(uintptr_t)snapshot.large.e;
    snapshot.large.e = NULL;
    snapshot.figures.keys_done++;
    if (snapshot.large_is_owned) {
        snapshot.kept -= snapshot.large_kept;
        entry_free(e);
    } else {
        entry_make_young(e);
    }
    snapshot.large_is_owned = false;
    snapshot_stream_join(&snapshot.main, &snapshot.aside);
    if (snapshot.holds_writers) snapshot_ease();
}

static void large_step(uint64_t max)
{
    if (snapshot.form->large_step(&snapshot.main.out, &snapshot.large, max)) large_done();
}

void snapshot_finish_large(void)
{
    while (snapshot.large.e != NULL) large_step(UINT64_MAX);
}

/* ---- The walk ---- */

static void walk_visit(void *ctx, struct entry *e)
{
    struct snapshot_part *part = ctx;
    if (!entry_is_old(e)) return;
    if (snapshot.phase == SNAPSHOT_SWEEPS) {
        entry_make_young(e);
    } else if (dump_is_large(e)) {
        snapshot_queue_large(part, e, false);
    } else {
        snapshot_put(part, e);
        entry_make_young(e);
    }
}

static void walk_begin(struct snapshot_part *part)
{
    part->is_begun = true;
    if (snapshot.phase == SNAPSHOT_SWEEPS || part->table->count == 0) return;
    snapshot_select(&snapshot.main, part->number);
    if (snapshot.form->expect == NULL) return;
    snapshot.form->expect(&snapshot.main.out, part->table->count, part->table->own_deadlines);
}

static void walk_end(struct snapshot_part *part)
{
    part->is_walked = true;
    snapshot_let_go(part);
    snapshot.part_at++;
}

/* A step of the walk: the next entries of the part. False: all parts are walked. */
static bool walk_step(void)
{
    if (snapshot.part_at == snapshot.part_count) return false;
    struct snapshot_part *part = &snapshot.parts[snapshot.part_at];
    if (part->table == NULL) { /* it was flushed in a sweep */
        walk_end(part);
        return true;
    }
    if (!part->is_begun) walk_begin(part);
    uint64_t step = snapshot.terms.key_delay_us > 0 ? 1 : SNAPSHOT_SCAN_STEP;
    part->cursor = table_scan(part->table, part->cursor, step, walk_visit, part);
    if (part->cursor == 0) part->cursor = UINT64_MAX; /* what it found comes before its end */
    return true;
}

/* One thing of what is to be done, in order. False: all is done. */
static bool snapshot_step(void)
{
    if (snapshot.large.e != NULL) {
        large_step(SNAPSHOT_LARGE_STEP);
        return true;
    }
    if (snapshot.first != NULL && snapshot_next_large()) return true;
    if (snapshot.part_at < snapshot.part_count &&
        snapshot.parts[snapshot.part_at].cursor == UINT64_MAX) {
        walk_end(&snapshot.parts[snapshot.part_at]);
        return true;
    }
    return walk_step();
}

/* ---- Begin and end ---- */

static void parts_make(void)
{
    snapshot.part_count = keyspace_db_count();
    snapshot.part_at = 0;
    size_t size = (size_t)snapshot.part_count * sizeof(snapshot.parts[0]);
    snapshot.parts = heap_realloc(snapshot.parts, size);
    for (int i = 0; i < snapshot.part_count; i++) {
        struct db *db = keyspace_db(i);
        snapshot.parts[i] = (struct snapshot_part){.db = db, .table = db_table(db), .number = i};
    }
}

static void parts_free(void)
{
    heap_free(snapshot.parts);
    snapshot.parts = NULL;
    snapshot.part_count = snapshot.part_at = 0;
}

static unsigned epoch_bit(uint8_t epoch) { return 1u << epoch / ENTRY_EPOCH_ONE; }

/* All entries are young. */
static void sweep_end(void)
{
    snapshot.epochs = epoch_bit(entry_epoch);
    snapshot.phase = SNAPSHOT_OFF;
    keyspace_set_gate(NULL);
    parts_free();
}

static void sweep_begin(void)
{
    for (int i = 0; i < snapshot.part_count; i++) snapshot_let_go(&snapshot.parts[i]);
    snapshot.phase = SNAPSHOT_SWEEPS;
    parts_make();
}

static void sweep_all(void)
{
    while (snapshot_step()) continue;
    sweep_end();
}

/* An epoch that no entry has: then all of them are old. */
static void epoch_begin(void)
{
    const unsigned all = 15;
    snapshot.epochs |= epoch_bit(entry_epoch);
    if (snapshot.phase == SNAPSHOT_SWEEPS && snapshot.epochs == all) sweep_all();
    while (snapshot.epochs & epoch_bit(entry_epoch))
        entry_epoch = (uint8_t)((entry_epoch + ENTRY_EPOCH_ONE) & ENTRY_EPOCH);
    snapshot.epochs |= epoch_bit(entry_epoch);
}

static char *text_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(heap_alloc(size), text, size);
}

static void terms_copy(const struct snapshot_terms *terms)
{
    snapshot.terms = *terms;
    snapshot.terms.path = text_copy(terms->path);
    snapshot.terms.to = terms->to == NULL ? NULL : text_copy(terms->to);
}

static void terms_free(void)
{
    heap_free((char *)(uintptr_t)snapshot.terms.path);
    heap_free((char *)(uintptr_t)snapshot.terms.to);
    snapshot.terms = (struct snapshot_terms){0};
}

static void writers_may_wait(bool on)
{
    snapshot_holds = on;
    run_gate_changed();
    if (!on) snapshot_ease();
}

static void begin_function(void *ctx, struct bytes code)
{
    (void)ctx;
    snapshot.form->function(&snapshot.main.out, code);
}

static void opened(struct order *o)
{
    int result = o->result;
    order_free(o);
    if (result < 0) snapshot_fail(result);
}

int snapshot_begin(const struct snapshot_terms *terms)
{
    const struct snapshot_form_ops *form = snapshot_form_of(terms->form);
    must(!busy_is_breathing());
    if (snapshot_is_on()) return -EBUSY;
    if (form == NULL) return -ENOSYS;
    epoch_begin();
    snapshot.phase = SNAPSHOT_WALKS;
    snapshot.form = form;
    snapshot.result = 0;
    snapshot.begun_ns = clock_mono_ns();
    snapshot.next_ns = 0;
    snapshot.figures =
        (struct snapshot_figures){.begun_ms = clock_wall_ms(), .begun = snapshot.figures.begun + 1};
    terms_copy(terms);
    parts_make();
    for (int i = 0; i < snapshot.part_count; i++)
        snapshot.figures.keys_total += db_size(snapshot.parts[i].db);
    snapshot_check_begin();
    bool compresses = form->compresses && terms->compresses;
    snapshot_stream_open(&snapshot.main, false, compresses);
    snapshot_stream_open(&snapshot.aside, true, compresses);
    keyspace_set_gate(&snapshot_gate);
    writers_may_wait(true);
    snapshot_send(ORDER_FILE_OPEN, terms->path, NULL, opened);
    form->begin(&snapshot.main.out, terms);
    snapshot_each_function(begin_function, NULL);
    return 0;
}

/* The file is finished, or gone. */
static void snapshot_is_over(struct order *o)
{
    void (*done)(int result) = snapshot.terms.done;
    int result = snapshot.phase == SNAPSHOT_ABORTED ? snapshot.result : o->result;
    order_free(o);
    terms_free();
    snapshot_check_end();
    bool failed = snapshot.phase == SNAPSHOT_ABORTED;
    snapshot.phase = SNAPSHOT_SWEEPS;
    if (!failed) sweep_end();
    if (done != NULL) done(result);
}

static void walk_is_over(void)
{
    snapshot.form->end(&snapshot.main.out);
    snapshot_stream_flush(&snapshot.main);
    snapshot_stream_drop(&snapshot.aside);
    snapshot.phase = SNAPSHOT_FILES;
    snapshot.figures.keys_done = snapshot.figures.keys_total;
    writers_may_wait(false);
    snapshot_send(ORDER_FILE_FINISH, snapshot.terms.path, snapshot.terms.to, snapshot_is_over);
}

void snapshot_fail(int error)
{
    if (snapshot.phase != SNAPSHOT_WALKS) return; /* FINISH is on its way, and fails by itself */
    snapshot.result = error;
    snapshot_drop_large();
    snapshot_stream_drop(&snapshot.main);
    snapshot_stream_drop(&snapshot.aside);
    sweep_begin();
    snapshot.phase = SNAPSHOT_ABORTED;
    writers_may_wait(false);
    snapshot_send(ORDER_FILE_DROP, snapshot.terms.path, NULL, snapshot_is_over);
}

void snapshot_abort(void) { snapshot_fail(-ECANCELED); }

/* ---- Slices ---- */

/* rdb-key-save-delay: how many keys may have been written by now. A snapshot that was begun with it
 * heeds its changes: there is no child that could be killed to be rid of it. */
static uint64_t delay_allows(uint64_t now_ns)
{
    int64_t us = snapshot.terms.key_delay_us == 0 ? 0 : settings_now()->rdb_key_save_delay;
    uint64_t passed_us = (now_ns - snapshot.begun_ns) / 1000;
    if (us == 0) return UINT64_MAX;
    return us > 0 ? passed_us / (uint64_t)us : passed_us * (uint64_t)-us;
}

/* Works for so long; false when nothing is left to do, or the disk is behind. */
static bool slice(uint64_t us)
{
    uint64_t began = clock_ticks(), most = clock_ns_to_ticks(us * 1000);
    uint64_t keys = delay_allows(clock_mono_ns());
    for (;;) {
        if (snapshot.out > SNAPSHOT_OUT_MAX) return false;
        if (snapshot.figures.keys_done >= keys) return true;
        if (!snapshot_step()) {
            snapshot.phase == SNAPSHOT_SWEEPS ? sweep_end() : walk_is_over();
            return false;
        }
        if (clock_ticks() - began >= most) return true;
        if (snapshot.has_come != NULL && snapshot.has_come(snapshot.has_come_self)) return true;
    }
}

void snapshot_turn(bool leaves_it, bool (*has_come)(void *self), void *self)
{
    snapshot.leaves_it = leaves_it;
    snapshot.has_come = has_come;
    snapshot.has_come_self = self;
}

uint64_t snapshot_work(uint64_t budget_us)
{
    if (!snapshot_works()) return UINT64_MAX;
    uint64_t now = clock_mono_ns();
    if (now < snapshot.next_ns || snapshot.leaves_it) return snapshot.next_ns;
    bool busy = stats()->commands != snapshot.commands;
    if (busy) snapshot.busy_until_ns = now + SNAPSHOT_BUSY_NS;
    snapshot.commands = stats()->commands;
    /* Between batches of a steady load it rests, too: the CPU is for who reads them and answers. */
    if (!snapshot.holds_writers) busy = now < snapshot.busy_until_ns;
    uint64_t us = busy ? SNAPSHOT_SLICE_US : SNAPSHOT_IDLE_SLICE_US;
    if (us > budget_us) us = budget_us;
    if (!slice(us)) return UINT64_MAX;
    uint64_t end = clock_mono_ns();
    uint64_t rest = snapshot.holds_writers ? SNAPSHOT_HASTE : SNAPSHOT_REST;
    snapshot.next_ns = busy ? end + (end - now) * rest : end;
    if (snapshot.terms.key_delay_us != 0) snapshot.next_ns = end + SNAPSHOT_DELAY_SLICE_US * 1000;
    return snapshot.next_ns;
}

void snapshot_close(void)
{
    snapshot_drop_large();
    snapshot_stream_drop(&snapshot.main);
    snapshot_stream_drop(&snapshot.aside);
    sweep_begin(); /* lets tables go that were kept */
    sweep_end();
    terms_free();
    snapshot_check_end();
    snapshot_holds = false;
    snapshot = (struct snapshot){0};
}
