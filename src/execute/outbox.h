/*
 * The outbox: reply batches, one in the making for each writer. What sessions are answered is
 * appended to it as items; a batch leaves when it is large and at the end of a command batch, and
 * comes home when the writer is through with it.
 *
 *     struct out *o = outbox_begin_item(x, session->conn);
 *     ...append to o->reply...
 *     outbox_end_item(x, events);
 *     outbox_publish_all(x, turn);
 *
 * There are two sets of batches in the making. The second one is for what others are answered while
 * a script lasts (core/busy.h): the script's own answer is open in the first one all the while.
 */
#ifndef EXECUTE_OUTBOX_H
#define EXECUTE_OUTBOX_H

#include "execute/execute_private.h"

#include "execute/core/reply.h"
#include "execute/execute.h"

enum {
    OUTBOX_BATCH_LEN = 65536,      /* a batch with so much leaves */
    OUTBOX_BATCH_ITEMS = 4096,     /* or with so many items */
    OUTBOX_KEPT = 262144,          /* a buffer that grew larger is not kept for the next batch */
    OUTBOX_IDLE_BYTES = 4 << 20,   /* buffers of idle batches that are kept, in all */
    OUTBOX_IDLE_SHARE = 64,        /* or such a part of maxmemory, if that is less */
    OUTBOX_IDLE_LEAST = 256 << 10, /* and even when memory is short */
    OUTBOX_IDLE_BATCHES = 1024,    /* idle batches that are kept */
};

/* The reply batch that is being filled for one writer. */
struct out {
    struct reply_batch *batch;
    struct reply reply;
};

/* The item that is being filled: the replies of one session since `start`. */
struct open_item {
    struct out *out;
    struct conn_ref conn;
    size_t start; /* in the buffer */
    size_t total; /* there, with what is lent */
};

struct outbox {
    struct arena *arena;
    const struct execute_wiring *wiring;
    struct out sets[2][EXECUTE_PEERS_MAX];
    struct out *current;                                /* one of them */
    struct open_item open;                              /* between begin and end */
    struct reply_batch *idle_list[OUTBOX_IDLE_BATCHES]; /* at home */
    uint32_t idle_count;
    size_t idle_bytes;     /* their buffers */
    uint64_t batches_made; /* those that exist */
    uint64_t bytes_out;    /* of batches that are not at home */
    uint64_t awaited;      /* batches on their way with loans or items that are timed */
    uint64_t output;       /* bytes published; execute sets it to 0 when a turn begins */
    uint64_t read_ticks;   /* of the command batch being run */
};

/* The outbox is zeroed. Memory that idle batches keep is given back when it is short. */
void outbox_open(struct outbox *x, struct arena *arena, const struct execute_wiring *w);
void outbox_close(struct outbox *x);

/* Where a writer's batch is being filled; it is made when there is none. */
struct out *outbox_out(struct outbox *x, int writer);
/* Gives where the replies of `conn` are to be appended. */
struct out *outbox_begin_item(struct outbox *x, struct conn_ref conn);
/* Ends the open item: what was appended since its start, and what is to happen after it. */
void outbox_end_item(struct outbox *x, uint32_t events);
/* An item whose bytes are in the buffer already. */
void outbox_append_item(struct outbox *x, struct out *o, const struct reply_item *item,
                        size_t total);
/* So many bytes more of reply were made for the connection. */
static inline void outbox_count_reply(struct conn_ref conn, size_t total)
{
    struct conn_card *card = conn_card(conn.slot);
    conn_meter_set(&card->replies, conn_meter(&card->replies) + total);
}

void outbox_publish(struct outbox *x, struct turn *t, struct out *o);
/* If it is large. */
void outbox_publish_large(struct outbox *x, struct turn *t, struct out *o);
void outbox_publish_all(struct outbox *x, struct turn *t);
void outbox_take_home(struct outbox *x);

/*
 * A script lasts, whose command is answered in the open item, behind reply_total() `total`. All
 * that was answered before goes out, so that what is answered meanwhile comes after it. What there
 * is of the command's answer, when that is EXEC, lies in a new buffer where it lay in the old:
 * those who build it remember places.
 */
void outbox_part(struct outbox *x, struct turn *t, size_t total);
/* Which set is filled: the second one while others run. */
void outbox_set_aside(struct outbox *x, bool aside);

/* Batches that are not at home, those in the making among them. */
static inline uint64_t outbox_batches(const struct outbox *x)
{
    return x->batches_made - x->idle_count;
}
/* For the simulator: batches that are neither at home nor in the making. */
uint64_t outbox_batches_out(const struct outbox *x);

#endif
