/* What the handlers of list commands share: answering with elements, and elements from arguments.
 */
#ifndef EXECUTE_COMMANDS_LIST_H
#define EXECUTE_COMMANDS_LIST_H

#include "execute/execute_private.h"

#include "base/must.h"
#include "execute/commands/typed.h"
#include "execute/core/loose.h"
#include "execute/types/list.h"

/* Argument i as an element to be stored; the block of a big one is adopted. */
static inline struct list_value list_arg(const struct call *c, uint32_t i)
{
    struct bytes text = arg(c, i);
    struct block *b = unlikely(text.len >= BLOCK_ARG_MIN) ? loose_adopt(text.ptr) : NULL;
    return (struct list_value){text, b};
}

static inline enum run_result list_reply(struct call *c, const struct list_item *item)
{
    if (unlikely(item->block != NULL)) return reply_bulk_of(c, item->text, item->block);
    char scratch[LISTPACK_INT_CHARS];
    return reply_bulk(c, list_item_text(item, scratch));
}

/* An array of `count` elements, from `index` on towards the end or the head. */
enum run_result list_reply_run(struct call *c, const struct entry *e, uint64_t index,
                               uint64_t count, bool forward);

/*
 * Turns a range as clients write it (both ends included, negative ones count from the end) into its
 * first index and its length. False when nothing is in it.
 */
bool list_range(uint64_t total, int64_t start, int64_t stop, uint64_t *from, uint64_t *count);

#endif
