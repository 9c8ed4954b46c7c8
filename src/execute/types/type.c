/* Which types there are. */
#include "execute/types/type.h"

#include "execute/types/hash.h"
#include "execute/types/list.h"
#include "execute/types/set.h"
#include "execute/types/stream.h"
#include "execute/types/zset.h"

const struct type_ops *const type_table[TYPE_COUNT] = {
    [TYPE_STRING] = NULL,    [TYPE_LIST] = &list_ops, [TYPE_SET] = &set_ops,
    [TYPE_ZSET] = &zset_ops, [TYPE_HASH] = &hash_ops, [TYPE_STREAM] = &stream_ops,
};

struct entry *type_make_entry(struct bytes name, enum value_type type)
{
    const struct type_ops *ops = type_table[type];
    must(ops != NULL);
    uint8_t kind = entry_kind(type, ENC_LISTPACK);
    struct entry *e = entry_make(name, kind, ENTRY_WORD | ENTRY_ROOT, 0);
    ops->make(e);
    return e;
}

uint64_t type_count(const struct entry *e)
{
    return e->flags & ENTRY_ROOT ? type_of(e)->count(e) : 1;
}
