/*
 * Client-side caching: sessions that are told when keys that they may have cached are changed.
 *
 * A session hears in one of two ways. Either the keys that it reads are remembered
 * (core/tracking_table.h), whatever database they are of, and it is told of each once, after which
 * the key is forgotten; or it names prefixes and is told of every key under them
 * (core/tracking_prefix.h). Messages go to the session itself, as pushes of RESP3, or to another
 * one, which may be a RESP2 subscriber.
 */
#ifndef EXECUTE_CORE_TRACKING_H
#define EXECUTE_CORE_TRACKING_H

#include "execute/execute_private.h"

#include "execute/core/call.h"
#include "execute/core/event.h"
#include "execute/core/session.h"

enum tracking_option {
    TRACKING_BROADCAST = 1,
    TRACKING_OPTIN = 2,  /* only what is read right after CLIENT CACHING YES */
    TRACKING_OPTOUT = 4, /* all but what is read right after CLIENT CACHING NO */
    TRACKING_NOLOOP = 8, /* what it changes itself it is not told */
    TRACKING_BROKEN = 16 /* the session that gets its messages has gone */
};

struct tracking {
    uint8_t options;
    uint64_t redirect; /* id of the session that gets the messages, 0: itself */
    /* Broadcast: the prefixes, in their order, and the round in which it last changed a key. */
    struct tracking_listener **prefixes;
    uint32_t prefix_count, prefix_max;
    size_t prefix_bytes;
    uint64_t wrote_in;
};

void tracking_close(void);

/* Turns tracking on, or changes how it is done. Prefixes stay. */
void tracking_begin(struct session *s, uint8_t options, uint64_t redirect);
/* Nothing happens when it is off. */
void tracking_end(struct session *s);
/* CLIENT CACHING: holds until tracking_command_done(). */
void tracking_set_caching(struct session *s);
static inline bool tracking_is_caching(const struct session *s)
{
    return (s->care & CARE_CACHING) != 0;
}
/* A command of the session, not one of those within EXEC or a script, is over; `spec` may be NULL.
 */
void tracking_command_done(struct session *s, const struct command_spec *spec);

/* After a handler: remembers the keys that the command read. */
void tracking_remember(const struct call *c);
static inline void tracking_after(const struct call *c)
{
    extern uint8_t event_ears;
    if (unlikely((event_ears & EVENT_EAR_TRACKING) && (c->spec->flags & CF_READONLY)))
        tracking_remember(c);
}

/* A key was changed, by the command of session `by`, or by nobody's (NULL). */
void tracking_touched(struct key key, const struct session *by);
/* A database was emptied or swapped: all keys are to be forgotten. */
void tracking_flushed(void);
/* What time asks for, with the limit of keys (0: none). True: there is more to do. */
bool tracking_work(int64_t max_keys);

uint64_t tracking_client_count(void);
/* Of execute's memory, what this session's tracking costs. */
size_t tracking_bytes(const struct session *s);

#endif
