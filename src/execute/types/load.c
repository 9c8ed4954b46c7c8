/* Which loader reads which form. */
#include "execute/types/load.h"

#include "execute/types/load_parts.h"

const char *load_value(struct rdb_in *in, uint8_t type, struct bytes name, struct loaded *out)
{
    struct load l = {.in = in, .type = type, .name = name};
    *out = (struct loaded){0};
    switch (type) {
    case RDB_STRING: out->string = load_take_block(&l); break;
    case RDB_LIST:
    case RDB_LIST_ZIPLIST:
    case RDB_LIST_QUICKLIST:
    case RDB_LIST_QUICKLIST_2: out->entry = load_list(&l); break;
    case RDB_SET:
    case RDB_SET_INTSET:
    case RDB_SET_LISTPACK: out->entry = load_set(&l); break;
    case RDB_ZSET:
    case RDB_ZSET_2:
    case RDB_ZSET_ZIPLIST:
    case RDB_ZSET_LISTPACK: out->entry = load_zset(&l); break;
    case RDB_HASH:
    case RDB_HASH_ZIPMAP:
    case RDB_HASH_ZIPLIST:
    case RDB_HASH_LISTPACK:
    case RDB_HASH_DEADLINES_OLD:
    case RDB_HASH_LISTPACK_DEADLINES_OLD:
    case RDB_HASH_DEADLINES:
    case RDB_HASH_LISTPACK_DEADLINES: out->entry = load_hash(&l); break;
    default: load_wrong(&l, "the type is not known"); break;
    }
    return l.wrong;
}

void loaded_drop(struct loaded *value)
{
    if (value->string != NULL) block_drop(value->string);
    if (value->entry != NULL) entry_free(value->entry);
    *value = (struct loaded){0};
}
