/* What execute knows of the rest of the server; see execute/execute.h. Set once before threads
 * start. */
#ifndef EXECUTE_CORE_WORLD_H
#define EXECUTE_CORE_WORLD_H

#include "execute/execute_private.h"

#include "execute/execute.h"

void world_set(const struct execute_world *w);
const struct execute_world *world(void);

#endif
