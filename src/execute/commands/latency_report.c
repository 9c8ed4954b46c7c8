/*
 * LATENCY GRAPH and LATENCY DOCTOR: what the latency monitor saw, for people.
 */
#include "execute/commands/table.h"
#include "execute/core/latency.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* ---- GRAPH ---- */

enum {
    GRAPH_COLUMNS = 80,
    GRAPH_ROWS = 6,
    GRAPH_AGE_CHARS = 4,
};

/* "7s", "12m", "3h", "9d": how long ago. */
static void graph_print_age(char out[GRAPH_AGE_CHARS + 1], int64_t seconds)
{
    static const struct {
        int64_t seconds;
        char unit;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    unsigned u = 0;
    if (seconds < 0) seconds = 0;
    while (u < 3 && seconds < units[u].seconds) u++;
    int64_t count = seconds / units[u].seconds;
    snprintf(out, GRAPH_AGE_CHARS + 1, "%d%c", (int)(count > 999 ? 999 : count), units[u].unit);
}

struct graph {
    enum latency_event event;
    uint32_t first, count; /* samples that are drawn */
    uint64_t high, low;
};

static struct graph graph_measure(enum latency_event event)
{
    uint32_t all = latency_count(event);
    uint32_t count = all < GRAPH_COLUMNS ? all : GRAPH_COLUMNS;
    struct graph g = {.event = event, .first = all - count, .count = count, .low = UINT64_MAX};
    for (uint32_t i = 0; i < count; i++) {
        uint64_t ms = latency_sample(event, g.first + i).ms;
        if (ms > g.high) g.high = ms;
        if (ms < g.low) g.low = ms;
    }
    return g;
}

/* Columns as high as their share of the highest; the highest are marked. */
static void graph_draw(const struct graph *g, struct reply *r)
{
    for (int row = GRAPH_ROWS; row >= 1; row--) {
        for (uint32_t i = 0; i < g->count; i++) {
            uint64_t ms = latency_sample(g->event, g->first + i).ms;
            double height = g->high == 0 ? 0 : GRAPH_ROWS * (double)ms / (double)g->high;
            const char *cell = height > row - 0.5 ? "|" : height > row - 1 ? "." : " ";
            if (row == GRAPH_ROWS && ms == g->high) cell = "#";
            reply_raw(r, cell, 1);
        }
        reply_raw(r, "\n", 1);
    }
}

/* How old each sample is, from top to bottom. */
static void graph_label(const struct graph *g, struct reply *r, int64_t now_s)
{
    for (int line = 0; line < GRAPH_AGE_CHARS; line++) {
        size_t mark = r->len;
        bool any = false;
        for (uint32_t i = 0; i < g->count; i++) {
            char age[GRAPH_AGE_CHARS + 1] = {0};
            graph_print_age(age, now_s - latency_sample(g->event, g->first + i).at_s);
            bool has = (int)strlen(age) > line;
            any |= has;
            reply_raw(r, has ? &age[line] : " ", 1);
        }
        if (!any) {
            reply_rewind(r, mark);
            return;
        }
        reply_raw(r, "\n", 1);
    }
}

enum run_result cmd_LATENCY_GRAPH(struct call *c)
{
    enum latency_event event = latency_find(arg(c, 2));
    if (event == LATENCY_EVENTS || latency_count(event) == 0)
        return reply_errorf(c, "ERR No samples available for event '%.*s'", REPLY_WORD(arg(c, 2)));
    struct graph g = graph_measure(event);
    struct reply r = {0};
    reply_printf(&r,
                 "%s - high %" PRIu64 " ms, low %" PRIu64 " ms (all time high %" PRIu64 " ms)\n",
                 latency_name(event), g.high, g.low, latency_longest_ms(event));
    for (int i = 0; i < GRAPH_COLUMNS; i++) reply_raw(&r, "-", 1);
    reply_raw(&r, "\n", 1);
    graph_draw(&g, &r);
    graph_label(&g, &r, c->now_ms / 1000);
    reply_verbatim(c, bytes_make(r.buf, r.len), "txt");
    reply_release(&r);
    return RUN_OK;
}

/* ---- DOCTOR ---- */

static void doctor_describe(struct reply *r, enum latency_event event)
{
    uint32_t count = latency_count(event);
    double sum = 0, deviation = 0;
    for (uint32_t i = 0; i < count; i++) sum += (double)latency_sample(event, i).ms;
    double mean = sum / count;
    for (uint32_t i = 0; i < count; i++)
        deviation += fabs((double)latency_sample(event, i).ms - mean);
    int64_t span_s = latency_sample(event, count - 1).at_s - latency_sample(event, 0).at_s;
    reply_printf(r,
                 " * %s: in %" PRIu32 " seconds that are kept, %.0f ms on average (deviation %.0f "
                 "ms), %" PRIu64 " ms at most since the start.",
                 latency_name(event), count, mean, deviation / count, latency_longest_ms(event));
    if (count > 1) reply_printf(r, " Every %.1f s on average.", (double)span_s / (count - 1));
    reply_raw(r, "\n", 1);
}

static void doctor_advise(struct reply *r, enum latency_event event, const struct settings *s)
{
    switch (event) {
    case LATENCY_COMMAND:
        reply_printf(r, "   -> SLOWLOG GET tells which commands those were.");
        if (s->slowlog_log_slower_than < 0 ||
            s->slowlog_log_slower_than > s->latency_monitor_threshold * 1000)
            reply_printf(r,
                         " It does not note all of them: CONFIG SET slowlog-log-slower-than "
                         "%" PRId64 " makes it.",
                         s->latency_monitor_threshold * 1000);
        break;
    case LATENCY_FAST_COMMAND:
        reply_printf(r, "   -> These commands do little. What held the server up is the machine: "
                        "too few CPUs for what runs on it (INFO stages, steal time), swapping, or "
                        "huge pages.");
        break;
    case LATENCY_EXPIRE_CYCLE:
        reply_printf(r, "   -> Many keys or large values expired at a time. They go in slices of "
                        "a millisecond with commands in between; deadlines that are spread a "
                        "little make this shorter.");
        break;
    case LATENCY_EVICTION_CYCLE:
    case LATENCY_EVICTION_DEL:
        reply_printf(r, "   -> maxmemory is reached and commands wait until there is room: a "
                        "larger limit, fewer or smaller values, or a lower "
                        "maxmemory-eviction-tenacity help.");
        break;
    case LATENCY_LOG_WRITE:
    case LATENCY_LOG_SYNC:
        reply_printf(r, "   -> The disk is slow, or others use it. Commands are not held up, but "
                        "with appendfsync always their replies wait: a faster disk, one of its "
                        "own, or appendfsync everysec help.");
        break;
    case LATENCY_SNAPSHOT:
        reply_printf(r, "   -> A slice of a snapshot lasted: too few CPUs for what runs on the "
                        "machine, most likely.");
        break;
    case LATENCY_EVENTS: break;
    }
    reply_raw(r, "\n", 1);
}

enum run_result cmd_LATENCY_DOCTOR(struct call *c)
{
    struct reply r = {0};
    bool any = false;
    for (unsigned e = 0; e < LATENCY_EVENTS; e++) {
        enum latency_event event = (enum latency_event)e;
        if (latency_count(event) == 0) continue;
        if (!any) reply_printf(&r, "What took long, as far as the latency monitor saw it:\n\n");
        any = true;
        doctor_describe(&r, event);
        doctor_advise(&r, event, c->settings);
    }
    if (!latency_is_on())
        reply_printf(&r,
                     "%sThe latency monitor is off. CONFIG SET latency-monitor-threshold "
                     "<milliseconds> makes it note what takes so long or longer.\n",
                     any ? "\n" : "");
    else if (!any)
        reply_printf(&r,
                     "Nothing took %" PRId64 " ms or longer since the latency monitor is on or "
                     "was reset.\n",
                     c->settings->latency_monitor_threshold);
    reply_verbatim(c, bytes_make(r.buf, r.len), "txt");
    reply_release(&r);
    return RUN_OK;
}
