/*
 * Invariants: an order is in the making, in a ring, with persist, or in the list of those that the
 * ring had no room for; a line counts all but the first. Idle ones keep their buffers.
 */
#include "execute/core/orders.h"

#include "base/must.h"
#include "execute/types/heap.h"

#include <string.h>
#include <time.h>

enum {
    ORDERS_POLL_NS = 200000,
    ORDERS_UNTOLD = 256 << 10, /* bytes that may wait for the log's stage to look by itself */
    ORDERS_BUSY = 64,
    ORDERS_LAG_BYTES = 64 << 20,
    ORDERS_LAG_COUNT = 8192,
    ORDERS_IDLE = 64,       /* orders that wait for their next use */
    ORDERS_IDLE_CAP = 4096, /* with buffers of this size */
};

struct orders_line {
    struct handoff *out, *home;
    struct stage *stage;
    struct nap *nap;            /* or NULL: it is always woken */
    struct order *first, *last; /* the ring had no room for them */
    bool given_to;              /* since orders_give() */
    bool is_urgent;             /* somebody waits for one of those */
    uint64_t untold;            /* their bytes */
    uint64_t number;            /* the last effect among them */
    uint64_t count, bytes;      /* out */
};

static struct orders_line orders_log, orders_file;
static struct order *orders_idle[ORDERS_IDLE];
static unsigned orders_idle_count;
static struct log_card orders_no_log; /* where there is none */
static struct log_card *orders_card = &orders_no_log;

void orders_open(const struct execute_wiring *w)
{
    orders_log = (struct orders_line){
        .out = w->log_orders, .home = w->log_home, .stage = w->log_stage, .nap = w->log_nap};
    orders_file =
        (struct orders_line){.out = w->file_orders, .home = w->file_home, .stage = w->file_stage};
    orders_card = w->log_card != NULL ? w->log_card : &orders_no_log;
}

const struct log_card *orders_log_card(void) { return orders_card; }
void orders_delay_writes(uint64_t us) { counter_set(&orders_card->write_delay_us, us); }
void orders_watch(uint64_t number) { counter_set(&orders_card->watched, number); }
void orders_starve(bool on)
{
    if (unlikely(on != (counter_read(&orders_card->starved) != 0)))
        counter_set(&orders_card->starved, on);
}
uint64_t orders_out(void) { return orders_log.count + orders_file.count; }
uint64_t orders_bytes(void) { return orders_log.bytes + orders_file.bytes; }

bool orders_log_is_busy(void) { return orders_log.count > ORDERS_BUSY; }

/* With an error what is kept is not much, as writes are refused, and may stay for long. */
bool orders_log_lags(void)
{
    if (likely(orders_log.bytes < ORDERS_LAG_BYTES && orders_log.count < ORDERS_LAG_COUNT))
        return false;
    return counter_read(&orders_card->error) == 0;
}

/* Most orders are small, and many follow each other. */
static struct order *order_reuse(void)
{
    struct order *o = orders_idle[--orders_idle_count];
    char *buf = o->buf;
    *o = (struct order){.buf = buf, .cap = ORDERS_IDLE_CAP};
    return o;
}

struct order *order_make(enum order_kind kind, size_t cap, void (*done)(struct order *o))
{
    struct order *o;
    if (cap > 0 && cap <= ORDERS_IDLE_CAP) cap = ORDERS_IDLE_CAP;
    if (cap == ORDERS_IDLE_CAP && orders_idle_count > 0) {
        o = order_reuse();
    } else {
        o = heap_zalloc(sizeof(*o));
        o->cap = cap;
        if (cap > 0) o->buf = heap_alloc(cap);
    }
    o->kind = kind;
    o->done = done;
    return o;
}

void order_free(struct order *o)
{
    if (o->cap == ORDERS_IDLE_CAP && o->path == NULL && o->to == NULL &&
        orders_idle_count < ORDERS_IDLE) {
        orders_idle[orders_idle_count++] = o;
        return;
    }
    heap_free(o->buf);
    heap_free(o->path);
    heap_free(o->to);
    heap_free(o);
}

void order_done_free(struct order *o) { order_free(o); }

static char *order_copy_text(const char *text)
{
    if (text == NULL) return NULL;
    size_t size = strlen(text) + 1;
    return memcpy(heap_alloc(size), text, size);
}

void order_set_paths(struct order *o, const char *path, const char *to)
{
    o->path = order_copy_text(path);
    o->to = order_copy_text(to);
}

static void orders_push_waiting(struct orders_line *line)
{
    while (line->first != NULL) {
        struct order *next = line->first->next; /* read before it is given away */
        if (!handoff_try_push(line->out, (uint64_t)(uintptr_t)line->first)) return;
        line->first = next;
        line->given_to = true;
    }
    line->last = NULL;
}

void order_send(struct order *o)
{
    struct orders_line *line = o->kind < ORDER_FILE_OPEN ? &orders_log : &orders_file;
    must(line->out != NULL);
    line->count++;
    line->bytes += o->cap;
    line->untold += o->len;
    if (o->kind == ORDER_LOG_APPEND)
        line->number = o->end;
    else
        line->number = UINT64_MAX;
    if (o->kind != ORDER_LOG_APPEND || o->is_awaited) line->is_urgent = true;
    o->result = 0;
    o->next = NULL;
    if (line->last == NULL)
        line->first = o;
    else
        line->last->next = o;
    line->last = o;
    orders_push_waiting(line);
}

static void orders_give_line(struct orders_line *line, struct turn *t)
{
    if (line->first != NULL) orders_push_waiting(line);
    if (!line->given_to) return;
    line->given_to = false;
    if (line->nap != NULL && line->untold < ORDERS_UNTOLD &&
        nap_covers(line->nap, line->is_urgent, line->number))
        return;
    stage_give(t, line->stage);
    line->is_urgent = false;
    line->untold = 0;
}

void orders_give(struct turn *t)
{
    orders_give_line(&orders_log, t);
    orders_give_line(&orders_file, t);
}

static void orders_take_line(struct orders_line *line)
{
    struct order *o;
    while (line->home != NULL && (o = handoff_pop_ptr(line->home)) != NULL) {
        line->count--;
        line->bytes -= o->cap;
        o->done(o);
    }
}

void orders_take_home(void)
{
    orders_take_line(&orders_log);
    orders_take_line(&orders_file);
}

void orders_wait_some(void)
{
    uint64_t count = orders_out();
    orders_push_waiting(&orders_log);
    orders_push_waiting(&orders_file);
    stage_call_home(orders_log.stage);
    stage_call_home(orders_file.stage);
    orders_take_home();
    if (orders_out() == count) nanosleep(&(struct timespec){.tv_nsec = ORDERS_POLL_NS}, NULL);
}

void orders_wait_files(void)
{
    while (orders_file.count > 0) orders_wait_some();
}

void orders_close(void)
{
    orders_take_home();
    while (orders_idle_count > 0) {
        struct order *o = orders_idle[--orders_idle_count];
        heap_free(o->buf);
        heap_free(o);
    }
    orders_log = orders_file = (struct orders_line){0};
    orders_card = &orders_no_log;
}
