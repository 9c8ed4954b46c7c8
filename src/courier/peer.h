/*
 * A peer: one other server, the connection to it, and the conversation that goes on there.
 *
 * A conversation: connect, where there is no connection yet; send the errand's greeting and read
 * its answers, unless the connection has heard the same before; send its text and read the answers
 * to that. It ends when all are read or something went wrong; then `errand` is NULL and what came
 * of it stands in the errand.
 *
 * A kept connection may have died unseen. When it fails before anything was answered, the
 * conversation begins once more on a new one.
 */
#ifndef COURIER_PEER_H
#define COURIER_PEER_H

#include "flow/thread.h"
#include "msg/errand.h"

#include <netdb.h>

enum peer_state { PEER_CLOSED, PEER_CONNECTING, PEER_OPEN };

enum {
    PEER_NAME_MAX = ERRAND_HOST_MAX + 8,
    PEER_LINE_MAX = ERRAND_ERROR_MAX - 64,
    PEER_GREETING_MAX = 64,
};

struct peer {
    const struct stage *stage; /* the courier's, for tags; NULL: the place is free */
    uint32_t slot, gen;        /* gen: of the connection */
    char name[PEER_NAME_MAX];  /* "host:port" */
    enum peer_state state;
    int fd;
    struct addrinfo *addresses, *next_address; /* while connecting */
    struct errand *errand;                     /* of the conversation, or NULL */
    struct errand *queue_first, *queue_last;   /* those that wait for their turn */
    uint64_t due_ns;   /* the conversation's end without progress, or the idle connection's */
    bool is_kept;      /* the connection is older than the conversation */
    bool greets;       /* the greeting, not the text, is on its way */
    bool awaits;       /* room to send: the poller will tell */
    struct bytes out;  /* what is left to be sent of it */
    uint32_t answered; /* of its commands */
    bool is_answered;  /* something came in this conversation */
    char greeted[PEER_GREETING_MAX]; /* the last greeting, where it counts for the next */
    size_t greeted_len;
    char line[PEER_LINE_MAX];
    uint32_t line_len; /* of the answer so far; what has no room is dropped */
};

/* Begins the conversation: with p->errand, which was NULL. */
void peer_begin(struct peer *p, struct thread *th, struct errand *e);
/* An event of its connection. */
void peer_on_event(struct peer *p, struct thread *th, uint8_t what);
/* Its time is over: the conversation's, or the idle connection's. */
void peer_on_due(struct peer *p, struct thread *th);
/* Ends the connection. */
void peer_hang_up(struct peer *p, struct thread *th);
/* The same when the poller is gone. */
void peer_drop(struct peer *p);

#endif
