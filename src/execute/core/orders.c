/*
 * Invariants: an order is in the making, in a ring, with persist, or in the list of those that the
 * ring had no room for; orders_count counts all but the first.
 */
#include "execute/core/orders.h"

#include "base/must.h"
#include "execute/types/heap.h"

#include <string.h>
#include <time.h>

enum { ORDERS_POLL_NS = 200000 };

struct orders_line {
    struct handoff *out, *home;
    struct stage *stage;
    struct order *first, *last; /* the ring had no room for them */
    bool given_to;              /* since orders_give() */
};

static struct orders_line orders_log, orders_file;
static uint64_t orders_count, orders_len;
static struct log_card orders_no_log; /* where there is none */
static struct log_card *orders_card = &orders_no_log;

void orders_open(const struct execute_wiring *w)
{
    orders_log =
        (struct orders_line){.out = w->log_orders, .home = w->log_home, .stage = w->log_stage};
    orders_file =
        (struct orders_line){.out = w->file_orders, .home = w->file_home, .stage = w->file_stage};
    orders_card = w->log_card != NULL ? w->log_card : &orders_no_log;
    orders_count = orders_len = 0;
}

const struct log_card *orders_log_card(void) { return orders_card; }
void orders_watch(uint64_t number) { counter_set(&orders_card->watched, number); }
uint64_t orders_out(void) { return orders_count; }
uint64_t orders_bytes(void) { return orders_len; }

struct order *order_make(enum order_kind kind, size_t cap, void (*done)(struct order *o))
{
    struct order *o = heap_zalloc(sizeof(*o));
    o->kind = kind;
    o->done = done;
    o->cap = cap;
    if (cap > 0) o->buf = heap_alloc(cap);
    return o;
}

void order_free(struct order *o)
{
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
    orders_count++;
    orders_len += o->cap;
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
    if (line->given_to) stage_give(t, line->stage);
    line->given_to = false;
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
        orders_count--;
        orders_len -= o->cap;
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
    uint64_t count = orders_count;
    orders_push_waiting(&orders_log);
    orders_push_waiting(&orders_file);
    stage_call_home(orders_log.stage);
    stage_call_home(orders_file.stage);
    orders_take_home();
    if (orders_count == count) nanosleep(&(struct timespec){.tv_nsec = ORDERS_POLL_NS}, NULL);
}

void orders_wait_all(void)
{
    while (orders_count > 0) orders_wait_some();
}

void orders_close(void)
{
    orders_take_home();
    orders_log = orders_file = (struct orders_line){0};
    orders_card = &orders_no_log;
}
