/*
 * Values as RDB: what DUMP answers, and what a snapshot holds after a key.
 */
#ifndef EXECUTE_TYPES_DUMP_H
#define EXECUTE_TYPES_DUMP_H

#include "execute/types/value.h"

#include "codec/rdb.h"

/*
 * The byte that says the type, then the value, as servers that read up to `version` understand it
 * (RDB_VERSION_7_0 or RDB_VERSION_7_2). Gives the version that it takes to read it: a later one for
 * what no form of `version` can tell.
 */
uint16_t dump_value(struct rdb_out *out, const struct entry *e, uint16_t version);

#endif
