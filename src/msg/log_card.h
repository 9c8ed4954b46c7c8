/*
 * What the log's stage tells all others. One writer, the stage; anybody reads.
 *
 * Effects are numbered by the bytes of their stream: number n is on disk when the first n bytes of
 * the stream are. Writers read `durable` and `failed` when they have a batch that waits for a
 * number; the stage gives them a turn after it has changed either. Relaxed: no memory is handed
 * over by these words.
 */
#ifndef MSG_LOG_CARD_H
#define MSG_LOG_CARD_H

#include "base/counter.h"

struct log_card {
    struct counter written; /* so much is in the file, whatever a power cut would leave of it */
    struct counter durable; /* and so much is on disk. No number goes back, but it starts where the
                             * log was opened */
    struct counter failed;  /* replies that wait for a number above `durable` and up to this one may
                             * never leave: their connections are cut */
    struct counter error;   /* errno of the write or sync that failed last; 0: all is well. Not 0:
                             * writes are refused */
    struct counter needs_rewrite;     /* 1: a sync failed, so that only a rewrite makes it well */
    struct counter size;              /* bytes of all files that would be loaded */
    struct counter base_size;         /* the same, after the last rewrite or at the start */
    struct counter pending;           /* bytes handed over and not written */
    struct counter sync_pending;      /* 1: a sync is under way */
    struct counter delayed_syncs;     /* aof_delayed_fsync */
    struct counter syncs;             /* done so far */
    struct counter write_ns, sync_ns; /* of the last one, for LATENCY */
    struct counter watched; /* execute's: the number that somebody waits for, 0: none. Execute gets
                             * a turn when `durable` has reached it; but as the two words are not
                             * ordered, whoever waits looks again after a while, too */
    struct counter write_delay_us; /* execute's, for tests: it sleeps so long before it writes */
    struct counter starved; /* execute's: 1: it takes no more work before orders come home, and gets
                             * a turn when some do; the same holds */
};

#endif
