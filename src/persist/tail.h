/*
 * The end of a file that grows by whole orders: each is in it wholly or not at all, as far as the
 * file lets us. What a failed write left behind is cut off before the next one.
 */
#ifndef PERSIST_TAIL_H
#define PERSIST_TAIL_H

#include "msg/order.h"

#include <stdint.h>

/* Orders in line. */
struct order_line {
    struct order *first, *last;
};
void order_line_add(struct order_line *l, struct order *o);
struct order *order_line_take(struct order_line *l); /* NULL: there is none */
/* Those of `more` behind those of `l`. */
void order_line_join(struct order_line *l, struct order_line *more);

struct tail {
    int fd;                    /* owned; -1: there is no file */
    uint64_t len;              /* of its whole orders, and what was there before them */
    bool is_torn;              /* part of an order is behind them */
    int64_t stamped_s;         /* the time that was noted last */
    struct order_line waiting; /* not in the file yet */
};

/* An empty tail: no file. */
void tail_clear(struct tail *t);
/* Takes the descriptor. 0 or -errno. */
int tail_open(struct tail *t, int fd);
void tail_close(struct tail *t); /* what waits stays */
/* Moves its first orders, as many as `room` bytes at `buf` hold, or one that is larger, from
 * `waiting` into the file and then to `done`. `stamps`: the time is noted where its second has
 * changed. 0 or -errno; then nothing has moved. */
int tail_write(struct tail *t, char *buf, size_t room, bool stamps, struct order_line *done);

#endif
