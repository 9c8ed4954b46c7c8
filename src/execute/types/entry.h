/*
 * An entry: key and value in one allocation. The table of a large hash or set is made of entries
 * too, one for a field or member.
 *
 *     8 bytes  type and encoding, flags, length of an inline value, clock, length of the key
 *     8 bytes  deadline, absolute ms                   if ENTRY_DEADLINE
 *     8 bytes  the value: an integer, or its address   if ENTRY_WORD
 *     8 bytes  length of the key                       if ENTRY_LONG_KEY (a key of 256 bytes and
 * more) key, then the value of a string that is inline (without ENTRY_WORD)
 *
 * Invariants: the allocation is of the size class of entry_size(e), so a change within the class
 * happens in place. A string is inline up to ENTRY_INLINE_MAX bytes; longer ones, and those that
 * grew by edits, live in a block of their own (types/block.h), of which the entry is a user.
 */
#ifndef EXECUTE_TYPES_ENTRY_H
#define EXECUTE_TYPES_ENTRY_H

#include "execute/types/block.h"
#include "execute/types/value.h"

#include "base/hash.h"
#include "base/must.h"

enum {
    ENTRY_DEADLINE = 1,
    ENTRY_WORD = 2,
    ENTRY_LONG_KEY = 4,
    ENTRY_BLOCK = 8, /* the word is the address of a struct block */
    ENTRY_ROOT = 16, /* a value that is no string (types/type.h): the word is its address, or,
                      * without ENTRY_WORD, its bytes are inline: it is packed */
    ENTRY_DUE = 32,  /* elements of this value have deadlines; its type sets the flag */
    /* The top two bits tell the epoch in which the entry was made or last brought up to date
     * (entry_epoch). It survives reshaping. */
    ENTRY_EPOCH = 192,
    ENTRY_EPOCH_ONE = 64,
};

/* The epoch of now, bits of ENTRY_EPOCH: what new entries get. A snapshot begins another one, and
 * so makes all entries old; one that it has, it makes young. */
extern uint8_t entry_epoch;

#define ENTRY_INLINE_MAX 4096
#define ENTRY_EMBSTR_MAX 44
#define ENTRY_NO_DEADLINE (-1)

struct entry {
    uint8_t kind; /* enum value_type << 4 | enum value_encoding */
    uint8_t flags;
    uint16_t value_len;
    uint32_t clock : 24; /* seconds, or minutes (16 bits) and a counter (8 bits) */
    uint32_t key_len : 8;
    int64_t words[];
};

static inline uint8_t entry_kind(enum value_type type, enum value_encoding enc)
{
    return (uint8_t)((unsigned)type << 4 | (unsigned)enc);
}

static inline size_t entry_words(unsigned flags)
{
    return (flags & 1) + (flags >> 1 & 1) + (flags >> 2 & 1);
}

static inline size_t entry_size_of(unsigned flags, size_t name_len, size_t inline_len)
{
    return sizeof(struct entry) + 8 * entry_words(flags) + name_len + inline_len;
}

static inline char *entry_name_at(const struct entry *e)
{
    return (char *)(uintptr_t)&e->words[entry_words(e->flags)];
}

static inline size_t entry_name_len(const struct entry *e)
{
    if (likely(!(e->flags & ENTRY_LONG_KEY))) return e->key_len;
    return (size_t)e->words[entry_words(e->flags) - 1];
}

static inline bool entry_is_old(const struct entry *e)
{
    return ((e->flags ^ entry_epoch) & ENTRY_EPOCH) != 0;
}

static inline void entry_make_young(struct entry *e)
{
    e->flags = (uint8_t)((e->flags & ~ENTRY_EPOCH) | entry_epoch);
}

/* The hash of its name. */
static inline uint64_t entry_hash(const struct entry *e)
{
    return hash_bytes(entry_name_at(e), entry_name_len(e));
}

static inline bool entry_is_named(const struct entry *e, struct bytes name)
{
    return entry_name_len(e) == name.len && memcmp(entry_name_at(e), name.ptr, name.len) == 0;
}

static inline char *entry_inline_at(const struct entry *e)
{
    return entry_name_at(e) + entry_name_len(e);
}

static inline size_t entry_size(const struct entry *e)
{
    return entry_size_of(e->flags, entry_name_len(e), e->value_len);
}

static inline int64_t entry_deadline_of(const struct entry *e)
{
    return e->flags & ENTRY_DEADLINE ? e->words[0] : ENTRY_NO_DEADLINE;
}

static inline bool entry_is_due(const struct entry *e, int64_t now_ms)
{
    return (e->flags & ENTRY_DEADLINE) && e->words[0] <= now_ms;
}

/* When the entry is to be looked at by those who expire things: its own deadline or the earliest
 * one of its elements, ENTRY_NO_DEADLINE without both. This is what a table's index goes by. */
int64_t entry_due_within(const struct entry *e);
static inline int64_t entry_due(const struct entry *e)
{
    return likely(!(e->flags & ENTRY_DUE)) ? entry_deadline_of(e) : entry_due_within(e);
}

static inline int64_t *entry_word_at(struct entry *e)
{
    dcheck(e->flags & ENTRY_WORD);
    return &e->words[e->flags & ENTRY_DEADLINE];
}

static inline struct block *entry_block(const struct entry *e)
{
    dcheck(e->flags & ENTRY_BLOCK);
    return (struct block *)(uintptr_t)e->words[e->flags & ENTRY_DEADLINE];
}

/* True when a value that is no string has an allocation of its own. */
static inline bool entry_has_root(const struct entry *e)
{
    return (e->flags & (ENTRY_ROOT | ENTRY_WORD)) == (ENTRY_ROOT | ENTRY_WORD);
}

/* The value of a type other than string; its encoding says what it points to. A packed one is only
 * to be read. */
static inline void *entry_root(const struct entry *e)
{
    dcheck(e->flags & ENTRY_ROOT);
    if (!(e->flags & ENTRY_WORD)) return entry_inline_at(e);
    return (void *)(uintptr_t)e->words[e->flags & ENTRY_DEADLINE];
}

/* The value changed its form. */
static inline void entry_set_root(struct entry *e, enum value_encoding enc, void *root)
{
    e->kind = (uint8_t)((e->kind & 0xf0) | (unsigned)enc);
    *entry_word_at(e) = (int64_t)(uintptr_t)root;
}

static inline void entry_set_block(struct entry *e, struct block *b)
{
    *entry_word_at(e) = (int64_t)(uintptr_t)b;
}

/* Gives an entry with a fresh clock; words and inline value are for the caller to fill. Long keys
 * are flagged here. */
struct entry *entry_make(struct bytes name, uint8_t kind, unsigned flags, size_t inline_len);
/* Takes `e`; frees its value too, a large one in steps (types/grave.h). */
void entry_free(struct entry *e);
/*
 * Takes `e` and gives it with other flags (ENTRY_LONG_KEY and epoch stay) and another length
 * inline; the first `keep` bytes inline, the deadline and the word stay where both forms have them.
 * The address may change.
 */
struct entry *entry_reshape(struct entry *e, unsigned flags, size_t inline_len, size_t keep);

/* Gives an entry of another name with the deadline, clock and value of `from`; until the caller
 * says otherwise, a value that is not inline belongs to both. */
struct entry *entry_renamed(const struct entry *from, struct bytes name);
/* Such an entry gets a copy of the value for its own. */
void entry_own_value(struct entry *e);
/* Packs a value, `len` bytes in one allocation, into the entry: takes `e`, frees the root, gives
 * the entry. Packed values are read as others are; to be changed they are unpacked. */
struct entry *entry_pack(struct entry *e, size_t len);
struct entry *entry_unpack(struct entry *e);
/* Takes `e` and gives it with this deadline or, ENTRY_NO_DEADLINE, without. */
struct entry *entry_with_deadline(struct entry *e, int64_t at_ms);

/* Clocks. Wall time is set once per turn. */
void entry_clock_tick(int64_t now_ms);
void entry_clock_policy(bool lfu, int64_t log_factor, int64_t decay_minutes);
void entry_clock_start(struct entry *e);
/* A value that is overwritten: recency starts anew, frequency goes on. */
void entry_touch(struct entry *e);

#endif
