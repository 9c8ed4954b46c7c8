/*
 * Hashes: storing, reading and deleting fields, and the walks over all of them.
 */
#include "execute/commands/hash_edit.h"
#include "execute/commands/scan_options.h"
#include "execute/commands/table.h"
#include "execute/types/heap.h"

/* ---- Writing ---- */

/* Stores the pairs from argument 2 on. *added: how many fields are new. */
static bool hash_put_pairs(struct call *c, int64_t *added)
{
    struct hash_edit h;
    *added = 0;
    if (c->nargs % 2 != 0) {
        reply_arity(c);
        return false;
    }
    if (!hash_edit_begin(c, &h)) return false;
    hash_edit_make(c, &h);
    if (c->nargs > 4) {
        size_t bytes = 0;
        for (uint32_t i = 2; i < c->nargs; i++) bytes += arg(c, i).len;
        hash_expect(h.e, (c->nargs - 2) / 2, bytes);
    }
    for (uint32_t i = 2; i < c->nargs; i += 2)
        *added += hash_edit_put(c, &h, arg(c, i), i + 1, ENTRY_NO_DEADLINE);
    hash_edit_end(c, &h, "hset");
    return true;
}

enum run_result cmd_HSET(struct call *c)
{
    int64_t added;
    return hash_put_pairs(c, &added) ? reply_int(c, added) : RUN_ERROR;
}

enum run_result cmd_HMSET(struct call *c)
{
    int64_t added;
    return hash_put_pairs(c, &added) ? reply_ok(c) : RUN_ERROR;
}

enum run_result cmd_HSETNX(struct call *c)
{
    struct hash_edit h;
    struct hash_item item;
    if (!hash_edit_begin(c, &h)) return RUN_ERROR;
    if (h.e != NULL && hash_get(h.e, arg(c, 2), c->due_ms, &item)) return reply_int(c, 0);
    hash_edit_make(c, &h);
    hash_edit_put(c, &h, arg(c, 2), 3, ENTRY_NO_DEADLINE);
    hash_edit_end(c, &h, "hset");
    return reply_int(c, 1);
}

enum run_result cmd_HDEL(struct call *c)
{
    struct hash_edit h;
    if (!hash_edit_begin(c, &h)) return RUN_ERROR;
    for (uint32_t i = 2; i < c->nargs && h.e != NULL; i++)
        h.changes += hash_delete(h.e, arg(c, i), c->due_ms);
    hash_edit_end(c, &h, "hdel");
    return reply_int(c, (int64_t)h.changes);
}

/* ---- Reading ---- */

enum run_result cmd_HGET(struct call *c)
{
    struct entry *e;
    if (!hash_edit_find(c, &e)) return RUN_ERROR;
    return hash_edit_reply_field(c, e, arg(c, 2));
}

enum run_result cmd_HMGET(struct call *c)
{
    struct entry *e;
    if (!hash_edit_find(c, &e)) return RUN_ERROR;
    reply_array(c, c->nargs - 2);
    for (uint32_t i = 2; i < c->nargs; i++) hash_edit_reply_field(c, e, arg(c, i));
    return RUN_OK;
}

enum run_result cmd_HEXISTS(struct call *c)
{
    struct entry *e;
    struct hash_item item;
    if (!hash_edit_find(c, &e)) return RUN_ERROR;
    return reply_int(c, e != NULL && hash_get(e, arg(c, 2), c->due_ms, &item));
}

enum run_result cmd_HSTRLEN(struct call *c)
{
    struct entry *e;
    struct hash_item item;
    if (!hash_edit_find(c, &e)) return RUN_ERROR;
    bool found = e != NULL && hash_get(e, arg(c, 2), c->due_ms, &item);
    return reply_int(c, found ? (int64_t)item.value.len : 0);
}

enum run_result cmd_HLEN(struct call *c)
{
    struct entry *e;
    if (!hash_edit_find(c, &e)) return RUN_ERROR;
    return reply_int(c, e == NULL ? 0 : (int64_t)hash_count(e));
}

/* ---- All fields ---- */

enum hash_part { HASH_NAMES = 1, HASH_VALUES = 2 };

static void hash_reply_parts(struct call *c, const struct hash_item *item, unsigned parts)
{
    if (parts & HASH_NAMES) reply_bulk(c, item->field);
    if (parts & HASH_VALUES) hash_edit_reply_value(c, item);
}

static enum run_result hash_reply_all(struct call *c, unsigned parts)
{
    struct entry *e;
    if (!hash_edit_find(c, &e)) return RUN_ERROR;
    uint64_t count = e == NULL ? 0 : hash_count_alive(e, c->due_ms);
    if (parts == (HASH_NAMES | HASH_VALUES))
        reply_map(c, count);
    else
        reply_array(c, count);
    if (count == 0) return RUN_OK;

    struct hash_walk w;
    struct hash_item item;
    hash_walk_begin(&w, e, c->due_ms);
    while (hash_walk_next(&w, &item)) hash_reply_parts(c, &item, parts);
    return RUN_OK;
}

enum run_result cmd_HGETALL(struct call *c) { return hash_reply_all(c, HASH_NAMES | HASH_VALUES); }
enum run_result cmd_HKEYS(struct call *c) { return hash_reply_all(c, HASH_NAMES); }
enum run_result cmd_HVALS(struct call *c) { return hash_reply_all(c, HASH_VALUES); }

/* The cursor is answered before the fields but known after them: so their places are gathered. */
struct hash_gather {
    const struct call *c;
    const struct entry *e;
    const struct scan_options *options;
    const void **places;
    size_t count, room;
};

static void hash_gather_visit(void *ctx, const void *place)
{
    struct hash_gather *g = ctx;
    struct hash_item item;
    if (!hash_is_alive_at(g->e, place, g->c->due_ms)) return;
    if (g->options->has_pattern) {
        hash_item_at(g->e, place, &item);
        if (!scan_options_fit(g->options, item.field)) return;
    }
    if (g->count == g->room) {
        g->room = g->room == 0 ? 64 : 2 * g->room;
        g->places = heap_realloc(g->places, g->room * sizeof(*g->places));
    }
    g->places[g->count++] = place;
}

enum run_result cmd_HSCAN(struct call *c)
{
    struct scan_options o;
    struct entry *e;
    if (!scan_options_cursor(c, 2, &o)) return RUN_ERROR;
    if (!hash_edit_find(c, &e)) return RUN_ERROR;
    if (e == NULL) return scan_options_reply_head(c, 0, 0);
    if (!scan_options_parse(c, 3, SCAN_OPTIONS_NOVALUES, &o)) return RUN_ERROR;

    struct hash_gather g = {.c = c, .e = e, .options = &o};
    struct hash_item item;
    unsigned parts = o.names_only ? HASH_NAMES : HASH_NAMES | HASH_VALUES;
    uint64_t next = hash_scan(e, o.cursor, (uint64_t)o.count, hash_gather_visit, &g);
    scan_options_reply_head(c, next, o.names_only ? g.count : 2 * g.count);
    for (size_t i = 0; i < g.count; i++) {
        hash_item_at(e, g.places[i], &item);
        hash_reply_parts(c, &item, parts);
    }
    heap_free(g.places);
    scan_options_close(&o);
    return RUN_OK;
}
