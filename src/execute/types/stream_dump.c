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
}

static void dump_group(struct rdb_out *out, const struct stream_group *g)
{
    rdb_put_string(out, stream_group_name(g));
    dump_id(out, g->last_id);
    rdb_put_len(out, (uint64_t)g->entries_read);
    rdb_put_len(out, g->pending.count);
}

static void dump_pending(struct rdb_out *out, const struct stream_pending *p)
{
    dump_packed_id(out, p->id, false);
    rdb_put_ms(out, p->delivered_ms);
    rdb_put_len(out, p->deliveries);
}

/* Behind the nodes. */
static void dump_counters(struct rdb_out *out, const struct stream *s)
{
    rdb_put_len(out, s->length);
    dump_id(out, s->last_id);
    dump_id(out, stream_first_id(s));
    dump_id(out, s->max_deleted);
    rdb_put_len(out, s->added);
    rdb_put_len(out, s->groups.count);
}

enum { STREAM_DUMP_NODE_WEIGHT = 16 }; /* things that are as much work as a node */

/* ---- Steps: each writes one thing, or finds that a phase is over ---- */

static void step_node(struct rdb_out *out, struct stream_dump *d)
{
    struct stream_node *const *node = sorted_at(&d->s->nodes, d->node_at);
    if (node != NULL) {
        dump_node(out, *node);
        sorted_next(&d->s->nodes, &d->node_at);
        return;
    }
    dump_counters(out, d->s);
    d->phase = STREAM_DUMP_GROUPS;
}

static void step_group(struct rdb_out *out, struct stream_dump *d)
{
    d->group = stream_group_next(d->s, &d->group_at);
    d->phase = d->group == NULL ? STREAM_DUMP_DONE : STREAM_DUMP_PENDING;
    if (d->group == NULL) return;
    dump_group(out, d->group);
    d->pending_at = sorted_first(&d->group->pending);
}

static void step_pending(struct rdb_out *out, struct stream_dump *d)
{
    const struct stream_pending *p = sorted_at(&d->group->pending, d->pending_at);
    if (p != NULL) {
        dump_pending(out, p);
        sorted_next(&d->group->pending, &d->pending_at);
        return;
    }
    rdb_put_len(out, d->group->consumers.count);
    d->consumer_at = sorted_first(&d->group->consumers);
    d->phase = STREAM_DUMP_CONSUMERS;
}

static void step_consumer(struct rdb_out *out, struct stream_dump *d)
{
    d->consumer = stream_consumer_next(d->group, &d->consumer_at);
    d->phase = d->consumer == NULL ? STREAM_DUMP_GROUPS : STREAM_DUMP_CONSUMERS_IDS;
    if (d->consumer == NULL) return;
    dump_consumer(out, d->consumer, d->with_active);
    d->pending_at = sorted_first(&d->consumer->pending);
}

static void step_consumer_id(struct rdb_out *out, struct stream_dump *d)
{
    const struct stream_id *id = sorted_at(&d->consumer->pending, d->pending_at);
    if (id == NULL) {
        d->phase = STREAM_DUMP_CONSUMERS;
        return;
    }
    dump_packed_id(out, *id, false);
    sorted_next(&d->consumer->pending, &d->pending_at);
}

uint8_t stream_dump_type(uint16_t version)
{
    return version >= RDB_VERSION_7_2 ? RDB_STREAM_LISTPACKS_3 : RDB_STREAM_LISTPACKS_2;
}

void stream_dump_begin(struct rdb_out *out, struct stream_dump *d, const struct stream *s,
                       uint16_t version)
{
    *d = (struct stream_dump){.s = s, .with_active = version >= RDB_VERSION_7_2};
    d->node_at = sorted_first(&s->nodes);
    d->group_at = sorted_first(&s->groups);
    rdb_put_len(out, s->nodes.count);
}

void stream_dump_groups_begin(struct rdb_out *out, struct stream_dump *d, const struct stream *s,
                              uint16_t version)
{
    enum { NUMBERS = 9 }; /* of nodes, of entries, three ids, of what was added */
    *d = (struct stream_dump){.s = s, .with_active = version >= RDB_VERSION_7_2};
    d->phase = STREAM_DUMP_GROUPS;
    d->group_at = sorted_first(&s->groups);
    for (int i = 0; i < NUMBERS; i++) rdb_put_len(out, 0);
    rdb_put_len(out, s->groups.count);
}

bool stream_dump_step(struct rdb_out *out, struct stream_dump *d, uint64_t max)
{
    for (uint64_t n = 0; n < max && d->phase != STREAM_DUMP_DONE; n++) {
        if (d->phase == STREAM_DUMP_NODES) n += STREAM_DUMP_NODE_WEIGHT - 1;
        switch (d->phase) {
        case STREAM_DUMP_NODES: step_node(out, d); break;
        case STREAM_DUMP_GROUPS: step_group(out, d); break;
        case STREAM_DUMP_PENDING: step_pending(out, d); break;
        case STREAM_DUMP_CONSUMERS: step_consumer(out, d); break;
        case STREAM_DUMP_CONSUMERS_IDS: step_consumer_id(out, d); break;
        case STREAM_DUMP_DONE: break;
        }
    }
    return d->phase == STREAM_DUMP_DONE;
}
