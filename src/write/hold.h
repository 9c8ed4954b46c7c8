/*
 * Reply batches that wait for the disk, in order: one that may not leave holds all behind it.
 */
#ifndef WRITE_HOLD_H
#define WRITE_HOLD_H

#include "msg/log_card.h"
#include "msg/reply_batch.h"

struct hold {
    struct reply_batch *first, *last;
};

/* True when the batch may not leave now. */
static inline bool hold_wants(const struct hold *h, const struct log_card *card,
                              const struct reply_batch *b)
{
    if (h->first != NULL) return true;
    return b->after != 0 && b->after > counter_read(&card->durable);
}

void hold_add(struct hold *h, struct reply_batch *b);

enum hold_end {
    HOLD_SENT,    /* its effect is on disk */
    HOLD_REFUSED, /* and will never be, for all we may tell */
    HOLD_NOT_YET,
};
/* What is to become of the first one. */
enum hold_end hold_first_end(const struct hold *h, const struct log_card *card);
struct reply_batch *hold_take(struct hold *h); /* NULL: there is none */

/* Bytes of the batch, with what is lent. */
uint64_t hold_len(const struct reply_batch *b);

#endif
