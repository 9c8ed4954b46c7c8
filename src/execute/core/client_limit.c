/* Invariant: the line of the dying are the sessions that were closed here and have not ended. */
#include "execute/core/client_limit.h"

#include "base/clock.h"
#include "base/log.h"
#include "execute/core/stats.h"

enum {
    LIMIT_LEAST = 128 << 10, /* a lower limit would let nobody talk to the server */
    LIMIT_BUCKETS = 64,
    LIMIT_PAUSE = 20,         /* between two looks: so many times what the last one took */
    LIMIT_COMMAND_SHARE = 16, /* commands of this part of the limit are looked at alone */
};

static struct session *dying_first;
static uint64_t look_ticks;  /* not before then */
static uint64_t look_limit;  /* of the last look */
static uint64_t look_in_use; /* what it left */

uint64_t client_limit_dying_bytes(void)
{
    uint64_t bytes = 0;
    for (const struct session *s = dying_first; s != NULL; s = s->next_dying)
        bytes += session_memory_all(s);
    return bytes;
}

uint64_t client_limit_bytes(const struct settings *s)
{
    uint64_t limit = (uint64_t)s->maxmemory_clients;
    if (s->maxmemory_clients < 0) /* percent */
        limit = (uint64_t)((unsigned __int128)s->maxmemory * (uint64_t)-s->maxmemory_clients / 100);
    return limit > 0 && limit < LIMIT_LEAST ? LIMIT_LEAST : limit;
}

static unsigned limit_bucket(uint64_t bytes) { return 63 - (unsigned)__builtin_clzll(bytes | 1); }

static void limit_close(struct session *s)
{
    struct reply line = {0};
    session_describe(s, &line);
    log_note("Evicting client: %.*s", (int)line.len, line.buf);
    reply_release(&line);
    s->next_dying = dying_first;
    dying_first = s;
    stats()->clients_evicted++;
    session_kill(s);
}

/* Closes those of a bucket as long as `*sum` is over the limit. */
static void limit_close_bucket(unsigned bucket, uint64_t limit, uint64_t *sum)
{
    struct session *next;
    for (struct session *s = sessions_first(); s != NULL && *sum > limit; s = next) {
        next = s->next;
        uint64_t bytes = session_memory_all(s);
        if (s->no_evict || limit_bucket(bytes) != bucket) continue;
        limit_close(s);
        *sum -= bytes < *sum ? bytes : *sum;
    }
}

static void limit_enforce(uint64_t limit)
{
    uint64_t sum = 0, filled = 0; /* buckets that have somebody, one bit each */
    for (const struct session *s = sessions_first(); s != NULL; s = s->next) {
        uint64_t bytes = session_memory_all(s);
        sum += bytes;
        if (!s->no_evict) filled |= UINT64_C(1) << limit_bucket(bytes);
    }
    while (sum > limit && filled != 0) {
        unsigned bucket = limit_bucket(filled);
        limit_close_bucket(bucket, limit, &sum);
        filled &= ~(UINT64_C(1) << bucket);
    }
    look_in_use = sum;
}

static void limit_look_now(uint64_t limit)
{
    uint64_t began = clock_ticks();
    limit_enforce(limit);
    uint64_t ended = clock_ticks();
    look_ticks = ended + LIMIT_PAUSE * (ended - began);
    look_limit = limit;
}

void client_limit_look(const struct settings *s, uint64_t ticks)
{
    uint64_t limit = client_limit_bytes(s);
    if (limit == 0 || (ticks < look_ticks && limit == look_limit)) return;
    limit_look_now(limit);
}

uint32_t client_limit_command_len(const struct settings *s)
{
    uint64_t len = client_limit_bytes(s) / LIMIT_COMMAND_SHARE;
    return len == 0 || len > UINT32_MAX ? UINT32_MAX : (uint32_t)len;
}

void client_limit_command(const struct settings *s, uint32_t wire_len)
{
    uint64_t limit = client_limit_bytes(s);
    if (look_in_use + wire_len > limit) limit_look_now(limit);
}

void client_limit_forget(const struct session *s)
{
    for (struct session **at = &dying_first; *at != NULL; at = &(*at)->next_dying)
        if (*at == s) {
            *at = s->next_dying;
            return;
        }
}
