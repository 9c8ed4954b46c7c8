/*
 * Messages for other sessions than the one whose command runs: pub/sub, invalidations, MONITOR.
 *
 * A message is built once and shared by all who get it. It is delivered after the current command
 * (the whole of EXEC or of a script is one), behind what that command answers, and before its
 * receiver is answered anything else; so the order per connection is the order in which execute did
 * things. Otherwise it may wait for the end of the command batch, so that messages leave together.
 * Sessions that end before get nothing.
 *
 *     struct push *p = push_make(bytes);    the message as it goes over the wire
 *     push_add(p, session);                 once for each who gets it
 *     push_send(p);
 */
#ifndef EXECUTE_CORE_PUSH_H
#define EXECUTE_CORE_PUSH_H

#include "execute/execute_private.h"

#include "base/bytes.h"
#include "execute/core/session.h"

#define PUSH_LEN_MAX 65536    /* of a push that is to take more messages */
#define PUSH_BYTES_MAX 262144 /* of all, lists of receivers included, before they leave */

struct push {
    struct push *next;
    struct conn_ref *to;
    uint32_t to_count, to_max;
    char *wire;
    size_t len, cap;
};

/* Copies the bytes. The caller owns it until push_send(). */
struct push *push_make(struct bytes wire);
/* An empty one; `receivers`: how many are expected. */
struct push *push_open(uint32_t receivers);
void push_add(struct push *p, struct session *s);
/* Takes it; one without receivers is dropped. */
void push_send(struct push *p);

/*
 * A push that was sent may take messages more for the same receivers, while it waits and nothing
 * for others was sent after it: as long as push_run stays what it was after push_send(). It is
 * never 0.
 */
extern uint64_t push_run;
void push_end_run(void);
/* Room for `n` bytes more; then push_wrote() says how many they were. */
char *push_room(struct push *p, size_t n);
void push_wrote(struct push *p, size_t n);

/* True when push_next() has one. */
static inline bool push_is_pending(void)
{
    extern struct push *push_first;
    return push_first != NULL;
}
/* True when those that wait take so much memory that they should leave. */
static inline bool push_is_due(void)
{
    extern size_t push_bytes;
    return push_bytes >= PUSH_BYTES_MAX;
}
/* Gives the oldest, or NULL; the caller ends it with push_free(). */
struct push *push_next(void);
void push_free(struct push *p);
/* Drops those that are left. */
void push_close(void);

#endif
