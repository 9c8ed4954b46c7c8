/* Invariants: newest update first; no more than acllog-max-len entries after an addition. Ids are
 * never used twice while the server lives. */
#include "execute/core/acl_log.h"

#include "base/clock.h"
#include "catalog/settings.h"
#include "execute/core/session.h"
#include "execute/types/heap.h"

enum {
    ACL_LOG_SAME_MS = 60000, /* the same thing within this counts up */
    ACL_LOG_LOOK_BACK = 10,  /* entries that are looked at for it */
    ACL_LOG_TEXT_MAX = 1024, /* bytes that an entry keeps of a client's word */
};

static struct acl_log_entry *log_newest;
static uint64_t log_count;
static uint64_t log_next_id;

static struct bytes log_keep(struct bytes text)
{
    size_t len = text.len < ACL_LOG_TEXT_MAX ? text.len : ACL_LOG_TEXT_MAX;
    char *p = heap_alloc(len + 1);
    if (len > 0) memcpy(p, text.ptr, len);
    return bytes_make(p, len);
}

static bool log_is_kept(struct bytes kept, struct bytes text)
{
    if (text.len > ACL_LOG_TEXT_MAX) text.len = ACL_LOG_TEXT_MAX;
    return bytes_equal(kept, text);
}

static void log_free_text(struct bytes text) { heap_free((char *)(uintptr_t)text.ptr); }

static void log_free(struct acl_log_entry *e)
{
    log_free_text(e->object);
    log_free_text(e->user);
    log_free_text(e->client);
    heap_free(e);
}

/* Keeps the `max` newest. */
static void log_trim(uint64_t max)
{
    if (log_count <= max) return;
    struct acl_log_entry **at = &log_newest;
    for (uint64_t i = 0; i < max; i++) at = &(*at)->older;
    struct acl_log_entry *e = *at;
    *at = NULL;
    log_count = max;
    while (e != NULL) {
        struct acl_log_entry *older = e->older;
        log_free(e);
        e = older;
    }
}

/* Takes an entry of the same thing out of the list. */
static struct acl_log_entry *log_take_same(const struct acl_log_entry *wanted, int64_t now_ms)
{
    struct acl_log_entry **at = &log_newest;
    for (int i = 0; i < ACL_LOG_LOOK_BACK && *at != NULL; i++, at = &(*at)->older) {
        struct acl_log_entry *e = *at;
        if (e->reason != wanted->reason || e->context != wanted->context ||
            now_ms - e->updated_ms > ACL_LOG_SAME_MS || !log_is_kept(e->object, wanted->object) ||
            !log_is_kept(e->user, wanted->user))
            continue;
        *at = e->older;
        log_count--;
        return e;
    }
    return NULL;
}

void acl_log_add(const struct session *s, enum acl_reason reason, enum acl_context context,
                 struct bytes user, struct bytes object)
{
    int64_t max = settings_now()->acllog_max_len, now_ms = clock_wall_ms();
    if (max == 0) {
        acl_log_clear();
        return;
    }
    struct acl_log_entry wanted = {
        .reason = reason, .context = context, .object = object, .user = user};
    struct acl_log_entry *e = log_take_same(&wanted, now_ms);
    if (e == NULL) {
        e = heap_alloc(sizeof *e);
        *e = wanted;
        e->id = log_next_id++;
        e->created_ms = now_ms;
        e->object = log_keep(object);
        e->user = log_keep(user);
    } else {
        log_free_text(e->client);
    }
    struct reply client = {0};
    session_describe(s, &client);
    e->client = log_keep(bytes_make(client.buf, client.len));
    reply_release(&client);
    e->count++;
    e->updated_ms = now_ms;
    e->older = log_newest;
    log_newest = e;
    log_count++;
    log_trim((uint64_t)max);
}

const struct acl_log_entry *acl_log_first(void) { return log_newest; }

uint64_t acl_log_count(void) { return log_count; }

void acl_log_clear(void) { log_trim(0); }
