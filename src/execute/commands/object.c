/*
 * OBJECT: what the server knows about a value besides its bytes. Asking does not count as using the
 * key.
 */
#include "execute/core/call.h"
#include "execute/commands/table.h"

/* Redis keeps the integers below this once for all keys, and its clients and tests know them by
 * this count of references; but for policies that need a clock for each key. */
enum { OBJECT_SHARED_INTS = 10000, OBJECT_SHARED_REFS = INT32_MAX };

#define OBJECT_ADJUST                                                                          \
    " Please note that when switching between policies at runtime LRU and LFU data will take " \
    "some time to adjust."
#define OBJECT_NO_IDLE "ERR An LFU maxmemory policy is selected, idle time not tracked."
#define OBJECT_NO_FREQ "ERR An LFU maxmemory policy is not selected, access frequency not tracked."

/* Counts as a lookup, but is none: no miss is told of. */
static struct entry *object_find(struct call *c)
{
    struct entry *e = keyspace_find(c->db, call_key(c, 2), LOOKUP_QUIET);
    *(e != NULL ? &keyspace_stats()->hits : &keyspace_stats()->misses) += 1;
    return e;
}

enum run_result cmd_OBJECT_ENCODING(struct call *c)
{
    struct entry *e = object_find(c);
    return e == NULL ? reply_null(c) : reply_text(c, entry_encoding_name(e));
}

enum run_result cmd_OBJECT_REFCOUNT(struct call *c)
{
    struct entry *e = object_find(c);
    if (e == NULL) return reply_null(c);
    int64_t n;
    const struct settings *s = c->settings;
    if (s->maxmemory > 0 && policy_has_clocks(s->maxmemory_policy)) return reply_int(c, 1);
    bool is_int = entry_type(e) == TYPE_STRING && entry_encoding(e) == ENC_INT && string_int(e, &n);
    return reply_int(c, is_int && n >= 0 && n < OBJECT_SHARED_INTS ? OBJECT_SHARED_REFS : 1);
}

enum run_result cmd_OBJECT_IDLETIME(struct call *c)
{
    struct entry *e = object_find(c);
    if (e == NULL) return reply_null(c);
    if (policy_is_lfu(c->settings->maxmemory_policy))
        return reply_error(c, OBJECT_NO_IDLE OBJECT_ADJUST);
    return reply_int(c, entry_idle_ms(e) / 1000);
}

enum run_result cmd_OBJECT_FREQ(struct call *c)
{
    struct entry *e = object_find(c);
    if (e == NULL) return reply_null(c);
    if (!policy_is_lfu(c->settings->maxmemory_policy))
        return reply_error(c, OBJECT_NO_FREQ OBJECT_ADJUST);
    return reply_int(c, entry_lfu(e));
}

enum run_result cmd_OBJECT_HELP(struct call *c)
{
    static const char *const lines[] = {
        "ENCODING <key>",
        "    How the key's value is kept in memory, by name.",
        "FREQ <key>",
        "    How often the key was used lately: a counter that grows with the logarithm of",
        "    the uses and decays with time. Needs an LFU maxmemory-policy.",
        "IDLETIME <key>",
        "    For how many seconds nobody used the key, roughly. Needs a maxmemory-policy",
        "    that is not LFU.",
        "REFCOUNT <key>",
        "    How many references the key's value has.",
        NULL,
    };
    return reply_help(c, lines);
}
