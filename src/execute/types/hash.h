/*
 * Hashes: fields with values, and fields with deadlines.
 *
 * A small hash is a listpack: field, value, field, value. When one of its fields gets a deadline it
 * becomes triples of field, value and deadline (0: none), in the order of deadlines with those
 * without at the end; that is what Redis 7.4 calls listpackex. A large hash is a table of entries,
 * one for a field, its value inside (types/entry_text.h).
 *
 * A small hash without deadlines may lie in the entry itself (entry_pack()): hashes that are made
 * in one go and not changed afterwards are many, and it saves a fifth of them.
 *
 * A field that is due is as good as absent: reads do not see it, writes replace it. Until it is
 * deleted (hash_expire()) only hash_count() still knows it. Times are absolute ms; `now_ms` decides
 * what is due. Whoever edits a hash under a key tells the keyspace about deadlines
 * (keyspace_elements_due()).
 */
#ifndef EXECUTE_TYPES_HASH_H
#define EXECUTE_TYPES_HASH_H

#include "execute/types/entry_text.h"
#include "execute/types/listpack.h"
#include "execute/types/segment.h"
#include "execute/types/type.h"

#include "base/random.h"

extern const struct type_ops hash_ops;

#define HASH_KEEP_DEADLINE (-2)
/* The latest deadline that a field may have. */
#define HASH_DEADLINE_MAX (((int64_t)1 << 46) - 1)

/* A field that was read. Its texts are good until the hash changes; they may lie in the item
 * itself, so it must not be copied. */
struct hash_item {
    struct bytes field, value;
    struct block *block; /* that the value lies in, or NULL */
    int64_t deadline_ms; /* ENTRY_NO_DEADLINE without */
    char scratch[2][LISTPACK_INT_CHARS];
};

/* Fields, those included that are due and not yet deleted. */
uint64_t hash_count(const struct entry *e);

/* ---- One field ---- */
/* False: no such field. */
bool hash_get(const struct entry *e, struct bytes field, int64_t now_ms, struct hash_item *out);
/* Stores a field; the value's block, if any, is taken. `deadline_ms` is absolute, ENTRY_NO_DEADLINE
 * or HASH_KEEP_DEADLINE. True when the field is new. */
bool hash_set(struct entry *e, struct bytes field, const struct entry_text *value,
              int64_t deadline_ms, int64_t now_ms);
/* False: no such field. */
bool hash_delete(struct entry *e, struct bytes field, int64_t now_ms);
/* A field that is there gets a deadline, or loses it: ENTRY_NO_DEADLINE. */
void hash_set_deadline(struct entry *e, struct bytes field, int64_t at_ms);

/* ---- All of it ---- */
/* `fields` fields will be stored, whose names and values have `bytes` together: a hash that will be
 * large becomes it now, and a new one is allocated in one go. */
void hash_expect(struct entry *e, uint64_t fields, size_t bytes);
/* The bytes that entry_pack() would take: 0 when it should not be packed. A packed hash is unpacked
 * before any change. */
size_t hash_packs(const struct entry *e);
/* Fields that a reader sees; walks when some are due. */
uint64_t hash_count_alive(const struct entry *e, int64_t now_ms);

/* A walk over all fields. The hash must not change during it. */
struct hash_walk {
    const struct entry *e;
    int64_t now_ms;
    const uint8_t *at;             /* of a small one: the next field */
    const struct segment *segment; /* of a large one */
    uint64_t index;                /* in its directory */
    uint32_t slot;                 /* in the segment */
};
void hash_walk_begin(struct hash_walk *w, const struct entry *e, int64_t now_ms);
/* False at the end. */
bool hash_walk_next(struct hash_walk *w, struct hash_item *out);

/*
 * Places of fields, for those who gather some before they read them: good until the hash changes,
 * and read by hash_item_at(). NULL is no place.
 */
const void *hash_walk_place(struct hash_walk *w); /* the next field's; NULL at the end */
void hash_item_at(const struct entry *e, const void *place, struct hash_item *out);
/* A step of HSCAN: shows at least `count` places, as table_scan() does; a small hash whole. */
uint64_t hash_scan(const struct entry *e, uint64_t cursor, uint64_t count,
                   void (*visit)(void *ctx, const void *place), void *ctx);
/* True when the field at a place is not due. */
bool hash_is_alive_at(const struct entry *e, const void *place, int64_t now_ms);
/* A field at random, each as likely as any other, due ones too. Fast in a large hash only. */
const void *hash_random_place(const struct entry *e, struct random *random);

/* True when fields are in a table. */
bool hash_is_large(const struct entry *e);

#endif
