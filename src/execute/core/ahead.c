/*
 * Passes over the commands, each of which reads what the pass before asked for: the slot of the
 * first key, its entry, its value; then, where the value has a table and the command names an
 * element of it, the element's slot and entry. All of it only hints: what a pass reads may be gone,
 * or be another key's, when the command runs.
 */
#include "execute/core/ahead.h"

#include "execute/keyspace/keyspace.h"
#include "execute/types/table.h"
#include "execute/types/type.h"

#define AHEAD_CATEGORIES (CAT_LIST | CAT_HASH | CAT_SET | CAT_SORTEDSET | CAT_STREAM)

struct ahead_element {
    const struct entry *key;
    const struct table *table;
    uint64_t hash;
};

static bool ahead_has_element(const struct command *c)
{
    return c->spec->element != 0 && c->nargs > c->spec->element;
}

/* The commands of the mask whose values have a table. */
static uint32_t ahead_fetch_slots(const struct command *commands, struct ahead_element *elements,
                                  uint32_t mask)
{
    uint32_t found = 0;
    for (uint32_t left = mask; left != 0; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctz(left);
        const struct type_ops *ops = type_of(elements[i].key);
        if (ops == NULL || ops->table == NULL) continue;
        elements[i].table = ops->table(elements[i].key);
        if (elements[i].table == NULL) continue;
        struct bytes name = commands[i].args[commands[i].spec->element];
        elements[i].hash = hash_bytes(name.ptr, name.len);
        table_prefetch_slot(elements[i].table, elements[i].hash);
        found |= left & -left;
    }
    return found;
}

/* The values of the commands in the mask, and what they name in them. */
static void ahead_fetch_values(const struct command *commands, struct db *const *dbs, uint32_t mask)
{
    struct ahead_element elements[AHEAD_MAX];
    uint32_t named = 0;
    for (uint32_t left = mask; left != 0; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctz(left);
        const struct entry *e = keyspace_peek(dbs[i], commands[i].hash);
        if (e == NULL || !(e->flags & ENTRY_ROOT)) continue;
        __builtin_prefetch(entry_root(e));
        elements[i].key = e;
        if (ahead_has_element(&commands[i])) named |= left & -left;
    }
    for (uint32_t left = ahead_fetch_slots(commands, elements, named); left != 0;
         left &= left - 1) {
        const struct ahead_element *a = &elements[__builtin_ctz(left)];
        table_prefetch_entry(a->table, a->hash);
    }
}

void ahead_fetch(const struct command *commands, struct db *const *dbs, uint32_t count)
{
    uint32_t values = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (dbs[i] == NULL) continue;
        keyspace_prefetch_slot(dbs[i], commands[i].hash);
        if (commands[i].spec->categories & AHEAD_CATEGORIES) values |= (uint32_t)1 << i;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (dbs[i] != NULL) keyspace_prefetch_entry(dbs[i], commands[i].hash);
    }
    if (values != 0) ahead_fetch_values(commands, dbs, values);
}
