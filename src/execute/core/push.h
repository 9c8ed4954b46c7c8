/*
 * Messages for other sessions than the one whose command runs: pub/sub, invalidations, MONITOR.
 *
 * A message is built once and shared by all who get it. It is delivered after the current command
 * (the whole of EXEC or of a script is one), behind what that command answers; so the order per
 * connection is the order in which execute did things. Sessions that end before get nothing.
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

struct push {
    struct push *next;
    struct conn_ref *to;
    uint32_t to_count, to_max;
    size_t len;
    char wire[];
};

/* Copies the bytes. The caller owns it until push_send(). */
struct push *push_make(struct bytes wire);
void push_add(struct push *p, const struct session *s);
/* Takes it; one without receivers is dropped. */
void push_send(struct push *p);

/* True when push_next() has one. */
static inline bool push_is_pending(void)
{
    extern struct push *push_first;
    return push_first != NULL;
}
/* Gives the oldest, or NULL; the caller ends it with push_free(). */
struct push *push_next(void);
void push_free(struct push *p);
/* Drops those that are left. */
void push_close(void);

#endif
