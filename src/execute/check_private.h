/* What the two tools share. Both print for people and for scripts: lines as Redis's tools write
 * them. */
#ifndef EXECUTE_CHECK_PRIVATE_H
#define EXECUTE_CHECK_PRIVATE_H

#include "execute/execute_private.h"

#include "execute/check.h"
#include "execute/core/loading_input.h"

check_tool check_rdb, check_aof;

/* Checks the RDB file that begins here, and leaves the input behind its end. */
bool check_rdb_input(struct loading_input *in, const char *path);

#endif
