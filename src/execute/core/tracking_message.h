/*
 * A message that keys were changed, as the sessions that track them get it: a push of RESP3, or a
 * message of the channel `__redis__:invalidate` for a RESP2 subscriber that another session has
 * redirected its messages to. Each form is built once.
 *
 *     struct tracking_message m = tracking_message_of(keys);
 *     tracking_message_add(&m, session);            once for each session that tracks
 *     tracking_message_send(&m);
 */
#ifndef EXECUTE_CORE_TRACKING_MESSAGE_H
#define EXECUTE_CORE_TRACKING_MESSAGE_H

#include "execute/execute_private.h"

#include "execute/core/push.h"

struct tracking_message {
    struct bytes keys; /* an array as it goes over the wire; NULL: all keys */
    struct push *resp2, *resp3;
};

/* Borrows the array until it is sent. */
struct tracking_message tracking_message_of(struct bytes keys);
struct tracking_message tracking_message_of_all(void);
/* To the session that gets what `s` is told; one that can show it in no form gets nothing. */
void tracking_message_add(struct tracking_message *m, struct session *s);
void tracking_message_send(struct tracking_message *m);

#endif
