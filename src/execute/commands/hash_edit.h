/*
 * What the handlers of hash commands begin and end with. An edit of a hash is begun, has its fields
 * changed, and is ended: then the keyspace learns of the fields' deadlines, and a hash without
 * fields is deleted.
 */
#ifndef EXECUTE_COMMANDS_HASH_EDIT_H
#define EXECUTE_COMMANDS_HASH_EDIT_H

#include "execute/execute_private.h"

#include "execute/commands/typed.h"
#include "execute/core/effect.h"
#include "execute/core/loose.h"
#include "execute/types/hash.h"
#include "execute/types/table.h"

struct hash_edit {
    struct key key;
    struct entry *e;      /* NULL: there is no such key */
    struct table_due due; /* what the keyspace knows */
    uint64_t changes;     /* fields that changed */
    bool is_new;          /* the key was made by this command */
};

/* Looks argument 1 up. False: the key holds another type, and the error is answered. */
static inline bool hash_edit_begin(struct call *c, struct hash_edit *h)
{
    *h = (struct hash_edit){.key = call_key(c, 1)};
    if (!typed_find(c, h->key, TYPE_HASH, LOOKUP_WRITE, &h->e)) return false;
    if (h->e != NULL) h->e = keyspace_expire_elements(c->db, h->key, h->e);
    /* More may be due than goes at once. Of those that the command is about to meet as absent, and
     * that a replay would meet as present, the log must hear. */
    if (effect_is_heard() && h->e != NULL)
        h->e = keyspace_expire_named(c->db, h->key, h->e, c->args + 2, c->nargs - 2);
    if (h->e != NULL && !entry_has_root(h->e)) h->e = keyspace_unpack(c->db, h->key, h->e);
    h->due = h->e == NULL ? TABLE_NEVER_DUE : table_due_of(h->e);
    return true;
}

/* There will be a field: an absent key gets an empty hash. */
static inline void hash_edit_make(struct call *c, struct hash_edit *h)
{
    if (h->e != NULL) return;
    h->e = keyspace_make(c->db, h->key, TYPE_HASH);
    h->is_new = true;
}

/* `event` is published if fields changed. */
static inline void hash_edit_end(struct call *c, struct hash_edit *h, const char *event)
{
    if (h->changes > 0) call_event(c, h->changes, h->key, NOTIFY_HASH, event);
    if (h->e == NULL) return;
    keyspace_elements_due(c->db, h->key, h->e, h->due);
    /* One field alone will be followed by others. */
    size_t packs = h->is_new && h->changes > 1 ? hash_packs(h->e) : 0;
    if (packs > 0) h->e = keyspace_pack(c->db, h->key, h->e, packs);
    typed_drop_if_empty(c, h->key, h->e);
}

/* Stores the value at argument i; a big one is not copied but its block adopted. True: a new field.
 */
static inline bool hash_edit_put(struct call *c, struct hash_edit *h, struct bytes field,
                                 uint32_t i, int64_t deadline_ms)
{
    struct entry_text value = {.text = arg(c, i)};
    if (unlikely(value.text.len >= BLOCK_ARG_MIN)) value.block = loose_adopt(value.text.ptr);
    h->changes++;
    return hash_set(h->e, field, &value, deadline_ms, c->due_ms);
}

/* For commands that only read: *e is NULL without such a key. */
static inline bool hash_edit_find(struct call *c, struct entry **e)
{
    return typed_find(c, call_key(c, 1), TYPE_HASH, LOOKUP_READ, e);
}

static inline enum run_result hash_edit_reply_value(struct call *c, const struct hash_item *item)
{
    if (unlikely(item->value.len >= REPLY_LEND_MIN))
        return reply_bulk_of(c, item->value, item->block);
    return reply_bulk(c, item->value);
}

/* The value of a field, or null. */
static inline enum run_result hash_edit_reply_field(struct call *c, const struct entry *e,
                                                    struct bytes field)
{
    struct hash_item item;
    if (e == NULL || !hash_get(e, field, c->due_ms, &item)) return reply_null(c);
    return hash_edit_reply_value(c, &item);
}

#endif
