/*
 * A map from names to what belongs to them: keys that somebody waits for or watches, channels.
 *
 * Values are the caller's own memory; the map keeps a copy of each name.
 */
#ifndef EXECUTE_CORE_NAME_MAP_H
#define EXECUTE_CORE_NAME_MAP_H

#include "execute/execute_private.h"

#include "execute/types/table.h"

struct name_map {
    struct table table;
};

/* NULL when the name is not there. */
void *name_map_find(const struct name_map *m, struct key name);
/* The name must not be there. Gives the map's copy of it, good until it is removed. */
struct bytes name_map_add(struct name_map *m, struct key name, void *value);
/* Another value for a name that must be there. */
void name_map_set(struct name_map *m, struct key name, void *value);
/* A name at random, good until it is removed, and its value. The map must not be empty. */
void *name_map_random(const struct name_map *m, struct random *random, struct key *name);
/* The name must be there. */
void name_map_remove(struct name_map *m, struct key name);
/* Shows every value; `visit` must not change the map. */
void name_map_each(const struct name_map *m,
                   void (*visit)(void *ctx, struct bytes name, void *value), void *ctx);
static inline uint64_t name_map_count(const struct name_map *m) { return m->table.count; }
/* Memory of the map itself: names and table. */
size_t name_map_bytes(const struct name_map *m);
/* Forgets all names; the values stay the caller's. */
void name_map_close(struct name_map *m);
/* Closes a large map in steps, *index being 0 at first, and gives its values to `take`. False: it
 * is closed. */
bool name_map_close_step(struct name_map *m, uint64_t *index, void (*take)(void *value));

#endif
