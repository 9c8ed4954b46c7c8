/* Invariant: `out` fills the buffer of `order`, or has no room at all. */
#include "execute/core/snapshot_private.h"

#include "codec/crc64.h"
#include "execute/types/heap.h"

#define STREAM_BUFFER ((size_t)256 * 1024)

static void stream_home(struct order *o)
{
    snapshot.out -= o->cap;
    int result = o->result;
    order_free(o);
    if (result < 0) snapshot_fail(result);
    if (snapshot.holds_writers && !snapshot_lags()) snapshot_ease();
}

static void stream_send(struct order *o)
{
    if (snapshot.form->has_checksum && snapshot.terms.has_checksum)
        snapshot.crc = crc64(snapshot.crc, bytes_make(o->buf, o->len));
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
    order_send(o);
}
