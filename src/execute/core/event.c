/* Hands what happens to keys to those who listen. */
#include "execute/core/event.h"

#include "codec/number.h"
#include "execute/core/effect.h"
#include "execute/core/hold.h"
#include "execute/core/pubsub.h"
#include "execute/core/tracking.h"
#include "execute/core/watch.h"
#include "execute/types/heap.h"

#include <string.h>

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
    keyspace_tell(is_published && (classes & NOTIFY_NEW), is_published && (classes & NOTIFY_MISS));
}

static void event_tell(struct db *db, struct key key, struct session *by, bool exists)
{
    if (event_ears & EVENT_EAR_WATCH) watch_touched(db, key, exists);
    if (event_ears & EVENT_EAR_TRACKING) tracking_touched(key, by);
    if (event_ears & EVENT_EAR_HOLD) hold_touched(db, key);
}

void event_touched(struct db *db, struct key key, struct session *by)
{
    bool exists = (event_ears & EVENT_EAR_WATCH) && keyspace_has(db, key);
    event_tell(db, key, by, exists);
}

/* On a channel "__keyspace@<db>__:" or "__keyevent@<db>__:" and what it is about. */
static void event_publish(const struct db *db, const char *prefix, struct bytes about,
                          struct bytes message)
{
    enum { PREFIX_MAX = 16 + NUMBER_INT_CHARS, SMALL = 512 };
    char small[SMALL], *name = small;
    if (about.len > SMALL - PREFIX_MAX) name = heap_alloc(about.len + PREFIX_MAX);
    char *at = stpcpy(name, prefix);
    at += number_print_uint(at, (uint64_t)db_number(db));
    at = stpcpy(at, "__:");
    if (about.len > 0) memcpy(at, about.ptr, about.len);
    size_t len = (size_t)(at - name) + about.len;
    pubsub_publish(PUBSUB_CHANNEL, key_make(bytes_make(name, len)), message);
    if (name != small) heap_free(name);
}

void event_notify(struct db *db, struct key key, uint32_t class, const char *name)
{
    if ((event_classes & class) == 0 || !pubsub_is_heard()) return;
    if (event_classes & NOTIFY_KEYSPACE) event_publish(db, "__keyspace@", key.name, bytes_of(name));
    if (event_classes & NOTIFY_KEYEVENT) event_publish(db, "__keyevent@", bytes_of(name), key.name);
}

void event_flushed(struct db *db, struct db *other)
{
    if (event_ears & EVENT_EAR_TRACKING) tracking_flushed();
    if (event_ears & EVENT_EAR_HOLD) hold_flushed(db);
    if ((event_ears & EVENT_EAR_HOLD) && other != NULL) hold_flushed(other);
    if (!(event_ears & EVENT_EAR_WATCH)) return;
    if (db != NULL) {
        watch_touched_all(db, other);
        if (other != NULL) watch_touched_all(other, db);
        return;
    }
    for (int i = 0; i < keyspace_db_count(); i++) watch_touched_all(keyspace_db(i), NULL);
}

void call_event_heard(struct call *c, struct db *db, struct key key, uint32_t class,
                      const char *name)
{
    event_touched(db, key, call_outermost(c)->session);
    event_notify(db, key, class, name);
}

/* A key that was emptied has had its elements told. */
static void event_tell_effect(const struct db *db, struct bytes name, enum keyspace_event what)
{
    const struct settings *s = settings_now();
    if (what == KEYSPACE_EXPIRED) effect_deleted(db, name, s->lazyfree_lazy_expire);
    if (what == KEYSPACE_EVICTED) effect_deleted(db, name, s->lazyfree_lazy_eviction);
}

static void event_of_keyspace(struct db *db, struct key key, enum keyspace_event what)
{
    static const struct {
        uint32_t class;
        const char *name;
        bool changes, exists;
    } kinds[] = {
        [KEYSPACE_EXPIRED] = {NOTIFY_EXPIRED, "expired", true, false},
        [KEYSPACE_EVICTED] = {NOTIFY_EVICTED, "evicted", true, false},
        [KEYSPACE_ELEMENTS_EXPIRED] = {NOTIFY_HASH, "hexpired", true, true},
        [KEYSPACE_EMPTIED] = {NOTIFY_GENERIC, "del", true, false},
        [KEYSPACE_MADE] = {NOTIFY_NEW, "new", false, true},
        [KEYSPACE_MISSED] = {NOTIFY_MISS, "keymiss", false, false},
    };
    if (effect_is_heard()) event_tell_effect(db, key.name, what);
    if (!event_is_heard()) return;
    if (kinds[what].changes) event_tell(db, key, NULL, kinds[what].exists);
    event_notify(db, key, kinds[what].class, kinds[what].name);
}

void event_open(void) { keyspace_on_event(event_of_keyspace); }
