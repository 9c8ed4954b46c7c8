/*
 * ZRANDMEMBER: ranks are drawn, and the members at them answered.
 */
#include "execute/commands/table.h"
#include "execute/commands/typed.h"
#include "execute/commands/zset_reply.h"
#include "execute/types/dice.h"
#include "execute/types/heap.h"

/* How often a reply without bounds is looked at. */
#define RANDOM_LOOK 128

static enum run_result zset_random_item(struct call *c, const struct entry *e, uint64_t rank,
                                        bool scores)
{
    struct zset_cursor at;
    must(zset_seek(e, rank, &at));
    return zset_reply_item(c, zset_item(&at), scores);
}

/* Each draw from all members. */
static enum run_result zset_random_repeating(struct call *c, const struct entry *e, uint64_t count,
                                             bool scores)
{
    zset_reply_head(c, count, scores);
    for (uint64_t i = 0; i < count; i++) {
        if (i % RANDOM_LOOK == 0 && call_reply_full(c)) return RUN_OK;
        zset_random_item(c, e, random_below(dice(), zset_count(e)), scores);
    }
    return RUN_OK;
}

/* True when the bit was set before. */
static bool zset_random_mark(uint8_t *bits, uint64_t i)
{
    uint8_t bit = (uint8_t)(1u << (i & 7));
    bool was = bits[i >> 3] & bit;
    bits[i >> 3] |= bit;
    return was;
}

/* Different ranks (Floyd's way): the j-th draw is from the first ones, the newest where it was
 * drawn before. */
static enum run_result zset_random_different(struct call *c, const struct entry *e, uint64_t count,
                                             bool scores)
{
    uint64_t all = zset_count(e);
    uint8_t *drawn = heap_zalloc(all / 8 + 1);
    zset_reply_head(c, count, scores);
    for (uint64_t j = all - count; j < all; j++) {
        uint64_t rank = random_below(dice(), j + 1);
        if (zset_random_mark(drawn, rank)) {
            rank = j;
            zset_random_mark(drawn, rank);
        }
        zset_random_item(c, e, rank, scores);
    }
    heap_free(drawn);
    return RUN_OK;
}

static enum run_result zset_random_many(struct call *c)
{
    int64_t count;
    if (!call_int_range(c, 2, -INT64_MAX, INT64_MAX, NULL, &count)) return RUN_ERROR;
    bool scores = c->nargs == 4;
    if (c->nargs > 4 || (scores && !call_arg_is(c, 3, "withscores"))) return reply_syntax(c);
    if (scores && (count < -INT64_MAX / 2 || count > INT64_MAX / 2))
        return reply_error(c, ERR_OUT_OF_RANGE);
    struct entry *e;
    if (!typed_find(c, call_key(c, 1), TYPE_ZSET, LOOKUP_READ, &e)) return RUN_ERROR;
    if (e == NULL || count == 0) return reply_array(c, 0);
    if (count < 0) return zset_random_repeating(c, e, (uint64_t)-count, scores);
    struct zset_cursor first;
    uint64_t all = zset_count(e);
    if ((uint64_t)count < all) return zset_random_different(c, e, (uint64_t)count, scores);
    must(zset_seek(e, 0, &first));
    return zset_reply_items(c, &first, all, false, scores);
}

enum run_result cmd_ZRANDMEMBER(struct call *c)
{
    if (c->nargs > 2) return zset_random_many(c);
    struct entry *e;
    if (!typed_find(c, call_key(c, 1), TYPE_ZSET, LOOKUP_READ, &e)) return RUN_ERROR;
    if (e == NULL) return reply_null(c);
    return zset_random_item(c, e, random_below(dice(), zset_count(e)), false);
}
