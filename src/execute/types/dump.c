/*
 * Small values are written as the listpack or intset that they are, large ones element by element.
 * What they are made of is borrowed while it is written: writing changes nothing.
 */
#include "execute/types/dump.h"

#include "execute/types/intset.h"
#include "execute/types/list.h"
#include "execute/types/stream_group.h"

/* A moment at which nothing is due: fields are written as long as they are there. */
#define DUMP_NOTHING_DUE_MS 0

/* From here on a value is large: bytes of a string, of a stream and of a hash's fields; elements;
 * nodes of a list; allocations of a stream. */
enum {
    DUMP_LARGE_STRING = 256 * 1024,
    DUMP_LARGE_BYTES = 64 * 1024,
    DUMP_LARGE_COUNT = 512,
    DUMP_LARGE_NODES = 16,
    DUMP_LARGE_PIECES = 128,
    DUMP_STRING_STEP = 256, /* bytes that weigh as much as an element */
    DUMP_NODE_WEIGHT = 16,  /* elements */
};

/* Where a value goes, and whether its name stands behind the byte of the type. */
struct dump {
    struct rdb_out *out;
    const struct entry *e;
    uint16_t version;
    bool named;
};

static void dump_type(const struct dump *d, uint8_t type)
{
    rdb_put_byte(d->out, type);
    if (d->named) rdb_put_string(d->out, entry_name(d->e));
}

static void dump_listpack(struct rdb_out *out, const uint8_t *lp)
{
    rdb_put_string(out, bytes_make((const char *)lp, listpack_bytes(lp)));
}

/* ---- In one go ---- */

static void dump_string(const struct dump *d)
{
    char scratch[STRING_INT_CHARS];
    int64_t number;
    dump_type(d, RDB_STRING);
    if (entry_encoding(d->e) == ENC_INT && string_int(d->e, &number))
        rdb_put_int(d->out, number);
    else
        rdb_put_string(d->out, string_bytes(d->e, scratch));
}

/* A node of a list is one item or a listpack of some. */
enum { DUMP_NODE_PLAIN = 1, DUMP_NODE_PACKED = 2 };

static void dump_small_list(const struct dump *d)
{
    dump_type(d, RDB_LIST_QUICKLIST_2);
    rdb_put_len(d->out, 1);
    rdb_put_len(d->out, DUMP_NODE_PACKED);
    dump_listpack(d->out, entry_root(d->e));
}

static void dump_of_type(const struct dump *d, uint8_t type)
{
    dump_type(d, type);
    dump_listpack(d->out, entry_root(d->e));
}

static void dump_intset(const struct dump *d)
{
    const uint8_t *is = entry_root(d->e);
    dump_type(d, RDB_SET_INTSET);
    rdb_put_string(d->out, bytes_make((const char *)is, intset_bytes(is)));
}

static void dump_small_hash_deadlines(const struct dump *d)
{
    dump_type(d, RDB_HASH_LISTPACK_DEADLINES);
    rdb_put_ms(d->out, type_of(d->e)->due(d->e));
    dump_listpack(d->out, entry_root(d->e));
}

/* ---- In steps ---- */

static bool dump_has_deadlines(const struct entry *e)
{
    return entry_type(e) == TYPE_HASH && type_of(e)->due(e) != ENTRY_NO_DEADLINE;
}

static void begin_string(const struct dump *d, struct dump_walk *w)
{
    w->offset = 0;
    dump_type(d, RDB_STRING);
    rdb_put_len(d->out, entry_block(d->e)->len);
}

static bool step_string(struct rdb_out *out, struct dump_walk *w, uint64_t max)
{
    const struct block *b = entry_block(w->e);
    uint64_t left = b->len - w->offset;
    uint64_t len = left / DUMP_STRING_STEP < max ? left : max * DUMP_STRING_STEP;
    rdb_put_raw(out, bytes_make(b->bytes + w->offset, len));
    w->offset += len;
    return w->offset == b->len;
}

static void begin_list(const struct dump *d, struct dump_walk *w)
{
    const struct quicklist *q = entry_root(d->e);
    w->node = 0;
    dump_type(d, RDB_LIST_QUICKLIST_2);
    rdb_put_len(d->out, q->node_count);
}

static void dump_list_node(struct rdb_out *out, const struct quicklist *q, uint32_t i)
{
    struct quicklist_view view;
    quicklist_view_open(&view, quicklist_at(q, i), quicklist_gap(q, i));
    rdb_put_len(out, view.lp != NULL ? DUMP_NODE_PACKED : DUMP_NODE_PLAIN);
    if (view.lp != NULL)
        dump_listpack(out, view.lp);
    else
        rdb_put_string(out, view.text);
    quicklist_view_close(&view);
}

static bool step_list(struct rdb_out *out, struct dump_walk *w, uint64_t max)
{
    const struct quicklist *q = entry_root(w->e);
    for (uint64_t n = 0; n < max && w->node < q->node_count; n += DUMP_NODE_WEIGHT)
        dump_list_node(out, q, w->node++);
    return w->node == q->node_count;
}

static void begin_set(const struct dump *d, struct dump_walk *w)
{
    w->set = set_walk(d->e);
    dump_type(d, RDB_SET);
    rdb_put_len(d->out, set_count(d->e));
}

static bool step_set(struct rdb_out *out, struct dump_walk *w, uint64_t max)
{
    struct set_member members[SET_WINDOW];
    for (uint64_t done = 0; done < max;) {
        uint32_t n = set_next(&w->set, members, SET_WINDOW);
        if (n == 0) return true;
        for (uint32_t i = 0; i < n; i++) rdb_put_string(out, set_member_text(&members[i]));
        done += n;
    }
    return false;
}

/* From the highest score down: whoever builds a skip list of them is quicker so. */
static void begin_zset(const struct dump *d, struct dump_walk *w)
{
    uint64_t count = zset_count(d->e);
    w->zset_more = zset_seek(d->e, count - 1, &w->zset);
    dump_type(d, RDB_ZSET_2);
    rdb_put_len(d->out, count);
}

static bool step_zset(struct rdb_out *out, struct dump_walk *w, uint64_t max)
{
    for (uint64_t n = 0; n < max && w->zset_more; n++) {
        struct zset_item item = zset_item(&w->zset);
        rdb_put_string(out, item.member);
        rdb_put_double(out, item.score);
        w->zset_more = zset_prev(&w->zset);
    }
    return !w->zset_more;
}

static void begin_hash(const struct dump *d, struct dump_walk *w)
{
    bool has = dump_has_deadlines(d->e);
    hash_walk_begin(&w->hash, d->e, DUMP_NOTHING_DUE_MS);
    w->earliest_ms = has ? type_of(d->e)->due(d->e) : ENTRY_NO_DEADLINE;
    dump_type(d, has ? RDB_HASH_DEADLINES : RDB_HASH);
    if (has) rdb_put_ms(d->out, w->earliest_ms);
    rdb_put_len(d->out, hash_count(d->e));
}

/* Deadlines are told relative to the earliest one, which is 1; 0: none. */
static void dump_field(struct rdb_out *out, const struct hash_item *item, int64_t earliest_ms)
{
    bool has = item->deadline_ms != ENTRY_NO_DEADLINE;
    if (earliest_ms != ENTRY_NO_DEADLINE)
        rdb_put_len(out, has ? (uint64_t)(item->deadline_ms - earliest_ms) + 1 : 0);
    rdb_put_string(out, item->field);
    rdb_put_string(out, item->value);
}

static bool step_hash(struct rdb_out *out, struct dump_walk *w, uint64_t max)
{
    struct hash_item item;
    for (uint64_t n = 0; n < max; n += 1 + item.value.len / DUMP_STRING_STEP) {
        if (!hash_walk_next(&w->hash, &item)) return true;
        dump_field(out, &item, w->earliest_ms);
    }
    return false;
}

static void dump_begin_of(const struct dump *d, struct dump_walk *w)
{
    *w = (struct dump_walk){.e = d->e};
    switch (entry_type(d->e)) {
    case TYPE_STRING: begin_string(d, w); break;
    case TYPE_LIST: begin_list(d, w); break;
    case TYPE_SET: begin_set(d, w); break;
    case TYPE_ZSET: begin_zset(d, w); break;
    case TYPE_HASH: begin_hash(d, w); break;
    case TYPE_STREAM:
        dump_type(d, stream_dump_type(d->version));
        stream_dump_begin(d->out, &w->stream, entry_root(d->e), d->version);
        break;
    }
}

void dump_begin(struct rdb_out *out, struct dump_walk *w, const struct entry *e, uint16_t version)
{
    const struct dump d = {out, e, version, true};
    dump_begin_of(&d, w);
}

bool dump_step(struct rdb_out *out, struct dump_walk *w, uint64_t max)
{
    switch (entry_type(w->e)) {
    case TYPE_STRING: return step_string(out, w, max);
    case TYPE_LIST: return step_list(out, w, max);
    case TYPE_SET: return step_set(out, w, max);
    case TYPE_ZSET: return step_zset(out, w, max);
    case TYPE_HASH: return step_hash(out, w, max);
    case TYPE_STREAM: return stream_dump_step(out, &w->stream, max);
    }
    return true;
}

/* Large forms, and a small set for those who know no listpack of members. */
static void dump_in_steps(const struct dump *d)
{
    struct dump_walk w;
    dump_begin_of(d, &w);
    while (!dump_step(d->out, &w, UINT64_MAX)) continue;
}

/* ---- All ---- */

static uint16_t dump(const struct dump *d)
{
    enum value_type type = entry_type(d->e);
    enum value_encoding enc = entry_encoding(d->e);
    bool packed = enc == ENC_LISTPACK;
    if (type == TYPE_STRING)
        dump_string(d);
    else if (type == TYPE_LIST && packed)
        dump_small_list(d);
    else if (enc == ENC_INTSET)
        dump_intset(d);
    else if (type == TYPE_SET && packed && d->version >= RDB_VERSION_7_2)
        dump_of_type(d, RDB_SET_LISTPACK);
    else if (type == TYPE_ZSET && packed)
        dump_of_type(d, RDB_ZSET_LISTPACK);
    else if (type == TYPE_HASH && packed)
        dump_of_type(d, RDB_HASH_LISTPACK);
    else if (enc == ENC_LISTPACK_EX && dump_has_deadlines(d->e))
        dump_small_hash_deadlines(d);
    else
        dump_in_steps(d);
    return dump_has_deadlines(d->e) ? RDB_VERSION_7_4 : d->version;
}

uint16_t dump_value(struct rdb_out *out, const struct entry *e, uint16_t version)
{
    return dump(&(struct dump){out, e, version, false});
}

uint16_t dump_named(struct rdb_out *out, const struct entry *e, uint16_t version)
{
    return dump(&(struct dump){out, e, version, true});
}

/* Few fields may hold much, too. */
static bool dump_is_large_hash(const struct entry *e)
{
    struct hash_walk walk;
    struct hash_item item;
    uint64_t bytes = 0;
    if (hash_count(e) > DUMP_LARGE_COUNT) return true;
    hash_walk_begin(&walk, e, DUMP_NOTHING_DUE_MS);
    while (bytes <= DUMP_LARGE_BYTES && hash_walk_next(&walk, &item))
        bytes += item.field.len + item.value.len;
    return bytes > DUMP_LARGE_BYTES;
}

static bool dump_is_large_stream(const struct stream *s)
{
    return s->node_bytes > DUMP_LARGE_BYTES || stream_pieces(s) > DUMP_LARGE_PIECES;
}

bool dump_is_large(const struct entry *e)
{
    switch (entry_encoding(e)) {
    case ENC_RAW: return (e->flags & ENTRY_BLOCK) && entry_block(e)->len > DUMP_LARGE_STRING;
    case ENC_QUICKLIST:
        return ((const struct quicklist *)entry_root(e))->node_count > DUMP_LARGE_NODES;
    case ENC_HASHTABLE:
        return entry_type(e) == TYPE_SET ? set_count(e) > DUMP_LARGE_COUNT : dump_is_large_hash(e);
    case ENC_SKIPLIST: return zset_count(e) > DUMP_LARGE_COUNT;
    case ENC_STREAM: return dump_is_large_stream(entry_root(e));
    default: return false;
    }
}
