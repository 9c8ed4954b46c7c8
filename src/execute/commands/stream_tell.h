/*
 * Effects of stream commands whose arguments do not tell what they did: ids that were made, trims
 * that were not exact, deliveries that depend on the clock.
 *
 * Groups are told with the means that replicas and logs of Redis have, too: XCLAIM with FORCE and
 * JUSTID makes a pending entry what it became, XGROUP SETID tells how far a group has read.
 */
#ifndef EXECUTE_COMMANDS_STREAM_TELL_H
#define EXECUTE_COMMANDS_STREAM_TELL_H

#include "execute/execute_private.h"

#include "execute/core/effect.h"
#include "execute/types/stream.h"
#include "execute/types/stream_group.h"

/* XADD of the pairs from argument `from` on, with this id; `trimmed`: entries went, and the stream
 * has as many as it should. */
void stream_tell_add(struct call *c, const struct stream *s, struct stream_id id, bool trimmed,
                     uint32_t from);
/* XTRIM of the key at argument 1. */
void stream_tell_trim(struct call *c, const struct stream *s);

/* A group of the stream under `key`. */
struct stream_told {
    struct call *c;
    struct bytes key;
    const struct stream_group *group;
};
void stream_tell_consumer(const struct stream_told *t, struct bytes consumer);
/* A pending entry that is there, as it stands now. */
void stream_tell_pending(const struct stream_told *t, const struct stream_pending *p);
/* `count` entries from `from` on were delivered for the first time, now, to this consumer. */
void stream_tell_delivered(const struct stream_told *t, const struct stream *s,
                           struct stream_id from, uint64_t count, struct bytes consumer);
/* A pending entry went. */
void stream_tell_dropped(const struct stream_told *t, struct stream_id id);
/* How far the group has read. */
void stream_tell_read(const struct stream_told *t);

#endif
