/*
 * A reply batch: bytes for several connections, one contiguous buffer cut into items.
 *
 * Big values are not copied into the buffer: they are lent. A loan says at which place of the
 * buffer which bytes come in between; loans are in order of their places, and each lies inside of
 * an item, never at its ends. The bytes stay as they are until the batch is home.
 *
 * execute owns the batch and its buffer, fills it, and hands it to a writer, which sends the items
 * in order and sends the batch home; a writer that could not send an item wholly may keep the batch
 * until it has.
 */
#ifndef MSG_REPLY_BATCH_H
#define MSG_REPLY_BATCH_H

#include "msg/conn.h"

#include <stddef.h>

enum reply_event {
    REPLY_OPEN = 1, /* first item of a connection: the writer makes its conn_out */
    REPLY_CUT = 2,  /* after these bytes are out: shutdown(2); parse will see the end and say BYE */
    REPLY_BYE =
        4, /* the session has ended: flush what can be flushed at once, close, free the slot */
    REPLY_PUSH = 16, /* nobody waits for it: it may leave a little later, with what comes next */
    REPLY_TIMED = 8, /* somebody wants to know when the kernel had taken all of it */
};

struct reply_item {
    struct conn_ref conn;
    uint32_t events;
    size_t start, len; /* in the batch's buffer */
    /* Written by write for REPLY_TIMED: clock_ticks() then. 0 when it was never all taken, or the
     * batch was not kept so long. */
    uint64_t written_ticks;
};

struct block;
struct slowlog_entry;

struct reply_loan {
    size_t at; /* in the batch's buffer: before this byte */
    const char *ptr;
    size_t len;
    struct block *block; /* execute's: what is to be repaid */
};

struct reply_batch {
    struct reply_item *items;
    uint32_t item_count, item_max;
    struct reply_batch *next; /* the writer's, while it waits to go home */
    uint32_t kept;            /* the writer's count of pieces of it that it still keeps */
    uint16_t writer;
    char *buf;
    size_t len, cap;
    struct reply_loan *loans;
    uint32_t loan_count, loan_max;
    uint64_t after;      /* the effect that must be on disk before it may leave; 0: none */
    uint64_t read_ticks; /* of the oldest command batch answered here; 0 when none */
    /* execute's own */
    uint64_t total;             /* bytes with what is lent */
    struct slowlog_entry *slow; /* of commands that are answered in timed items */
    bool awaited;               /* on its way, with loans or timed items */
};

#endif
