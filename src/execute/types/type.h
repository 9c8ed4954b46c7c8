/*
 * The interface that every type but strings stands behind.
 *
 * A value is a root: the address that the entry's word holds, of what its encoding says (a
 * listpack, a struct of the type). A type's functions take the entry, read encoding and root from
 * it and may change both (entry_set_root()); the entry itself never moves when its value changes,
 * so an entry pointer stays good over edits of its value. Values that are built aside (results of
 * *STORE commands, RESTORE) live in loose entries: type_make_entry(), then keyspace_put_entry().
 *
 * A key with an empty value must not stay: whoever removes elements deletes the key when the count
 * has become 0 (streams excepted).
 */
#ifndef EXECUTE_TYPES_TYPE_H
#define EXECUTE_TYPES_TYPE_H

#include "execute/types/entry.h"
#include "execute/types/limits.h"

struct table;

struct type_going {
    void (*show)(void *ctx, struct bytes name);
    void *ctx;
};

struct type_ops {
    /* Sets root and encoding of an empty value. */
    void (*make)(struct entry *e);
    /* Elements: items, fields, members, entries. */
    uint64_t (*count)(const struct entry *e);
    /* Types whose elements have deadlines, NULL in the others: the earliest one, or a time before
     * it; ENTRY_NO_DEADLINE without any, which is what ENTRY_DUE says. It changes by edits alone.
     */
    int64_t (*due)(const struct entry *e);
    /* Deletes up to `max` elements that are due; gives how many. Unless it is `max`, due() is past
     * now_ms afterwards. `going`, if there is one, is shown the name of each before. */
    uint64_t (*expire_some)(struct entry *e, int64_t now_ms, uint64_t max,
                            const struct type_going *going);
    /* The same for one element; false: there is none, or it is not due. */
    bool (*expire_one)(struct entry *e, struct bytes name, int64_t now_ms);
    /* The table of elements by name, in the forms that have one; else NULL. NULL in other types. */
    const struct table *(*table)(const struct entry *e);
    /* Memory behind the entry, in bytes of the allocator. Up to `samples` elements are measured and
     * the others reckoned by them; 0: all are measured. */
    size_t (*bytes)(const struct entry *e, uint64_t samples);
    /* Gives a copy of the root, of the same encoding. */
    void *(*copy)(const struct entry *e);
    /* What freeing costs, in elements or allocations; it need not be exact. */
    uint64_t (*free_cost)(enum value_encoding enc, const void *root);
    /* Frees about `max` elements of a value that nobody reads any more; true when all is freed, the
     * root too. Until then it is called again. */
    bool (*free_some)(enum value_encoding enc, void *root, uint64_t max);
};

extern const struct type_ops *const type_table[TYPE_COUNT]; /* NULL: no such values yet */

static inline const struct type_ops *type_of(const struct entry *e)
{
    return type_table[e->kind >> 4];
}

/* Gives a loose entry with an empty value and no deadline. It ends in the keyspace or with
 * entry_free(). `type` is not TYPE_STRING. */
struct entry *type_make_entry(struct bytes name, enum value_type type);
/* Elements of any value; 1 for a string. */
uint64_t type_count(const struct entry *e);

#endif
