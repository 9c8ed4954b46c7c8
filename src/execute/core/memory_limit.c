/*
 * Memory in use is what the stages' arenas gave out (mem_used()), clients' buffers included. Large
 * values that are deleted are freed in steps: that comes before more keys go.
 */
#include "execute/core/memory_limit.h"

#include "base/clock.h"
#include "base/must.h"
#include "catalog/option.h"
#include "execute/core/client_limit.h"
#include "execute/core/latency.h"
#include "execute/core/orders.h"
#include "execute/core/snapshot.h"
#include "execute/keyspace/keyspace.h"
#include "mem/arena.h"

#include <math.h>

enum {
    LIMIT_LOOK = 16,          /* keys after which the time is looked at */
    LIMIT_FREE_US = 200,      /* for values freed in steps, before more keys go */
    LIMIT_TENACITY_US = 50,   /* for each point of maxmemory-eviction-tenacity up to 10 */
    LIMIT_TENACITY_KNEE = 10, /* from here on each point adds 15 percent */
    LIMIT_TENACITY_MAX = 100, /* as long as it takes */
};

static uint64_t exceeded_us;       /* closed spans */
static uint64_t exceeded_since_us; /* 0: not now */

static void (*limit_give_back)(void *self);
static void *limit_giver;

void memory_limit_open(void (*give_back)(void *self), void *self)
{
    limit_give_back = give_back;
    limit_giver = self;
}

static uint64_t limit_budget_us(int64_t tenacity)
{
    if (tenacity >= LIMIT_TENACITY_MAX) return UINT64_MAX;
    if (tenacity <= LIMIT_TENACITY_KNEE) return (uint64_t)tenacity * LIMIT_TENACITY_US;
    double knee = LIMIT_TENACITY_KNEE * LIMIT_TENACITY_US;
    return (uint64_t)(knee * pow(1.15, (double)(tenacity - LIMIT_TENACITY_KNEE)));
}

static bool limit_rule(const struct settings *s, struct evict_rule *rule)
{
    static const struct evict_rule rules[] = {
        [POLICY_VOLATILE_LRU] = {EVICT_LRU, true, 0},
        [POLICY_VOLATILE_LFU] = {EVICT_LFU, true, 0},
        [POLICY_VOLATILE_RANDOM] = {EVICT_RANDOM, true, 0},
        [POLICY_VOLATILE_TTL] = {EVICT_TTL, true, 0},
        [POLICY_ALLKEYS_LRU] = {EVICT_LRU, false, 0},
        [POLICY_ALLKEYS_LFU] = {EVICT_LFU, false, 0},
        [POLICY_ALLKEYS_RANDOM] = {EVICT_RANDOM, false, 0},
    };
    if (s->maxmemory_policy == POLICY_NOEVICTION) return false;
    *rule = rules[s->maxmemory_policy];
    rule->samples = s->maxmemory_samples;
    return true;
}

static void limit_note(bool exceeds)
{
    if (exceeds == (exceeded_since_us != 0)) return;
    uint64_t now = clock_mono_us();
    if (exceeds)
        exceeded_since_us = now;
    else {
        exceeded_us += now - exceeded_since_us;
        exceeded_since_us = 0;
    }
}

static bool limit_is_exceeded(const struct settings *s)
{
    uint64_t used = mem_used(), limit = (uint64_t)s->maxmemory;
    if (likely(used <= limit)) return false;
    uint64_t passing = client_limit_dying_bytes() + orders_bytes() + snapshot_kept_bytes();
    return used - limit > passing;
}

/* As keyspace_evict(); how long it takes is looked at only while somebody wants to know. */
static bool limit_evict_one(const struct evict_rule *rule)
{
    if (likely(!latency_is_on())) return keyspace_evict(rule);
    uint64_t began = clock_ticks();
    bool done = keyspace_evict(rule);
    latency_note(LATENCY_EVICTION_DEL, clock_ticks_to_ns(clock_ticks() - began));
    return done;
}

/* Evicts until memory is below the limit, the time is over (*late) or nothing may go. */
static bool limit_evict(const struct settings *s, const struct evict_rule *rule, bool *late)
{
    uint64_t start_us = clock_mono_us(),
             budget_us = limit_budget_us(s->maxmemory_eviction_tenacity);
    for (uint32_t n = 1; limit_is_exceeded(s); n++) {
        if (keyspace_pending_free() > 0) {
            keyspace_work(LIMIT_FREE_US);
            n = 0; /* look at the time */
        } else if (!limit_evict_one(rule)) {
            return false;
        }
        if (n % LIMIT_LOOK == 0 && clock_mono_us() - start_us >= budget_us) {
            *late = limit_is_exceeded(s);
            return true;
        }
    }
    return true;
}

bool memory_limit_make_room(const struct settings *s)
{
    struct evict_rule rule;
    bool late = false, done = false;
    if (likely(!limit_is_exceeded(s))) {
        limit_note(false);
        return true;
    }
    if (limit_give_back != NULL) limit_give_back(limit_giver);
    if (!limit_is_exceeded(s)) return true;
    if (limit_rule(s, &rule)) {
        uint64_t began = clock_ticks();
        done = limit_evict(s, &rule, &late);
        latency_note(LATENCY_EVICTION_CYCLE, clock_ticks_to_ns(clock_ticks() - began));
    }
    limit_note(late);
    return done;
}

bool memory_limit_tick(const struct settings *s)
{
    if (s->maxmemory == 0 || s->maxmemory_policy == POLICY_NOEVICTION) {
        limit_note(false);
        return false;
    }
    return memory_limit_make_room(s) && limit_is_exceeded(s);
}

uint64_t memory_limit_exceeding_ms(void)
{
    return exceeded_since_us == 0 ? 0 : (clock_mono_us() - exceeded_since_us) / 1000;
}

uint64_t memory_limit_exceeded_ms(void) { return exceeded_us / 1000 + memory_limit_exceeding_ms(); }

void memory_limit_reset_stats(void)
{
    exceeded_us = 0;
    exceeded_since_us = 0;
}
