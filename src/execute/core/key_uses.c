/* A second search finds those that had no room in the first. */
#include "execute/core/key_uses.h"

#include "execute/types/heap.h"

void key_uses_find(struct key_uses *k, key_finder *find, const struct command_spec *spec,
                   const struct bytes *args, uint32_t nargs)
{
    k->at = k->few;
    k->count = find(spec, args, nargs, k->few, KEY_USES_FEW);
    if (k->count <= KEY_USES_FEW) return;
    k->at = heap_alloc((size_t)k->count * sizeof(k->at[0]));
    find(spec, args, nargs, k->at, (uint32_t)k->count);
}

void key_uses_free(struct key_uses *k)
{
    if (k->at != k->few) heap_free(k->at);
}
