/* Invariant: `out` fills the buffer of `order`, or has no room at all. */
#include "execute/core/snapshot_private.h"

#include "execute/types/heap.h"

#define STREAM_BUFFER ((size_t)256 * 1024)

static void stream_is_home(int result)
{
    if (result < 0) snapshot_fail(result);
    if (snapshot.holds_writers && !snapshot_lags()) snapshot_ease();
}

static void stream_home(struct order *o)
{
    int result = o->result;
    snapshot.out -= o->cap;
    order_free(o);
    stream_is_home(result);
}

static void stream_send(struct order *o)
{
    snapshot.out += o->cap;
    snapshot.figures.bytes += o->len;
    order_send(o);
}

/* What was filled goes, or waits. */
static void stream_seal(struct snapshot_stream *s)
{
    struct order *o = s->order;
    if (o == NULL) return;
    o->len = s->out.len;
    o->next = NULL;
    s->order = NULL;
    s->out.ptr = NULL;
    s->out.len = s->out.cap = 0;
    if (!s->is_aside) {
        stream_send(o);
        return;
    }
    if (s->last == NULL)
        s->first = o;
    else
        s->last->next = o;
    s->last = o;
    s->waiting += o->cap;
}

static void stream_room(struct rdb_out *out, size_t want)
{
    struct snapshot_stream *s = (struct snapshot_stream *)out;
    stream_seal(s);
    size_t cap = want > STREAM_BUFFER ? want : STREAM_BUFFER;
    s->order = order_make(ORDER_FILE_WRITE, cap, stream_home);
    out->ptr = (uint8_t *)s->order->buf;
    out->cap = cap;
    snapshot_note_extra();
}

void snapshot_stream_open(struct snapshot_stream *s, bool is_aside, bool compresses)
{
    *s = (struct snapshot_stream){.is_aside = is_aside, .number = -1};
    s->out.room = stream_room;
    s->out.compress = compresses;
}

void snapshot_stream_flush(struct snapshot_stream *s) { stream_seal(s); }

/* A string is there anyway: it counts so that the walk waits for it, and writers do not. */
static size_t string_weight(const struct order *o)
{
    return o->cap < SNAPSHOT_OUT_MAX ? o->cap : SNAPSHOT_OUT_MAX;
}

static void string_home(struct order *o)
{
    int result = o->result;
    snapshot.out -= string_weight(o);
    snapshot.figures.bytes += o->len;
    block_drop(o->owner);
    o->buf = NULL;
    order_free(o);
    stream_is_home(result);
}

void snapshot_stream_string(struct snapshot_stream *s, struct block *b)
{
    must(!s->is_aside);
    stream_seal(s);
    struct order *o = order_make(ORDER_FILE_STRING, 0, string_home);
    o->owner = b;
    o->buf = b->bytes;
    o->len = o->cap = b->len;
    snapshot.out += string_weight(o);
    snapshot_note_extra();
    order_send(o);
}

void snapshot_stream_join(struct snapshot_stream *s, struct snapshot_stream *aside)
{
    if (aside->number == -1) return; /* nothing was written */
    stream_seal(s);
    stream_seal(aside);
    while (aside->first != NULL) {
        struct order *o = aside->first;
        aside->first = o->next;
        stream_send(o);
    }
    s->number = aside->number;
    snapshot_stream_open(aside, true, aside->out.compress);
}

void snapshot_stream_drop(struct snapshot_stream *s)
{
    if (s->order != NULL) order_free(s->order);
    while (s->first != NULL) {
        struct order *o = s->first;
        s->first = o->next;
        order_free(o);
    }
    *s = (struct snapshot_stream){0};
}

void snapshot_send(enum order_kind kind, const char *path, const char *to,
                   void (*done)(struct order *o))
{
    struct order *o = order_make(kind, 0, done);
    order_set_paths(o, path, to);
    o->syncs_often = snapshot.terms.syncs_often;
    o->has_sum =
        snapshot.form->has_checksum && (kind == ORDER_FILE_FINISH || snapshot.terms.has_checksum);
    order_send(o);
}
