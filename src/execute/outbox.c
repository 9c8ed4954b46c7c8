/*
 * Invariants: a batch is in the making in one of the sets, on its way, or in the list of those that
 * are idle; batches_made counts them all. `awaited` counts those on their way that something waits
 * for.
 */
#include "execute/outbox.h"

#include "execute/core/effect.h"
#include "execute/core/memory_limit.h"
#include "execute/core/persistence.h"
#include "execute/core/slowlog.h"

static void outbox_free_batch(struct outbox *x, struct reply_batch *b)
{
    arena_free(x->arena, b->buf);
    arena_free(x->arena, b->loans);
    arena_free(x->arena, b->items);
    arena_free(x->arena, b);
    x->batches_made--;
}

/* Bytes of idle buffers that are kept: no large part of what all of the server may use. */
static size_t outbox_idle_max(void)
{
    uint64_t share = (uint64_t)settings_now()->maxmemory / OUTBOX_IDLE_SHARE;
    if (share == 0 || share > OUTBOX_IDLE_BYTES) return OUTBOX_IDLE_BYTES;
    return share < OUTBOX_IDLE_LEAST ? OUTBOX_IDLE_LEAST : (size_t)share;
}

/* A batch is home: it waits for its next use, within bounds; more were out only because writers
 * lagged. */
static void outbox_keep_batch(struct outbox *x, struct reply_batch *b)
{
    if (x->idle_count == OUTBOX_IDLE_BATCHES) {
        outbox_free_batch(x, b);
        return;
    }
    if (b->cap > OUTBOX_KEPT || x->idle_bytes + b->cap > outbox_idle_max()) {
        arena_free(x->arena, b->buf);
        b->buf = NULL;
        b->cap = 0;
    }
    x->idle_bytes += b->cap;
    x->idle_list[x->idle_count++] = b;
}

/* What was waiting for the batch to be home. */
static void outbox_settle(struct outbox *x, struct reply_batch *b)
{
    reply_repay(b->loans, b->loan_count);
    b->loan_count = 0;
    slowlog_land(b);
    b->awaited = false;
    x->awaited--;
}

void outbox_take_home(struct outbox *x)
{
    for (int i = 0; i < x->wiring->writer_count; i++) {
        struct reply_batch *b;
        while ((b = handoff_pop_ptr(x->wiring->home[i])) != NULL) {
            x->bytes_out -= b->total;
            if (unlikely(b->awaited)) outbox_settle(x, b);
            outbox_keep_batch(x, b);
        }
    }
}

static void outbox_drop_idle(struct outbox *x, size_t bytes)
{
    while (x->idle_count > 0 && x->idle_bytes >= bytes) {
        struct reply_batch *b = x->idle_list[--x->idle_count];
        x->idle_bytes -= b->cap;
        outbox_free_batch(x, b);
    }
}

/* Memory is short: most of what only waits for its next use goes. */
static void outbox_give_back(void *self)
{
    struct outbox *x = self;
    outbox_take_home(x);
    outbox_drop_idle(x, OUTBOX_IDLE_LEAST);
}

static struct reply_batch *outbox_make_batch(struct outbox *x)
{
    struct reply_batch *b = arena_zalloc(x->arena, sizeof(*b));
    b->item_max = 64;
    b->items = arena_alloc(x->arena, b->item_max * sizeof(*b->items));
    x->batches_made++;
    return b;
}

static struct reply_batch *outbox_take_batch(struct outbox *x)
{
    if (x->idle_count == 0) outbox_take_home(x);
    if (x->idle_count == 0) return outbox_make_batch(x);
    struct reply_batch *b = x->idle_list[--x->idle_count];
    x->idle_bytes -= b->cap;
    return b;
}

struct out *outbox_out(struct outbox *x, int writer)
{
    struct out *o = &x->current[writer];
    if (o->batch != NULL) return o;
    o->batch = outbox_take_batch(x);
    o->batch->item_count = 0;
    o->batch->writer = (uint16_t)writer;
    o->batch->read_ticks = x->read_ticks;
    o->reply = (struct reply){.buf = o->batch->buf,
                              .cap = o->batch->cap,
                              .lends = true,
                              .loans = o->batch->loans,
                              .loan_max = o->batch->loan_max};
    return o;
}

/* The batch takes the reply over. */
static struct reply_batch *outbox_seal(struct outbox *x, struct out *o)
{
    struct reply_batch *b = o->batch;
    o->batch = NULL;
    b->buf = o->reply.buf;
    b->cap = o->reply.cap;
    b->len = o->reply.len;
    b->loans = o->reply.loans;
    b->loan_count = o->reply.loan_count;
    b->loan_max = o->reply.loan_max;
    b->awaited = b->loan_count > 0 || b->slow != NULL;
    x->awaited += b->awaited;
    return b;
}

void outbox_publish(struct outbox *x, struct turn *t, struct out *o)
{
    if (o->batch == NULL || o->batch->item_count == 0) return;
    struct reply_batch *b = outbox_seal(x, o);
    b->read_ticks = t->ticks;
    b->after = persistence_reply_after();
    effect_await(b->after);
    b->total = reply_total(&o->reply);
    x->output += b->total;
    x->bytes_out += b->total;
    handoff_push(x->wiring->replies[b->writer], (uint64_t)(uintptr_t)b);
    stage_give(t, x->wiring->writers[b->writer]);
}

void outbox_publish_large(struct outbox *x, struct turn *t, struct out *o)
{
    if (o->batch == NULL) return;
    if (reply_total(&o->reply) >= OUTBOX_BATCH_LEN || o->batch->item_count >= OUTBOX_BATCH_ITEMS)
        outbox_publish(x, t, o);
}

void outbox_publish_all(struct outbox *x, struct turn *t)
{
    for (int i = 0; i < x->wiring->writer_count; i++) outbox_publish(x, t, &x->current[i]);
}

struct out *outbox_begin_item(struct outbox *x, struct conn_ref conn)
{
    struct out *o = outbox_out(x, conn_card(conn.slot)->writer);
    x->open = (struct open_item){o, conn, o->reply.len, reply_total(&o->reply)};
    return o;
}

void outbox_append_item(struct outbox *x, struct out *o, const struct reply_item *item,
                        size_t total)
{
    outbox_count_reply(item->conn, total);
    struct reply_batch *b = o->batch;
    if (b->item_count == b->item_max) {
        b->item_max *= 2;
        b->items = arena_realloc(x->arena, b->items, b->item_max * sizeof(*b->items));
    }
    b->items[b->item_count++] = *item;
}

/* Ends the open item at `place`, where `total` bytes were appended: those since its start are it,
 * and `events` are to happen after it. */
static void outbox_end_item_at(struct outbox *x, size_t place, size_t total, uint32_t events)
{
    const struct open_item *open = &x->open;
    struct out *o = open->out;
    size_t len = place - open->start;
    if (unlikely(slowlog_is_fresh())) {
        slowlog_ride(o->batch, len > 0 ? (int64_t)o->batch->item_count : -1);
        if (len > 0) events |= REPLY_TIMED;
    }
    if (len == 0 && events == 0) return;
    const struct reply_item item = {
        .conn = open->conn, .events = events, .start = open->start, .len = len};
    outbox_append_item(x, o, &item, total - open->total);
}

void outbox_end_item(struct outbox *x, uint32_t events)
{
    const struct reply *r = &x->open.out->reply;
    outbox_end_item_at(x, r->len, reply_total(r), events);
}

void outbox_part(struct outbox *x, struct turn *t, size_t total)
{
    struct open_item *open = &x->open;
    struct out *o = open->out;
    size_t place = reply_place(&o->reply, total);
    outbox_end_item_at(x, place, total, 0);
    open->start = place;
    open->total = total;
    if (o->batch->item_count > 0) {
        struct out old = *o;
        const struct reply *from = &old.reply;
        o->batch = NULL;
        outbox_out(x, old.batch->writer);
        reply_room(&o->reply, from->len);
        if (from->len > open->start)
            memcpy(o->reply.buf + open->start, from->buf + open->start, from->len - open->start);
        o->reply.len = from->len;
        o->reply.lent = from->lent;
        o->reply.resp = from->resp;
        reply_move_loans(&o->reply, &old.reply, open->start);
        old.reply.len = open->start;
        outbox_publish(x, t, &old);
    }
    outbox_publish_all(x, t);
}

void outbox_set_aside(struct outbox *x, bool aside) { x->current = x->sets[aside]; }

uint64_t outbox_batches_out(const struct outbox *x)
{
    uint64_t in_hand = 0;
    for (int i = 0; i < x->wiring->writer_count; i++)
        in_hand += (x->sets[0][i].batch != NULL) + (x->sets[1][i].batch != NULL);
    return x->batches_made - x->idle_count - in_hand;
}

void outbox_open(struct outbox *x, struct arena *arena, const struct execute_wiring *w)
{
    x->arena = arena;
    x->wiring = w;
    x->current = x->sets[0];
    memory_limit_open(outbox_give_back, x);
}

void outbox_close(struct outbox *x)
{
    outbox_take_home(x);
    for (int i = 0; i < 2 * EXECUTE_PEERS_MAX; i++) {
        struct out *o = &x->sets[i / EXECUTE_PEERS_MAX][i % EXECUTE_PEERS_MAX];
        if (o->batch == NULL) continue;
        struct reply_batch *b = outbox_seal(x, o);
        if (b->awaited) outbox_settle(x, b);
        outbox_free_batch(x, b);
    }
    outbox_drop_idle(x, 0);
}
