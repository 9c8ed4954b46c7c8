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
enum run_result zset_reply_head(struct call *c, uint64_t count, bool scores);
enum run_result zset_reply_item(struct call *c, struct zset_item item, bool scores);
/* Head and items: `count` members that are there, from the place of the cursor on. */
enum run_result zset_reply_items(struct call *c, struct zset_cursor *at, uint64_t count,
                                 bool reverse, bool scores);
/* Takes the result of a command that stores, NULL when it is empty: it replaces whatever is under
 * the key, or the key goes. Answers its count. */
enum run_result zset_reply_store(struct call *c, struct key to, struct entry *e, const char *event);

#endif
