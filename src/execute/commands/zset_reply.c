/* Answers of sorted sets. */
#include "execute/commands/zset_reply.h"

#include "base/must.h"
#include "execute/core/event.h"

enum run_result zset_reply_head(struct call *c, uint64_t count, bool scores)
{
    return reply_array(c, scores && c->reply->resp != 3 ? 2 * count : count);
}

enum run_result zset_reply_item(struct call *c, struct zset_item item, bool scores)
{
    if (scores && c->reply->resp == 3) reply_array(c, 2);
    reply_bulk(c, item.member);
    return scores ? reply_double(c, item.score) : RUN_OK;
}

enum run_result zset_reply_items(struct call *c, struct zset_cursor *at, uint64_t count,
                                 bool reverse, bool scores)
{
    zset_reply_head(c, count, scores);
    while (count > 0) {
        zset_reply_item(c, zset_item(at), scores);
        if (--count > 0) must(reverse ? zset_prev(at) : zset_next(at));
    }
    return RUN_OK;
}

enum run_result zset_reply_store(struct call *c, struct key to, struct entry *e, const char *event)
{
    if (e == NULL) {
        call_delete(c, to);
        return reply_int(c, 0);
    }
    int64_t count = (int64_t)zset_count(e);
    keyspace_put_entry(c->db, to, e);
    call_event(c, 1, to, NOTIFY_ZSET, event);
    return reply_int(c, count);
}
