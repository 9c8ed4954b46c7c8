/* The large form of a set, for set*.c alone. */
#ifndef EXECUTE_TYPES_SET_TABLE_H
#define EXECUTE_TYPES_SET_TABLE_H

#include "execute/types/table.h"

struct set_table {
    struct table table;
    uint64_t freed_to; /* directory index up to which its segments are freed */
};

static inline struct set_table *set_table_of(const struct entry *e) { return entry_root(e); }

#endif
