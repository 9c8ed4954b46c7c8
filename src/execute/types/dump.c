/*
 * Small values are written as the listpack or intset that they are, large ones element by element.
 */
#include "execute/types/dump.h"

#include "base/must.h"
#include "execute/types/type.h"

static void dump_string(struct rdb_out *out, const struct entry *e)
{
    char scratch[STRING_INT_CHARS];
    int64_t number;
    rdb_put_byte(out, RDB_STRING);
    if (entry_encoding(e) == ENC_INT && string_int(e, &number))
        rdb_put_int(out, number);
    else
        rdb_put_string(out, string_bytes(e, scratch));
}

uint16_t dump_value(struct rdb_out *out, const struct entry *e, uint16_t version)
{
    switch (entry_type(e)) {
    case TYPE_STRING: dump_string(out, e); break;
    default: must(false);
    }
    return version;
}
