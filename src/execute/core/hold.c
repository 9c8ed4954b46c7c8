/* Invariant: a hold stands in its database's map if and only if is_on is set; hold_count counts
 * them. */
#include "execute/core/hold.h"

#include "execute/core/event.h"
#include "execute/core/key_uses.h"
#include "execute/core/multi.h"
#include "execute/core/name_map.h"
#include "execute/types/heap.h"

uint64_t hold_count;
static struct name_map *hold_maps; /* by number of database */

void hold_open(void) { hold_maps = heap_zalloc((size_t)keyspace_db_count() * sizeof(*hold_maps)); }

void hold_close(void)
{
    must(hold_count == 0);
    for (int i = 0; i < keyspace_db_count(); i++) name_map_close(&hold_maps[i]);
    heap_free(hold_maps);
    hold_maps = NULL;
}

bool hold_begin(struct hold *h)
{
    struct name_map *map = &hold_maps[db_number(h->db)];
    if (name_map_find(map, h->key) != NULL) return false;
    name_map_add(map, h->key, h);
    h->is_on = true;
    if (hold_count++ == 0) event_listen(EVENT_EAR_HOLD, true);
    return true;
}

void hold_end(struct hold *h)
{
    if (!h->is_on) return;
    h->is_on = false;
    name_map_remove(&hold_maps[db_number(h->db)], h->key);
    if (--hold_count == 0) event_listen(EVENT_EAR_HOLD, false);
}

/* In any database: a command may name another one, or a transaction select it. */
static bool hold_has(struct bytes name)
{
    struct key key = key_make(name);
    for (int i = 0; i < keyspace_db_count(); i++)
        if (name_map_count(&hold_maps[i]) > 0 && name_map_find(&hold_maps[i], key) != NULL)
            return true;
    return false;
}

static bool hold_concerns(const struct command_spec *spec, const struct bytes *args, uint32_t nargs)
{
    struct key_uses uses;
    bool is_held = false;
    if (spec->id == CMD_FLUSHALL || spec->id == CMD_FLUSHDB || spec->id == CMD_SWAPDB) return true;
    key_uses_find(&uses, command_keys_found, spec, args, nargs);
    for (int64_t i = 0; i < uses.count && !is_held; i++)
        is_held = !(uses.at[i].flags & KEY_RO) && hold_has(args[uses.at[i].index]);
    key_uses_free(&uses);
    return is_held;
}

bool hold_must_wait(const struct call *c, uint32_t flags)
{
    if (!(flags & (CF_WRITE | CF_MAY_REPLICATE))) return false;
    if (c->spec->id != CMD_EXEC) return hold_concerns(c->spec, c->args, c->nargs);
    const struct multi *m = c->session->multi;
    for (const struct held_command *h = m == NULL ? NULL : m->first; h != NULL; h = h->next) {
        const struct command *queued = &h->command;
        bool writes = (queued->spec->flags & (CF_WRITE | CF_MAY_REPLICATE)) != 0;
        if (writes && hold_concerns(queued->spec, queued->args, queued->nargs)) return true;
    }
    return false;
}

void hold_touched(struct db *db, struct key key)
{
    struct hold *h = name_map_find(&hold_maps[db_number(db)], key);
    if (h != NULL) h->is_touched = true;
}

static void hold_touch(void *ctx, struct bytes name, void *hold)
{
    (void)ctx;
    (void)name;
    ((struct hold *)hold)->is_touched = true;
}

void hold_flushed(struct db *db)
{
    for (int i = 0; i < keyspace_db_count(); i++)
        if (db == NULL || i == db_number(db)) name_map_each(&hold_maps[i], hold_touch, NULL);
}
