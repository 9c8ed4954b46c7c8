/* Writing streams as RDB. What was deleted is left out. */
#include "execute/types/stream_dump.h"

#include "execute/types/heap.h"
#include "execute/types/listpack.h"
#include "execute/types/stream_group.h"

static void dump_packed_id(struct rdb_out *out, struct stream_id id, bool as_string)
{
    char raw[STREAM_PACKED_ID];
    for (unsigned i = 0; i < 8; i++) {
        raw[i] = (char)(id.ms >> (8 * (7 - i)));
        raw[8 + i] = (char)(id.seq >> (8 * (7 - i)));
    }
    if (as_string) rdb_put_len(out, sizeof(raw));
    rdb_put_raw(out, bytes_make(raw, sizeof(raw)));
}

static void dump_id(struct rdb_out *out, struct stream_id id)
{
    rdb_put_len(out, id.ms);
    rdb_put_len(out, id.seq);
}

/* ---- Nodes ---- */

static uint8_t *dump_entry(uint8_t *lp, struct stream_id node_id, struct stream_entry *entry)
{
    struct bytes field, value;
    char scratch[2][NUMBER_INT_CHARS];
    bool names = entry->names == NULL;
    uint32_t count = entry->count;
    lp = listpack_append_int(lp, names ? 0 : STREAM_PACKED_NODE_NAMES);
    lp = listpack_append_int(lp, (int64_t)(entry->id.ms - node_id.ms));
    lp = listpack_append_int(lp, (int64_t)(entry->id.seq - node_id.seq));
    if (names) lp = listpack_append_int(lp, count);
    while (stream_entry_pair(entry, &field, &value, scratch)) {
        if (names) lp = listpack_append(lp, field);
        lp = listpack_append(lp, value);
    }
    return listpack_append_int(lp, names ? 2 * (int64_t)count + 4 : (int64_t)count + 3);
}

static uint8_t *dump_names(uint8_t *lp, const struct stream_node *node)
{
    struct stream_names names = stream_node_names(node);
    struct bytes name;
    char scratch[NUMBER_INT_CHARS];
    lp = listpack_append_int(lp, node->count);
    lp = listpack_append_int(lp, 0);
    lp = listpack_append_int(lp, node->name_count);
    while (stream_node_next_name(&names, &name, scratch)) lp = listpack_append(lp, name);
    return listpack_append_int(lp, 0);
}

static void dump_node(struct rdb_out *out, const struct stream_node *node)
{
    struct stream_entry entry = {0};
    struct stream_id first = STREAM_ID_MIN;
    uint8_t *lp = dump_names(listpack_make(2 * (size_t)node->used), node);
    for (bool is_first = true; stream_node_next(node, &entry);) {
        if (entry.deleted) continue;
        if (is_first) first = entry.id;
        is_first = false;
        lp = dump_entry(lp, first, &entry);
    }
    dump_packed_id(out, first, true);
    rdb_put_string(out, bytes_make((const char *)lp, listpack_bytes(lp)));
    heap_free(lp);
}

/* ---- Groups ---- */

static void dump_consumer(struct rdb_out *out, const struct stream_consumer *c, bool with_active)
{
    rdb_put_string(out, stream_consumer_name(c));
    rdb_put_ms(out, c->seen_ms);
    if (with_active) rdb_put_ms(out, c->active_ms);
    rdb_put_len(out, c->pending.count);
    struct sorted_place at = sorted_first(&c->pending);
    for (const struct stream_id *id; (id = sorted_at(&c->pending, at)) != NULL;
         sorted_next(&c->pending, &at))
        dump_packed_id(out, *id, false);
}

static void dump_group(struct rdb_out *out, const struct stream_group *g, bool with_active)
{
    rdb_put_string(out, stream_group_name(g));
    dump_id(out, g->last_id);
    rdb_put_len(out, (uint64_t)g->entries_read);
    rdb_put_len(out, g->pending.count);
    struct sorted_place at = sorted_first(&g->pending);
    for (const struct stream_pending *p; (p = sorted_at(&g->pending, at)) != NULL;
         sorted_next(&g->pending, &at)) {
        dump_packed_id(out, p->id, false);
        rdb_put_ms(out, p->delivered_ms);
        rdb_put_len(out, p->deliveries);
    }
    rdb_put_len(out, g->consumers.count);
    at = sorted_first(&g->consumers);
    for (const struct stream_consumer *c; (c = stream_consumer_next(g, &at)) != NULL;)
        dump_consumer(out, c, with_active);
}

void stream_dump(struct rdb_out *out, const struct stream *s, uint16_t version)
{
    bool with_active = version >= RDB_VERSION_7_2;
    rdb_put_byte(out, with_active ? RDB_STREAM_LISTPACKS_3 : RDB_STREAM_LISTPACKS_2);
    rdb_put_len(out, s->nodes.count);
    struct sorted_place at = sorted_first(&s->nodes);
    for (struct stream_node *const *node; (node = sorted_at(&s->nodes, at)) != NULL;
         sorted_next(&s->nodes, &at))
        dump_node(out, *node);
    rdb_put_len(out, s->length);
    dump_id(out, s->last_id);
    dump_id(out, stream_first_id(s));
    dump_id(out, s->max_deleted);
    rdb_put_len(out, s->added);
    rdb_put_len(out, s->groups.count);
    at = sorted_first(&s->groups);
    for (const struct stream_group *g; (g = stream_group_next(s, &at)) != NULL;)
        dump_group(out, g, with_active);
}
