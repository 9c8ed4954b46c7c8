/* One copy, written before threads start. */
#include "execute/core/world.h"

static struct execute_world world_now;

void world_set(const struct execute_world *w) { world_now = *w; }
const struct execute_world *world(void) { return &world_now; }
