/*
 * DEBUG DIGEST and DIGEST-VALUE: 40 hex digits that say whether two data sets are the same,
 * whatever the order of their keys. They are Redis's, so that a data set may be compared across
 * servers: a sum is a chain of SHA-1 where order matters, and an exclusive or of SHA-1 where it
 * does not.
 */
#include "execute/commands/debug.h"

#include "codec/sha1.h"
#include "execute/types/hash.h"
#include "execute/types/list.h"
#include "execute/types/set.h"
#include "execute/types/stream.h"
#include "execute/types/zset.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

enum { DIGEST_STEP = 1024 }; /* entries of a step through a table */

/* Order does not matter among what is added. */
static void digest_add(uint8_t sum[SHA1_BYTES], struct bytes data)
{
    uint8_t hash[SHA1_BYTES];
    sha1(data, hash);
    for (int i = 0; i < SHA1_BYTES; i++) sum[i] ^= hash[i];
}

/* Order matters among what is chained. */
static void digest_chain(uint8_t sum[SHA1_BYTES], struct bytes data)
{
    digest_add(sum, data);
    sha1(bytes_make((const char *)sum, SHA1_BYTES), sum);
}

static void digest_chain_number(uint8_t sum[SHA1_BYTES], uint32_t number)
{
    uint32_t wire = htonl(number);
    digest_chain(sum, bytes_make((const char *)&wire, sizeof(wire)));
}

static void digest_chain_list(uint8_t sum[SHA1_BYTES], const struct entry *e)
{
    char scratch[LISTPACK_INT_CHARS];
    struct list_walk w;
    struct list_item item;
    list_walk_begin(&w, e, 0, true);
    while (list_walk_next(&w, &item)) digest_chain(sum, list_item_text(&item, scratch));
    list_walk_end(&w);
}

static void digest_add_set(uint8_t sum[SHA1_BYTES], const struct entry *e)
{
    struct set_walk w = set_walk(e);
    struct set_member m;
    while (set_next(&w, &m, 1) > 0) digest_add(sum, set_member_text(&m));
}

/* Two texts that belong together. */
static void digest_add_pair(uint8_t sum[SHA1_BYTES], struct bytes a, struct bytes b)
{
    uint8_t pair[SHA1_BYTES] = {0};
    digest_chain(pair, a);
    digest_chain(pair, b);
    digest_add(sum, bytes_make((const char *)pair, SHA1_BYTES));
}

static void digest_add_hash(uint8_t sum[SHA1_BYTES], const struct entry *e)
{
    struct hash_walk w;
    struct hash_item item;
    hash_walk_begin(&w, e, keyspace_due_ms());
    while (hash_walk_next(&w, &item)) digest_add_pair(sum, item.field, item.value);
}

static void digest_add_zset(uint8_t sum[SHA1_BYTES], const struct entry *e)
{
    struct zset_cursor at;
    for (bool more = zset_seek(e, 0, &at); more; more = zset_next(&at)) {
        struct zset_item item = zset_item(&at);
        char score[64];
        snprintf(score, sizeof(score), "%.17g", item.score);
        digest_add_pair(sum, item.member, bytes_of(score));
    }
}

/* Entries only; groups and what else a stream has do not count. */
static void digest_chain_stream(uint8_t sum[SHA1_BYTES], const struct entry *e)
{
    struct stream_walk w;
    stream_walk_open(&w, entry_root(e), STREAM_ID_MIN, STREAM_ID_MAX);
    while (stream_walk_next(&w)) {
        char id[48], scratch[2][NUMBER_INT_CHARS];
        struct bytes field, value;
        snprintf(id, sizeof(id), "%" PRIu64 ".%" PRIu64, w.entry.id.ms, w.entry.id.seq);
        digest_chain(sum, bytes_of(id));
        while (stream_entry_pair(&w.entry, &field, &value, scratch)) {
            digest_chain(sum, field);
            digest_chain(sum, value);
        }
    }
}

/* Type, value, and whether there is a deadline. */
static void digest_chain_value(uint8_t sum[SHA1_BYTES], const struct entry *e)
{
    char scratch[STRING_INT_CHARS];
    enum { REDIS_STREAM = 6 }; /* after modules; the others have the same numbers */
    enum value_type type = entry_type(e);
    digest_chain_number(sum, type == TYPE_STREAM ? REDIS_STREAM : (uint32_t)type);
    if (entry_type(e) == TYPE_STRING) digest_chain(sum, string_bytes(e, scratch));
    if (entry_type(e) == TYPE_LIST) digest_chain_list(sum, e);
    if (entry_type(e) == TYPE_SET) digest_add_set(sum, e);
    if (entry_type(e) == TYPE_HASH) digest_add_hash(sum, e);
    if (entry_type(e) == TYPE_ZSET) digest_add_zset(sum, e);
    if (entry_type(e) == TYPE_STREAM) digest_chain_stream(sum, e);
    if (entry_deadline(e) >= 0) digest_add(sum, bytes_of("!!expire!!"));
}

static void digest_visit(void *ctx, struct entry *e)
{
    uint8_t sum[SHA1_BYTES] = {0};
    digest_chain(sum, entry_name(e));
    digest_chain_value(sum, e);
    digest_add(ctx, bytes_make((const char *)sum, SHA1_BYTES));
}

static enum run_result digest_reply(struct call *c, const uint8_t sum[SHA1_BYTES])
{
    char hex[SHA1_HEX_CHARS + 1];
    sha1_print(sum, hex);
    return reply_status(c, hex);
}

enum run_result debug_digest(struct call *c)
{
    uint8_t sum[SHA1_BYTES] = {0};
    for (int i = 0; i < keyspace_db_count(); i++) {
        struct db *db = keyspace_db(i);
        if (db_size(db) == 0) continue;
        digest_chain_number(sum, (uint32_t)i);
        uint64_t cursor = 0;
        do cursor = keyspace_scan(db, cursor, DIGEST_STEP, digest_visit, sum);
        while (cursor != 0);
    }
    return digest_reply(c, sum);
}

enum run_result debug_digest_value(struct call *c)
{
    reply_array(c, c->nargs - 2);
    for (uint32_t i = 2; i < c->nargs; i++) {
        uint8_t sum[SHA1_BYTES] = {0};
        const struct entry *e = keyspace_find(c->db, call_key(c, i), LOOKUP_QUIET);
        if (e != NULL) digest_chain_value(sum, e);
        digest_reply(c, sum);
    }
    return RUN_OK;
}
