/*
 * Execute's counters.
 *
 * Invariant: the tally of error codes is sorted by code. It is bounded: the codes are ours today,
 * but scripts will choose their own, and a client must not grow the server by inventing errors.
 */
#include "execute/core/stats.h"

#include "execute/core/memory_limit.h"

#include "base/clock.h"
#include "execute/keyspace/keyspace.h"
#include "execute/types/heap.h"

#define STATS_CODES 128
#define STATS_CODE_CHARS 48
#define STATS_SAMPLES 16

struct error_tally {
    char code[STATS_CODE_CHARS];
    size_t len;
    uint64_t count;
};

/* A counter that only grows, and how fast it grew in each of the last intervals. */
struct rate {
    uint64_t last;
    uint64_t samples[STATS_SAMPLES];
    uint64_t sum;
};

struct server_stats stats_server;
struct command_stats stats_commands[CMD_COUNT];
static struct error_tally stats_errors[STATS_CODES];
static size_t stats_error_kinds;
static uint64_t stats_errors_untallied; /* of codes that there was no room for */
static struct rate stats_rates[3];
static unsigned stats_next_sample;
static uint64_t stats_sampled_ms;
enum { RATE_COMMANDS, RATE_IN, RATE_OUT };

void stats_open(void)
{
    stats_server = (struct server_stats){.started_ms = clock_wall_ms()};
    memset(stats_commands, 0, sizeof(stats_commands));
    stats_error_kinds = 0;
    stats_errors_untallied = 0;
    memset(stats_rates, 0, sizeof(stats_rates));
    stats_sampled_ms = 0;
    stats_next_sample = 0;
}

static void stats_clear_commands(void)
{
    for (int i = 0; i < CMD_COUNT; i++) {
        heap_free(stats_commands[i].latency);
        stats_commands[i] = (struct command_stats){0};
    }
}

void stats_close(void) { stats_clear_commands(); }

struct histogram *stats_make_latency(struct command_stats *of)
{
    of->latency = heap_zalloc(sizeof(*of->latency));
    return of->latency;
}

static struct bytes stats_error_code(struct bytes text)
{
    const char *space = text.len == 0 ? NULL : memchr(text.ptr, ' ', text.len);
    if (space != NULL) text.len = (size_t)(space - text.ptr);
    if (text.len > STATS_CODE_CHARS) text.len = STATS_CODE_CHARS;
    return text;
}

void stats_count_error(struct bytes text)
{
    stats_server.error_replies++;
    struct bytes code = stats_error_code(text);
    size_t at = 0;
    for (; at < stats_error_kinds; at++) {
        struct error_tally *e = &stats_errors[at];
        int order = bytes_compare(bytes_make(e->code, e->len), code);
        if (order == 0) {
            e->count++;
            return;
        }
        if (order > 0) break;
    }
    if (stats_error_kinds == STATS_CODES) {
        stats_errors_untallied++;
        return;
    }
    memmove(&stats_errors[at + 1], &stats_errors[at],
            (stats_error_kinds - at) * sizeof(stats_errors[0]));
    stats_error_kinds++;
    stats_errors[at].len = code.len;
    stats_errors[at].count = 1;
    if (code.len != 0) memcpy(stats_errors[at].code, code.ptr, code.len);
}

void stats_each_error(void (*visit)(void *ctx, struct bytes code, uint64_t count), void *ctx)
{
    for (size_t i = 0; i < stats_error_kinds; i++) {
        const struct error_tally *e = &stats_errors[i];
        visit(ctx, bytes_make(e->code, e->len), e->count);
    }
    if (stats_errors_untallied > 0)
        visit(ctx, bytes_of("ERRORSTATS_OVERFLOW"), stats_errors_untallied);
}

void stats_reset(void)
{
    stats_server = (struct server_stats){
        .changes_since_save = stats_server.changes_since_save,
        .started_ms = stats_server.started_ms,
    };
    stats_clear_commands();
    stats_error_kinds = 0;
    stats_errors_untallied = 0;
    memset(stats_rates, 0, sizeof(stats_rates));
    stats_sampled_ms = 0;
    keyspace_reset_stats();
    memory_limit_reset_stats();
}

/* A counter that fell was reset meanwhile: what it holds now has been counted since. */
static void rate_add(struct rate *r, uint64_t now, uint64_t elapsed_ms)
{
    uint64_t grown = now >= r->last ? now - r->last : now;
    uint64_t sample = grown * 1000 / elapsed_ms;
    r->sum += sample - r->samples[stats_next_sample];
    r->samples[stats_next_sample] = sample;
    r->last = now;
}

void stats_sample(uint64_t mono_ms, uint64_t net_in_bytes, uint64_t net_out_bytes)
{
    uint64_t now[3] = {stats_server.commands, net_in_bytes, net_out_bytes};
    if (stats_sampled_ms == 0) {
        for (int i = 0; i < 3; i++) stats_rates[i].last = now[i];
        stats_sampled_ms = mono_ms;
        return;
    }
    if (mono_ms <= stats_sampled_ms) return;
    for (int i = 0; i < 3; i++) rate_add(&stats_rates[i], now[i], mono_ms - stats_sampled_ms);
    stats_sampled_ms = mono_ms;
    stats_next_sample = (stats_next_sample + 1) % STATS_SAMPLES;
}

static uint64_t stats_rate(int which) { return stats_rates[which].sum / STATS_SAMPLES; }

uint64_t stats_rate_commands(void) { return stats_rate(RATE_COMMANDS); }
uint64_t stats_rate_in(void) { return stats_rate(RATE_IN); }
uint64_t stats_rate_out(void) { return stats_rate(RATE_OUT); }
