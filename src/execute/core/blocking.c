/*
 * Invariants: a session waits if and only if s->blocking is set, and then is_blocked is set and
 * s->blocked holds its command. A key stands in its database's table while somebody waits for it or
 * it stands in the line of fed keys; keyspace_wait() counts it for just as long. blocking_pending
 * is set while a key stands in that line or a session in the line of the woken. A session is in
 * that line, in the line of the held, or in none: `line` says. Who waits for the log stands in the
 * list of log_first, which is sorted by number.
 */
#include "execute/core/blocking.h"

#include "codec/number.h"
#include "execute/core/held.h"
#include "execute/core/name_map.h"
#include "execute/core/run.h"
#include "execute/types/heap.h"

#include <math.h>

/* A key that is waited for: it lives in its database's map. */
struct blocking_key {
    struct db *db;
    struct key key;
    struct blocking_wait *first, *last;
    struct blocking_wait *cursor; /* the next to be served while the key is fed */
    uint64_t gone_count;          /* waits that end when the key goes */
    bool is_fed, is_fed_again;    /* in the line; and once more since its service began */
    struct blocking_key *next_fed;
};

/* One session in one key's line. */
struct blocking_wait {
    struct session *session;
    struct blocking_key *key;
    struct blocking_wait *prev, *next;
};

/* Sessions that are to run, or to be answered. */
struct blocking_line {
    struct session *first, *last;
};

/* What a session waits for. */
struct blocking {
    struct block_terms terms;
    int64_t due_ms;             /* monotonic, -1: for ever */
    uint32_t heap_at;           /* place in blocking_heap when it has a timeout */
    struct blocking_line *line; /* it was woken by time or CLIENT UNBLOCK, or is held; or NULL */
    enum blocking_wake how;
    struct session *line_next;
    struct session *log_prev, *log_next;
    uint32_t wait_count;
    struct blocking_wait waits[];
};

bool blocking_pending;
static struct name_map *blocking_maps; /* by number of database */
static struct blocking_key *fed_first, *fed_last;
static struct blocking_line line_woken, line_held;
/* Those who wait for the log, the least number first. */
static struct session *log_first, *log_last;
static struct session **blocking_heap; /* sessions with a timeout, the earliest first */
static uint32_t heap_count, heap_room;
static uint64_t blocked_count, gone_keys;

/* ---- Keys ---- */

static struct name_map *map_of(const struct db *db) { return &blocking_maps[db_number(db)]; }

static struct blocking_key *blocking_key_make(struct db *db, struct key key)
{
    struct blocking_key *k = name_map_find(map_of(db), key);
    if (k != NULL) return k;
    k = heap_zalloc(sizeof(*k));
    k->db = db;
    k->key = (struct key){name_map_add(map_of(db), key, k), key.hash};
    keyspace_wait(db, 1);
    return k;
}

static void blocking_key_drop_if_idle(struct blocking_key *k)
{
    if (k->first != NULL || k->is_fed) return;
    name_map_remove(map_of(k->db), k->key);
    keyspace_wait(k->db, -1);
    heap_free(k);
}

static void blocking_key_feed(struct blocking_key *k)
{
    if (k->is_fed) {
        k->is_fed_again = true;
        return;
    }
    k->is_fed = true;
    k->is_fed_again = false;
    k->cursor = k->first;
    k->next_fed = NULL;
    if (fed_last != NULL)
        fed_last->next_fed = k;
    else
        fed_first = k;
    fed_last = k;
    blocking_pending = true;
}

static void blocking_feed_visit(void *ctx, struct bytes name, void *key)
{
    (void)ctx;
    (void)name;
    blocking_key_feed(key);
}

/* The keyspace says that something came under a key or that it went; no key: all of a database. */
static void blocking_on_change(struct db *db, const struct key *key)
{
    if (key == NULL) {
        name_map_each(map_of(db), blocking_feed_visit, NULL);
        return;
    }
    struct blocking_key *k = name_map_find(map_of(db), *key);
    if (k != NULL) blocking_key_feed(k);
}

void call_fed(struct call *c, struct key key)
{
    if (likely(!keyspace_is_waited(c->db))) return;
    blocking_on_change(c->db, &key);
}

/* ---- Timeouts: a binary heap ---- */

static int64_t heap_due(uint32_t i) { return blocking_heap[i]->blocking->due_ms; }

static void heap_put(uint32_t i, struct session *s)
{
    blocking_heap[i] = s;
    s->blocking->heap_at = i;
}

static void heap_settle(uint32_t i, struct session *s)
{
    int64_t due = s->blocking->due_ms;
    while (i > 0 && heap_due((i - 1) / 2) > due) {
        heap_put(i, blocking_heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (uint32_t child; (child = 2 * i + 1) < heap_count; i = child) {
        if (child + 1 < heap_count && heap_due(child + 1) < heap_due(child)) child++;
        if (heap_due(child) >= due) break;
        heap_put(i, blocking_heap[child]);
    }
    heap_put(i, s);
}

static void heap_add(struct session *s)
{
    if (heap_count == heap_room) {
        heap_room = heap_room == 0 ? 16 : 2 * heap_room;
        blocking_heap = heap_realloc(blocking_heap, heap_room * sizeof(struct session *));
    }
    blocking_heap[heap_count] = s;
    heap_settle(heap_count++, s);
}

static void heap_remove(struct session *s)
{
    uint32_t i = s->blocking->heap_at;
    struct session *last = blocking_heap[--heap_count];
    if (last != s) heap_settle(i, last);
}

int64_t blocking_next_due_ms(void) { return heap_count == 0 ? -1 : heap_due(0); }

/* ---- Sessions ---- */

static void wait_join(struct blocking_wait *w, struct session *s, struct blocking_key *k)
{
    *w = (struct blocking_wait){.session = s, .key = k, .prev = k->last};
    if (k->last != NULL)
        k->last->next = w;
    else
        k->first = w;
    k->last = w;
    if (k->is_fed && k->cursor == NULL) k->is_fed_again = true;
    if (s->blocking->terms.wakes_when_gone && k->gone_count++ == 0) gone_keys++;
}

static void wait_leave(struct blocking_wait *w)
{
    struct blocking_key *k = w->key;
    if (k->cursor == w) k->cursor = w->next;
    if (w->prev != NULL)
        w->prev->next = w->next;
    else
        k->first = w->next;
    if (w->next != NULL)
        w->next->prev = w->prev;
    else
        k->last = w->prev;
    if (w->session->blocking->terms.wakes_when_gone && --k->gone_count == 0) gone_keys--;
    blocking_key_drop_if_idle(k);
}

static uint64_t log_number(const struct session *s) { return s->blocking->terms.log_number; }

/* Numbers grow, so that nearly all come last. */
static void log_join(struct session *s)
{
    struct session *prev = log_last, *next = NULL;
    while (prev != NULL && log_number(prev) > log_number(s)) {
        next = prev;
        prev = prev->blocking->log_prev;
    }
    s->blocking->log_prev = prev;
    s->blocking->log_next = next;
    *(prev != NULL ? &prev->blocking->log_next : &log_first) = s;
    *(next != NULL ? &next->blocking->log_prev : &log_last) = s;
}

static void log_leave(struct session *s)
{
    struct session *prev = s->blocking->log_prev, *next = s->blocking->log_next;
    *(prev != NULL ? &prev->blocking->log_next : &log_first) = next;
    *(next != NULL ? &next->blocking->log_prev : &log_last) = prev;
}

/* It looked again, and waits for something else from now on. */
static void log_wait_on(struct session *s, uint64_t number)
{
    if (log_number(s) == number) return;
    log_leave(s);
    s->blocking->terms.log_number = number;
    log_join(s);
}

enum run_result call_block(struct call *c, const struct block_terms *terms)
{
    struct session *s = c->session;
    if (c->outer != NULL) return terms->answers_null ? reply_null(c) : reply_null_array(c);
    if (s->blocking != NULL) { /* it has its place */
        if (terms->waits_for_log) log_wait_on(s, terms->log_number);
        return RUN_BLOCKED;
    }
    struct blocking *b = heap_alloc(sizeof(*b) + terms->key_count * sizeof(b->waits[0]));
    *b = (struct blocking){.terms = *terms, .due_ms = -1, .wait_count = terms->key_count};
    s->blocking = b;
    s->is_blocked = true;
    blocked_count++;
    for (uint32_t i = 0; i < terms->key_count; i++) {
        wait_join(&b->waits[i], s, blocking_key_make(c->db, call_key(c, terms->first_key + i)));
    }
    if (terms->waits_for_log) log_join(s);
    if (terms->timeout_ms > 0) {
        /* The clock's ms has begun already: one more, so that nobody is woken too early. */
        bool ends = !__builtin_add_overflow(run_mono_now_ms() + 1, terms->timeout_ms, &b->due_ms);
        if (ends)
            heap_add(s);
        else
            b->due_ms = -1;
    }
    return RUN_BLOCKED;
}

static void line_join(struct blocking_line *line, struct session *s)
{
    s->blocking->line = line;
    s->blocking->line_next = NULL;
    if (line->last != NULL)
        line->last->blocking->line_next = s;
    else
        line->first = s;
    line->last = s;
}

static void line_leave(struct session *s)
{
    struct blocking_line *line = s->blocking->line;
    struct session *prev = NULL;
    if (line == NULL) return;
    for (struct session *w = line->first; w != s; w = w->blocking->line_next) prev = w;
    if (prev != NULL)
        prev->blocking->line_next = s->blocking->line_next;
    else
        line->first = s->blocking->line_next;
    if (line->last == s) line->last = prev;
    s->blocking->line = NULL;
}

void blocking_forget(struct session *s)
{
    struct blocking *b = s->blocking;
    if (b == NULL) return;
    line_leave(s);
    if (b->due_ms >= 0) heap_remove(s);
    for (uint32_t i = 0; i < b->wait_count; i++) wait_leave(&b->waits[i]);
    if (b->terms.waits_for_log) log_leave(s);
    heap_free(b);
    s->blocking = NULL;
    s->is_blocked = false;
    blocked_count--;
    held_drop_blocked(s);
    if (s->job != NULL) s->job->left(s->job);
    s->job = NULL;
}

static void blocking_wake(struct session *s, enum blocking_wake how)
{
    line_leave(s);
    line_join(&line_woken, s);
    s->blocking->how = how;
    blocking_pending = true;
}

static bool is_woken(const struct session *s) { return s->blocking->line == &line_woken; }

bool blocking_unblock(struct session *s, enum blocking_wake how)
{
    if (s->blocking == NULL || is_woken(s) || s->job != NULL) return false;
    blocking_wake(s, how);
    return true;
}

void blocking_wait_on(struct session *s) { line_leave(s); }

void blocking_hold(struct session *s)
{
    if (s->blocking->line == &line_held) return; /* it has its place */
    line_leave(s);
    line_join(&line_held, s);
}

void blocking_wake_held(void)
{
    while (line_held.first != NULL) blocking_wake(line_held.first, BLOCKING_FED);
}

bool blocking_answers_late(const struct session *s) { return s->blocking->terms.answers_late; }

uint64_t blocking_log_least(void) { return log_first == NULL ? UINT64_MAX : log_number(log_first); }

void blocking_log_reached(uint64_t number)
{
    for (struct session *s = log_first; s != NULL && log_number(s) <= number;
         s = s->blocking->log_next)
        blocking_unblock(s, BLOCKING_FED);
}

enum run_result call_block_on(struct call *c, struct session_job *job)
{
    must(c->outer == NULL && c->session->job == NULL);
    c->session->job = job;
    return call_block(c, &(struct block_terms){.key_count = 0});
}

void blocking_job_done(struct session *s) { blocking_wake(s, BLOCKING_FED); }

void blocking_tick(int64_t mono_ms)
{
    while (heap_count > 0 && heap_due(0) <= mono_ms) {
        struct session *s = blocking_heap[0];
        heap_remove(s);
        s->blocking->due_ms = -1;
        if (!is_woken(s)) blocking_wake(s, BLOCKING_TIMEOUT);
    }
}

/* ---- Service ---- */

/* Does what is under the key now concern the wait? A command that waits for lists does not look at
 * a string that came. */
static bool wait_is_due(const struct blocking_wait *w, const struct entry *e)
{
    const struct block_terms *t = &w->session->blocking->terms;
    return t->wakes_when_gone || (e != NULL && entry_type(e) == t->type);
}

/* The next session of this key's line that its feeding concerns, or NULL. */
static struct session *blocking_key_next(struct blocking_key *k)
{
    if (k->cursor == NULL) return NULL;
    const struct entry *e = keyspace_find(k->db, k->key, LOOKUP_QUIET);
    bool matters = k->gone_count > 0 || (e != NULL && entry_type(e) != TYPE_STRING);
    while (matters && k->cursor != NULL) {
        struct blocking_wait *w = k->cursor;
        k->cursor = w->next;
        if (!is_woken(w->session) && wait_is_due(w, e)) return w->session;
    }
    return NULL;
}

/* The first fed key has been served: it leaves the line, or joins its end when it was fed again. */
static void blocking_key_served(struct blocking_key *k)
{
    fed_first = k->next_fed;
    if (fed_first == NULL) fed_last = NULL;
    k->is_fed = false;
    if (k->is_fed_again && k->first != NULL)
        blocking_key_feed(k);
    else
        blocking_key_drop_if_idle(k);
}

struct session *blocking_next(enum blocking_wake *how)
{
    if (line_woken.first != NULL) {
        *how = line_woken.first->blocking->how;
        return line_woken.first;
    }
    *how = BLOCKING_FED;
    while (fed_first != NULL) {
        struct session *s = blocking_key_next(fed_first);
        if (s != NULL) return s;
        blocking_key_served(fed_first);
    }
    blocking_pending = false;
    return NULL;
}

/* ---- Life ---- */

void blocking_open(void)
{
    blocking_maps = heap_zalloc((size_t)keyspace_db_count() * sizeof(*blocking_maps));
    keyspace_on_waited(blocking_on_change);
}

/* The sessions are gone. */
void blocking_close(void)
{
    must(blocked_count == 0);
    enum blocking_wake how;
    while (blocking_next(&how) != NULL) continue;
    for (int i = 0; i < keyspace_db_count(); i++) name_map_close(&blocking_maps[i]);
    heap_free(blocking_maps);
    heap_free(blocking_heap);
    blocking_maps = NULL;
    blocking_heap = NULL;
    heap_room = 0;
}

uint64_t blocking_count(void) { return blocked_count; }

uint64_t blocking_timeout_count(void) { return heap_count; }

uint64_t blocking_key_count(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < keyspace_db_count(); i++) sum += name_map_count(&blocking_maps[i]);
    return sum;
}

uint64_t blocking_gone_count(void) { return gone_keys; }

/* ---- Arguments ---- */

bool call_timeout(struct call *c, uint32_t i, int64_t *ms)
{
    double seconds;
    if (!number_double(c->args[i], &seconds) || isnan(seconds)) {
        reply_error(c, "ERR timeout is not a float or out of range");
        return false;
    }
    const char *error = NULL;
    if (seconds * 1000 > (double)(INT64_MAX / 2))
        error = "ERR timeout is out of range";
    else if (seconds < 0)
        error = "ERR timeout is negative";
    if (error != NULL) {
        reply_error(c, error);
        return false;
    }
    *ms = (int64_t)ceil(seconds * 1000);
    return true;
}
