/*
 * What a key holds, as the rest of execute may see it. How it is laid out is types/entry.h, for the
 * keyspace alone; keyspace.h says how long an entry pointer is good.
 */
#ifndef EXECUTE_TYPES_VALUE_H
#define EXECUTE_TYPES_VALUE_H

#include "execute/execute_private.h"

#include "base/bytes.h"

struct entry;
struct block;

enum value_type { TYPE_STRING, TYPE_LIST, TYPE_SET, TYPE_ZSET, TYPE_HASH, TYPE_STREAM };
#define TYPE_COUNT 6
enum value_encoding {
    ENC_INT,
    ENC_EMBSTR,
    ENC_RAW,
    ENC_LISTPACK,
    ENC_LISTPACK_EX, /* a hash's, with deadlines of fields */
    ENC_INTSET,
    ENC_QUICKLIST,
    ENC_HASHTABLE,
    ENC_SKIPLIST,
    ENC_STREAM,
};

enum value_type entry_type(const struct entry *e);
const char *entry_type_name(const struct entry *e); /* as TYPE answers */
enum value_encoding entry_encoding(const struct entry *e);
const char *entry_encoding_name(const struct entry *e); /* as OBJECT ENCODING answers */
struct bytes entry_name(const struct entry *e);
int64_t entry_deadline(const struct entry *e); /* absolute ms, -1 without */
/* Bytes that it occupies, value and index share included; of a large value up to `samples` elements
 * are measured and the rest is reckoned by them (0: all are measured). */
size_t entry_memory(const struct entry *e, uint64_t samples);

/* The clocks, by the policy in force (keyspace_set_lfu). */
int64_t entry_idle_ms(const struct entry *e); /* 0 while clocks count frequency */
void entry_set_idle_ms(struct entry *e, int64_t idle_ms);
uint8_t entry_lfu(const struct entry *e); /* counter after decay */
void entry_set_lfu(struct entry *e, uint8_t counter);

#define STRING_INT_CHARS 24
/* The value's bytes; an integer is printed into `scratch`. The entry must be a string. */
struct bytes string_bytes(const struct entry *e, char scratch[STRING_INT_CHARS]);
/* The block that these bytes lie in (types/block.h), to be shared; NULL without one. */
struct block *string_block(const struct entry *e);
size_t string_len(const struct entry *e);
/* True when the value is stored as, or reads strictly as, a 64-bit integer. */
bool string_int(const struct entry *e, int64_t *out);
/* Changes the integer in place; `e` must be an ENC_INT string. */
void string_set_int(struct entry *e, int64_t value);

#endif
