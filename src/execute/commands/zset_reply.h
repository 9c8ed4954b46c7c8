/*
 * How sorted sets are answered: members with or without their scores.
 *
 * With scores RESP3 has an array of pairs where RESP2 has a flat one.
 */
#ifndef EXECUTE_COMMANDS_ZSET_REPLY_H
#define EXECUTE_COMMANDS_ZSET_REPLY_H

#include "execute/execute_private.h"

#include "execute/core/call.h"
#include "execute/types/zset.h"

/* The head of an answer of `count` members. */
static inline enum run_result zset_reply_head(struct call *c, uint64_t count, bool scores)
{
    return reply_array(c, scores && c->reply->resp != 3 ? 2 * count : count);
}

static inline enum run_result zset_reply_item(struct call *c, struct zset_item item, bool scores)
{
    if (scores && c->reply->resp == 3) reply_array(c, 2);
    reply_bulk(c, item.member);
    return scores ? reply_double(c, item.score) : RUN_OK;
}

/* `count` members that are there, from the place of the cursor on. */
static inline enum run_result zset_reply_items(struct call *c, struct zset_cursor *at,
                                               uint64_t count, bool reverse, bool scores)
{
    zset_reply_head(c, count, scores);
    while (count > 0) {
        zset_reply_item(c, zset_item(at), scores);
        if (--count > 0) must(reverse ? zset_prev(at) : zset_next(at));
    }
    return RUN_OK;
}

#endif
