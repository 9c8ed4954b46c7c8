/*
 * Channels, patterns and shard channels, and who is subscribed to what.
 *
 * A message is built once for each protocol version that its receivers speak, and shared by them
 * (core/push.h). Messages that follow each other to the same receivers become one push: until the
 * receivers are other ones, what a further message costs does not depend on their number.
 */
#ifndef EXECUTE_CORE_PUBSUB_H
#define EXECUTE_CORE_PUBSUB_H

#include "execute/execute_private.h"

#include "base/bytes.h"
#include "execute/core/session.h"
#include "execute/types/key.h"

enum pubsub_kind { PUBSUB_CHANNEL, PUBSUB_PATTERN, PUBSUB_SHARD, PUBSUB_KINDS };

void pubsub_open(void);
/* After the sessions are gone. */
void pubsub_close(void);

/* ---- A session's subscriptions ---- */
/* False when it was subscribed already, or was not. */
bool pubsub_subscribe(struct session *s, enum pubsub_kind kind, struct key name);
bool pubsub_unsubscribe(struct session *s, enum pubsub_kind kind, struct key name);
/* Ends its first subscription of a kind; `gone` is told the name before. False without one. */
bool pubsub_unsubscribe_first(struct session *s, enum pubsub_kind kind,
                              void (*gone)(void *ctx, struct bytes name), void *ctx);
/* Silently, at its end and at RESET. */
void pubsub_forget_all(struct session *s);
uint64_t pubsub_count(const struct session *s, enum pubsub_kind kind);
static inline bool pubsub_is_subscriber(const struct session *s)
{
    return s->subscriptions != NULL;
}
/* Shows the names that it is subscribed to, in the order in which it was; `visit` must not change
 * that. */
void pubsub_each_of(const struct session *s, enum pubsub_kind kind,
                    void (*visit)(void *ctx, struct bytes name), void *ctx);
/* Its protocol version has changed. */
void pubsub_version_changed(struct session *s);
size_t pubsub_memory(const struct session *s);

/* ---- Messages ---- */
/* False when nobody could hear a message on a channel, whatever its name. */
bool pubsub_is_heard(void);
/* PUBSUB_CHANNEL (patterns hear it too) or PUBSUB_SHARD. Gives how many receivers there are; who
 * fits with several patterns counts for each. */
uint64_t pubsub_publish(enum pubsub_kind kind, struct key channel, struct bytes message);

/* ---- For people ---- */
/* Channels, patterns or shard channels with a subscriber at least. */
uint64_t pubsub_name_count(enum pubsub_kind kind);
uint64_t pubsub_subscriber_count(enum pubsub_kind kind, struct key name);
void pubsub_each(enum pubsub_kind kind, void (*visit)(void *ctx, struct bytes name), void *ctx);
/* Sessions with a subscription. */
uint64_t pubsub_session_count(void);

#endif
