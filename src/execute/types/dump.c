/*
 * Small values are written as the listpack or intset that they are, large ones element by element.
 * What they are made of is borrowed while it is written: writing changes nothing.
 */
#include "execute/types/dump.h"

#include "execute/types/hash.h"
#include "execute/types/intset.h"
#include "execute/types/list.h"
#include "execute/types/set.h"
#include "execute/types/stream_dump.h"
#include "execute/types/zset.h"

/* A moment at which nothing is due: fields are written as long as they are there. */
#define DUMP_NOTHING_DUE_MS 0

static void dump_listpack(struct rdb_out *out, const uint8_t *lp)
{
    rdb_put_string(out, bytes_make((const char *)lp, listpack_bytes(lp)));
}

static void dump_string(struct rdb_out *out, const struct entry *e)
{
    char scratch[STRING_INT_CHARS];
    int64_t number;
    rdb_put_byte(out, RDB_STRING);
    if (entry_encoding(e) == ENC_INT && string_int(e, &number))
        rdb_put_int(out, number);
    else
        rdb_put_string(out, string_bytes(e, scratch));
}

/* ---- Lists ---- */

/* A node is one item or a listpack of some. */
enum { DUMP_NODE_PLAIN = 1, DUMP_NODE_PACKED = 2 };

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

static void dump_list(struct rdb_out *out, const struct entry *e)
{
    rdb_put_byte(out, RDB_LIST_QUICKLIST_2);
    if (entry_encoding(e) == ENC_LISTPACK) {
        rdb_put_len(out, 1);
        rdb_put_len(out, DUMP_NODE_PACKED);
        dump_listpack(out, entry_root(e));
        return;
    }
    const struct quicklist *q = entry_root(e);
    rdb_put_len(out, q->node_count);
    for (uint32_t i = 0; i < q->node_count; i++) dump_list_node(out, q, i);
}

/* ---- Sets ---- */

static void dump_set_members(struct rdb_out *out, const struct entry *e)
{
    struct set_member members[SET_WINDOW];
    struct set_walk walk = set_walk(e);
    rdb_put_byte(out, RDB_SET);
    rdb_put_len(out, set_count(e));
    for (uint32_t n; (n = set_next(&walk, members, SET_WINDOW)) > 0;)
        for (uint32_t i = 0; i < n; i++) rdb_put_string(out, set_member_text(&members[i]));
}

static void dump_set(struct rdb_out *out, const struct entry *e, uint16_t version)
{
    enum value_encoding enc = entry_encoding(e);
    if (enc == ENC_INTSET) {
        const uint8_t *is = entry_root(e);
        rdb_put_byte(out, RDB_SET_INTSET);
        rdb_put_string(out, bytes_make((const char *)is, intset_bytes(is)));
    } else if (enc == ENC_LISTPACK && version >= RDB_VERSION_7_2) {
        rdb_put_byte(out, RDB_SET_LISTPACK);
        dump_listpack(out, entry_root(e));
    } else {
        dump_set_members(out, e);
    }
}

/* ---- Sorted sets ---- */

/* From the highest score down: whoever builds a skip list of them is quicker so. */
static void dump_zset_members(struct rdb_out *out, const struct entry *e)
{
    uint64_t count = zset_count(e);
    struct zset_cursor cursor;
    rdb_put_byte(out, RDB_ZSET_2);
    rdb_put_len(out, count);
    bool more = zset_seek(e, count - 1, &cursor);
    for (; more; more = zset_prev(&cursor)) {
        struct zset_item item = zset_item(&cursor);
        rdb_put_string(out, item.member);
        rdb_put_double(out, item.score);
    }
}

static void dump_zset(struct rdb_out *out, const struct entry *e)
{
    if (entry_encoding(e) != ENC_LISTPACK) {
        dump_zset_members(out, e);
        return;
    }
    rdb_put_byte(out, RDB_ZSET_LISTPACK);
    dump_listpack(out, entry_root(e));
}

/* ---- Hashes ---- */

static void dump_hash_fields(struct rdb_out *out, const struct entry *e)
{
    struct hash_walk walk;
    struct hash_item item;
    hash_walk_begin(&walk, e, DUMP_NOTHING_DUE_MS);
    rdb_put_byte(out, RDB_HASH);
    rdb_put_len(out, hash_count(e));
    while (hash_walk_next(&walk, &item)) {
        rdb_put_string(out, item.field);
        rdb_put_string(out, item.value);
    }
}

/* Deadlines are told relative to the earliest one, which is 1; 0: none. */
static void dump_hash_deadlines(struct rdb_out *out, const struct entry *e, int64_t earliest_ms)
{
    struct hash_walk walk;
    struct hash_item item;
    hash_walk_begin(&walk, e, DUMP_NOTHING_DUE_MS);
    rdb_put_byte(out, RDB_HASH_DEADLINES);
    rdb_put_ms(out, earliest_ms);
    rdb_put_len(out, hash_count(e));
    while (hash_walk_next(&walk, &item)) {
        bool has = item.deadline_ms != ENTRY_NO_DEADLINE;
        rdb_put_len(out, has ? (uint64_t)(item.deadline_ms - earliest_ms) + 1 : 0);
        rdb_put_string(out, item.field);
        rdb_put_string(out, item.value);
    }
}

static uint16_t dump_hash(struct rdb_out *out, const struct entry *e, uint16_t version)
{
    enum value_encoding enc = entry_encoding(e);
    if (enc == ENC_LISTPACK) {
        rdb_put_byte(out, RDB_HASH_LISTPACK);
        dump_listpack(out, entry_root(e));
        return version;
    }
    int64_t earliest_ms = type_of(e)->due(e);
    if (earliest_ms == ENTRY_NO_DEADLINE) {
        dump_hash_fields(out, e);
        return version;
    }
    if (enc == ENC_LISTPACK_EX) {
        rdb_put_byte(out, RDB_HASH_LISTPACK_DEADLINES);
        rdb_put_ms(out, earliest_ms);
        dump_listpack(out, entry_root(e));
    } else {
        dump_hash_deadlines(out, e, earliest_ms);
    }
    return RDB_VERSION_7_4;
}

uint16_t dump_value(struct rdb_out *out, const struct entry *e, uint16_t version)
{
    switch (entry_type(e)) {
    case TYPE_STRING: dump_string(out, e); break;
    case TYPE_LIST: dump_list(out, e); break;
    case TYPE_SET: dump_set(out, e, version); break;
    case TYPE_ZSET: dump_zset(out, e); break;
    case TYPE_HASH: return dump_hash(out, e, version);
    case TYPE_STREAM: stream_dump(out, entry_root(e), version); break;
    }
    return version;
}
