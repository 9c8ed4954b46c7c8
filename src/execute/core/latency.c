/* A ring of samples for each event; see latency.h. */
#include "execute/core/latency.h"

#include "base/clock.h"

struct latency_log {
    struct latency_sample samples[LATENCY_SAMPLES];
    uint32_t first, count;
    uint64_t longest_ms;
};

static const char *const latency_names[LATENCY_EVENTS] = {
    [LATENCY_COMMAND] = "command",           [LATENCY_FAST_COMMAND] = "fast-command",
    [LATENCY_EXPIRE_CYCLE] = "expire-cycle", [LATENCY_EVICTION_CYCLE] = "eviction-cycle",
    [LATENCY_EVICTION_DEL] = "eviction-del", [LATENCY_LOG_WRITE] = "aof-write",
    [LATENCY_LOG_SYNC] = "aof-fsync-always", [LATENCY_SNAPSHOT] = "snapshot-slice",
};
static struct latency_log latency_logs[LATENCY_EVENTS];

uint64_t latency_threshold_ns = UINT64_MAX;

void latency_open(void) { memset(latency_logs, 0, sizeof(latency_logs)); }

void latency_set_threshold(int64_t ms)
{
    bool off = ms <= 0 || (uint64_t)ms > UINT64_MAX / 1000000 - 1;
    latency_threshold_ns = off ? UINT64_MAX : (uint64_t)ms * 1000000;
}

void latency_add(enum latency_event event, uint64_t ms)
{
    struct latency_log *log = &latency_logs[event];
    int64_t now_s = clock_wall_ms() / 1000;
    if (ms > log->longest_ms) log->longest_ms = ms;
    uint32_t last = (log->first + log->count + LATENCY_SAMPLES - 1) % LATENCY_SAMPLES;
    if (log->count > 0 && log->samples[last].at_s == now_s) {
        if (ms > log->samples[last].ms) log->samples[last].ms = ms;
        return;
    }
    uint32_t next = (log->first + log->count) % LATENCY_SAMPLES;
    log->samples[next] = (struct latency_sample){now_s, ms};
    if (log->count < LATENCY_SAMPLES)
        log->count++;
    else
        log->first = (log->first + 1) % LATENCY_SAMPLES;
}

const char *latency_name(enum latency_event event) { return latency_names[event]; }

enum latency_event latency_find(struct bytes name)
{
    for (unsigned e = 0; e < LATENCY_EVENTS; e++)
        if (bytes_equal(name, bytes_of(latency_names[e]))) return (enum latency_event)e;
    return LATENCY_EVENTS;
}

uint32_t latency_count(enum latency_event event) { return latency_logs[event].count; }

struct latency_sample latency_sample(enum latency_event event, uint32_t i)
{
    const struct latency_log *log = &latency_logs[event];
    return log->samples[(log->first + i) % LATENCY_SAMPLES];
}

uint64_t latency_longest_ms(enum latency_event event) { return latency_logs[event].longest_ms; }

bool latency_reset(enum latency_event event)
{
    bool had = latency_logs[event].count > 0;
    latency_logs[event] = (struct latency_log){0};
    return had;
}
