/* A table whose entries hold addresses. */
#include "execute/core/name_map.h"

#include "execute/types/entry.h"
#include "execute/types/segment.h"
#include "mem/arena.h"

static void *value_of(struct entry *e) { return (void *)(uintptr_t)*entry_word_at(e); }

void *name_map_find(const struct name_map *m, struct key name)
{
    uint64_t *slot = table_find(&m->table, name);
    return slot == NULL ? NULL : value_of(segment_entry(*slot));
}

struct bytes name_map_add(struct name_map *m, struct key name, void *value)
{
    struct entry *e = entry_make(name.name, entry_kind(TYPE_STRING, ENC_INT), ENTRY_WORD, 0);
    *entry_word_at(e) = (int64_t)(uintptr_t)value;
    table_insert(&m->table, name.hash, e);
    return entry_name(e);
}

void name_map_set(struct name_map *m, struct key name, void *value)
{
    uint64_t *slot = table_find(&m->table, name);
    must(slot != NULL);
    *entry_word_at(segment_entry(*slot)) = (int64_t)(uintptr_t)value;
}

void *name_map_random(const struct name_map *m, struct random *random, struct key *name)
{
    struct entry *e = segment_entry(*table_random(&m->table, random));
    *name = key_make(entry_name(e));
    return value_of(e);
}

void name_map_remove(struct name_map *m, struct key name)
{
    uint64_t *slot = table_find(&m->table, name);
    must(slot != NULL);
    struct entry *e = segment_entry(*slot);
    table_remove(&m->table, name.hash, slot);
    entry_free(e);
}

struct name_visit {
    void (*visit)(void *ctx, struct bytes name, void *value);
    void *ctx;
};

static void name_map_visit(void *ctx, struct entry *e)
{
    const struct name_visit *v = ctx;
    v->visit(v->ctx, entry_name(e), value_of(e));
}

void name_map_each(const struct name_map *m,
                   void (*visit)(void *ctx, struct bytes name, void *value), void *ctx)
{
    struct name_visit v = {visit, ctx};
    table_scan(&m->table, 0, UINT64_MAX, name_map_visit, &v);
}

static void name_bytes_visit(void *ctx, struct entry *e) { *(size_t *)ctx += arena_usable(e); }

size_t name_map_bytes(const struct name_map *m)
{
    size_t bytes = table_bytes(&m->table);
    if (m->table.count > 0) table_scan(&m->table, 0, UINT64_MAX, name_bytes_visit, &bytes);
    return bytes;
}

void name_map_close(struct name_map *m)
{
    struct segment *s;
    for (uint64_t index = 0; (s = table_next_segment(&m->table, &index)) != NULL;)
        table_free_segment(&m->table, s);
    table_close(&m->table);
}

bool name_map_close_step(struct name_map *m, uint64_t *index, void (*take)(void *value))
{
    struct segment *s = table_next_segment(&m->table, index);
    if (s == NULL) {
        table_close(&m->table);
        return false;
    }
    for (uint32_t i = 0; i < s->room; i++)
        if (s->slots[i] != 0) take(value_of(segment_entry(s->slots[i])));
    table_free_segment(&m->table, s);
    return true;
}
