/* Hands what happens to keys to those who listen. */
#include "execute/core/event.h"

#include "execute/core/watch.h"

uint8_t event_ears;
static uint32_t event_classes; /* enum notify_class: what is published */

void event_listen(enum event_ear ear, bool on)
{
    event_ears = (uint8_t)(on ? event_ears | ear : event_ears & ~ear);
}

void event_set_classes(uint32_t classes)
{
    event_classes = classes;
    bool is_published = (classes & (NOTIFY_KEYSPACE | NOTIFY_KEYEVENT)) != 0;
    event_listen(EVENT_EAR_NOTIFY, is_published);
}

static void event_tell(struct db *db, struct key key, struct session *by, bool exists)
{
    (void)by;
    if (event_ears & EVENT_EAR_WATCH) watch_touched(db, key, exists);
}

void event_touched(struct db *db, struct key key, struct session *by)
{
    event_tell(db, key, by, keyspace_has(db, key));
}

void event_notify(struct db *db, struct key key, uint32_t class, const char *name)
{
    if ((event_classes & class) == 0) return;
    (void)db;
    (void)key;
    (void)name;
}

void event_flushed(struct db *db, struct db *other)
{
    if (!(event_ears & EVENT_EAR_WATCH)) return;
    if (db != NULL) {
        watch_touched_all(db, other);
        if (other != NULL) watch_touched_all(other, db);
        return;
    }
    for (int i = 0; i < keyspace_db_count(); i++) watch_touched_all(keyspace_db(i), NULL);
}

void call_event_heard(struct call *c, struct key key, uint32_t class, const char *name)
{
    event_touched(c->db, key, c->session);
    event_notify(c->db, key, class, name);
}

/* The keyspace has deleted a key by itself. */
static void event_gone(struct db *db, struct key key, enum keyspace_gone why)
{
    if (!event_is_heard()) return;
    event_tell(db, key, NULL, false);
    if (why == KEYSPACE_EXPIRED)
        event_notify(db, key, NOTIFY_EXPIRED, "expired");
    else
        event_notify(db, key, NOTIFY_EVICTED, "evicted");
}

void event_open(void) { keyspace_on_gone(event_gone); }
