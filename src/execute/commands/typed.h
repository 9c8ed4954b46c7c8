/*
 * What the handlers of all types but strings begin and end with: the lookup that insists on a type,
 * and the end of a key whose last element went.
 */
#ifndef EXECUTE_COMMANDS_TYPED_H
#define EXECUTE_COMMANDS_TYPED_H

#include "execute/execute_private.h"

#include "execute/core/event.h"
#include "execute/types/type.h"

/* *out is the entry, NULL when the key is absent. False when the key holds another type: then the
 * error is answered. */
static inline bool typed_find(struct call *c, struct key key, enum value_type type, enum lookup how,
                              struct entry **out)
{
    *out = keyspace_find(c->db, key, how);
    if (likely(*out == NULL || entry_type(*out) == type)) return true;
    reply_wrong_type(c);
    return false;
}

/* The same, and an absent key gets an empty value. Check all arguments before. */
static inline bool typed_find_or_make(struct call *c, struct key key, enum value_type type,
                                      struct entry **out)
{
    if (!typed_find(c, key, type, LOOKUP_WRITE, out)) return false;
    if (*out == NULL) *out = keyspace_make(c->db, key, type);
    return true;
}

/* Deletes the key whose last elements are taken: call_event() said so before. A large value is
 * freed in steps. */
static inline void typed_drop(struct call *c, struct key key)
{
    keyspace_delete(c->db, key);
    call_notify(c, key, NOTIFY_GENERIC, "del");
}

/* The same when the value has no elements any more; `e` is not good after that. True when it was
 * deleted. */
static inline bool typed_drop_if_empty(struct call *c, struct key key, struct entry *e)
{
    if (likely(type_of(e)->count(e) > 0)) return false;
    typed_drop(c, key);
    return true;
}

#endif
