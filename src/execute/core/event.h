/*
 * What happens to keys, for those who listen: WATCH, client-side caching, keyspace notifications.
 *
 * A handler that changes a key says so with call_event(): the key is touched (those who watch or
 * track it hear of it) and the notification is published. Both cost one test while nobody listens.
 * What the keyspace does by itself (expired, evicted) comes through its hook.
 */
#ifndef EXECUTE_CORE_EVENT_H
#define EXECUTE_CORE_EVENT_H

#include "execute/execute_private.h"

#include "catalog/option.h" /* enum notify_class */
#include "execute/core/call.h"

/* Takes the keyspace's hooks. */
void event_open(void);
/* The settings changed: which notifications are published. */
void event_set_classes(uint32_t classes);

/* What somebody listens to; each bit has one writer. */
enum event_ear {
    EVENT_EAR_WATCH = 1,    /* event.c, asked of watch.c */
    EVENT_EAR_TRACKING = 2, /* client-side caching */
    EVENT_EAR_NOTIFY = 4,   /* notify-keyspace-events is not empty */
    EVENT_EAR_HOLD = 8,     /* hold.c: keys that are held */
};
static inline bool event_is_heard(void)
{
    extern uint8_t event_ears;
    return unlikely(event_ears != 0);
}
void event_listen(enum event_ear ear, bool on);

/* `by`: the session whose command it was, NULL: nobody's. The key stands as it is after. */
void event_touched(struct db *db, struct key key, struct session *by);
/* Publishes "name" for the key, if its class is wanted. */
void event_notify(struct db *db, struct key key, uint32_t class, const char *name);
/* Before a database is emptied (NULL: all), or swapped with `other`. */
void event_flushed(struct db *db, struct db *other);

void call_event_heard(struct call *c, struct db *db, struct key key, uint32_t class,
                      const char *name);

/* `n` things of the key were changed; see call_changed(). */
static inline void call_event(struct call *c, uint64_t n, struct key key, uint32_t class,
                              const char *name)
{
    call_changed(c, n);
    if (event_is_heard()) call_event_heard(c, c->db, key, class, name);
}
/* The same for a key of another database. */
static inline void call_event_in(struct call *c, struct db *db, uint64_t n, struct key key,
                                 uint32_t class, const char *name)
{
    call_changed(c, n);
    if (event_is_heard()) call_event_heard(c, db, key, class, name);
}
/* A change that has no notification. */
static inline void call_touched(struct call *c, uint64_t n, struct key key)
{
    call_changed(c, n);
    if (event_is_heard()) event_touched(c->db, key, call_outermost(c)->session);
}
/* The notification alone, of a key that was touched already, or did not change. */
static inline void call_notify(struct call *c, struct key key, uint32_t class, const char *name)
{
    if (event_is_heard()) event_notify(c->db, key, class, name);
}
/* Deletes a key for its own sake. True when it was there. */
static inline bool call_delete(struct call *c, struct key key)
{
    if (!keyspace_delete(c->db, key)) return false;
    call_event(c, 1, key, NOTIFY_GENERIC, "del");
    return true;
}

#endif
