/*
 * A group of a stream: how far it has read, its consumers, and what was delivered and not
 * acknowledged yet, the pending entries.
 *
 * A pending entry is a record of the group and an id with the consumer that has it; each is in
 * both or in none. Records are good until the next change of pending entries.
 */
#ifndef EXECUTE_TYPES_STREAM_GROUP_H
#define EXECUTE_TYPES_STREAM_GROUP_H

#include "execute/execute_private.h"

#include "base/bytes.h"
#include "execute/types/sorted.h"
#include "execute/types/stream.h"

#define STREAM_READ_UNKNOWN (-1)

struct stream_group {
    struct stream_id last_id; /* the last one delivered */
    int64_t entries_read;     /* or STREAM_READ_UNKNOWN */
    struct sorted pending;    /* struct stream_pending by id */
    struct sorted consumers;  /* addresses of consumers by name */
    uint32_t name_len;
    char name[];
};

struct stream_consumer {
    struct sorted pending; /* ids */
    int64_t seen_ms;       /* the last try, wall clock */
    int64_t active_ms;     /* the last one that got something; -1: never */
    uint32_t name_len;
    char name[];
};

struct stream_pending {
    struct stream_id id;
    int64_t delivered_ms;
    uint64_t deliveries;
    struct stream_consumer *consumer;
};

static inline struct bytes stream_group_name(const struct stream_group *g)
{
    return bytes_make(g->name, g->name_len);
}

static inline struct bytes stream_consumer_name(const struct stream_consumer *c)
{
    return bytes_make(c->name, c->name_len);
}

/* ---- Groups ---- */
/* NULL when there is none. */
struct stream_group *stream_group_find(const struct stream *s, struct bytes name);
/* NULL when there is one already. */
struct stream_group *stream_group_make(struct stream *s, struct bytes name,
                                       struct stream_id last_id, int64_t entries_read);
void stream_group_drop(struct stream *s, struct stream_group *g);
/* The one at the place, moved on; NULL behind the last. */
struct stream_group *stream_group_next(const struct stream *s, struct sorted_place *at);

/* ---- What a group has read ---- */
/* The entry with this id, behind last_id, is delivered. */
void stream_group_read(const struct stream *s, struct stream_group *g, struct stream_id id);
/* Entries that it has not read yet; false when that cannot be known. */
bool stream_group_lag(const struct stream *s, const struct stream_group *g, uint64_t *lag);
/* How many entries were added up to this id, by what the stream knows; STREAM_READ_UNKNOWN. */
int64_t stream_added_until(const struct stream *s, struct stream_id id);

/* ---- Consumers ---- */
struct stream_consumer *stream_consumer_find(const struct stream_group *g, struct bytes name);
/* NULL when there is one already. It was seen at now_ms. */
struct stream_consumer *stream_consumer_make(struct stream_group *g, struct bytes name,
                                             int64_t now_ms);
/* With its pending entries; gives how many these were. */
uint64_t stream_consumer_drop(struct stream_group *g, struct stream_consumer *c);
struct stream_consumer *stream_consumer_next(const struct stream_group *g, struct sorted_place *at);

/* ---- Pending entries ---- */
struct stream_pending *stream_pending_find(const struct stream_group *g, struct stream_id id);
/* Gives it to the consumer, whoever had it; a new one is zeroed but for id and consumer. */
struct stream_pending *stream_pending_give(struct stream_group *g, struct stream_id id,
                                           struct stream_consumer *to);
/* True when it was there. */
bool stream_pending_drop(struct stream_group *g, struct stream_id id);
/* For loading: the group's record without a consumer; false when there is one with this id. */
bool stream_pending_add(struct stream_group *g, struct stream_id id, int64_t delivered_ms,
                        uint64_t deliveries);

/* ---- For stream.c: all groups of a stream ---- */
void stream_groups_open(struct sorted *groups);
bool stream_groups_free_some(struct sorted *groups, uint64_t max);
void stream_groups_copy(struct sorted *to, const struct sorted *from);
size_t stream_groups_memory(const struct sorted *groups);
uint64_t stream_groups_pieces(const struct sorted *groups);
void stream_groups_check(const struct sorted *groups);

#endif
