/* See hold.h. */
#include "write/hold.h"

void hold_add(struct hold *h, struct reply_batch *b)
{
    b->next = NULL;
    if (h->last == NULL)
        h->first = b;
    else
        h->last->next = b;
    h->last = b;
}

enum hold_end hold_first_end(const struct hold *h, const struct log_card *card)
{
    uint64_t after = h->first->after;
    if (after <= counter_read(&card->durable)) return HOLD_SENT;
    return after <= counter_read(&card->failed) ? HOLD_REFUSED : HOLD_NOT_YET;
}

struct reply_batch *hold_take(struct hold *h)
{
    struct reply_batch *b = h->first;
    if (b == NULL) return NULL;
    h->first = b->next;
    if (h->first == NULL) h->last = NULL;
    return b;
}

uint64_t hold_len(const struct reply_batch *b)
{
    uint64_t len = b->len;
    for (uint32_t i = 0; i < b->loan_count; i++) len += b->loans[i].len;
    return len;
}
