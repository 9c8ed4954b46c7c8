/*
 * Sets: different members in no order.
 *
 * Three forms. Integers alone are an intset up to set-max-intset-entries; other small sets are a
 * listpack up to set-max-listpack-entries members of up to set-max-listpack-value bytes; what is
 * larger is a table with an entry, without a value, for each member. A set only changes to larger
 * forms as it grows; removals never bring it back.
 *
 * A member that a walk or a draw gives points into the set: it is good until the set changes.
 */
#ifndef EXECUTE_TYPES_SET_H
#define EXECUTE_TYPES_SET_H

#include "execute/types/table.h"
#include "execute/types/type.h"

extern const struct type_ops set_ops;

/* ---- Members ---- */

/*
 * A member in the form that its set keeps it in; text, integer and hash are worked out when they
 * are asked for. It must not be copied: the text may lie within.
 */
struct set_member {
    struct bytes text; /* .ptr NULL: an integer that was not printed yet */
    int64_t number;
    uint64_t hash;
    const void *at; /* where it lies in a listpack or table */
    enum set_is_int { SET_INT_UNKNOWN, SET_INT_YES, SET_INT_NO } is_int;
    bool hashed;
    char scratch[STRING_INT_CHARS];
};

/* `text` is borrowed as long as the member is used. */
void set_member_of(struct set_member *m, struct bytes text);
struct bytes set_member_text(struct set_member *m);
/* True when it reads strictly as an integer. */
bool set_member_int(struct set_member *m, int64_t *out);
uint64_t set_member_hash(struct set_member *m);

/* ---- One set ---- */

uint64_t set_count(const struct entry *e);
bool set_has(const struct entry *e, struct set_member *m);
/* False when it was there. */
bool set_add(struct entry *e, struct set_member *m);
/* False when it was not there. */
bool set_remove(struct entry *e, struct set_member *m);
/* Removes a member that a walk or a draw gave just before, as long as the set is unchanged. */
void set_take(struct entry *e, struct set_member *m);
/* Chooses the form before `count` members, the first of them `first`, are added in one go, so that
 * the set does not pass through forms that are too small. */
void set_expect(struct entry *e, struct bytes first, uint64_t count);

/* ---- Many members at a time: what they need of memory is fetched together ---- */

#define SET_WINDOW 32 /* bits of a mask */
static inline uint32_t set_mask(uint32_t count)
{
    return count >= SET_WINDOW ? UINT32_MAX : ((uint32_t)1 << count) - 1;
}

/* Which of the members that `mask` names are in the set. */
uint32_t set_having(const struct entry *e, struct set_member *members, uint32_t mask);
/* A hint that these will be looked up, added or removed next. */
void set_prefetch(const struct entry *e, struct set_member *members, uint32_t mask);

/* ---- Walks ---- */

/* A walk over all members; the set must not change meanwhile. */
struct set_walk {
    const struct entry *set;
    const uint8_t *at;             /* listpack */
    uint32_t slot;                 /* of the segment; of an intset the index */
    uint64_t index;                /* of the directory */
    const struct segment *segment; /* NULL: the next one of the directory */
};
struct set_walk set_walk(const struct entry *e);
/* Gives up to `max` members more, at most SET_WINDOW; 0 at the end. */
uint32_t set_next(struct set_walk *w, struct set_member *members, uint32_t max);

/* ---- Draws; the set must not be empty ---- */

/* Any member, each as likely as another. */
void set_random(const struct entry *e, struct set_member *m);
/* A number that no other member of the set has, as long as it does not change; of one that was
 * drawn or walked over. Not of a listpack's. */
uint64_t set_member_id(const struct set_member *m);

/* ---- Forms ---- */

/* The table of a large set; NULL for other forms. */
const struct table *set_table(const struct entry *e);
/* An empty set becomes one that begins as a listpack or table, not as an intset. */
void set_begin_listpack(struct entry *e);
void set_begin_table(struct entry *e);
/* A set whose members are all integers becomes an intset where it may be one. */
void set_to_intset(struct entry *e);
/* Exchanges the values of two sets. */
void set_swap(struct entry *a, struct entry *b);
/* Asks `keep` for each member once, in the order of a walk, and keeps those for which it says so.
 * Not for tables. */
void set_filter(struct entry *e, bool (*keep)(void *ctx, struct set_member *m), void *ctx);

#endif
