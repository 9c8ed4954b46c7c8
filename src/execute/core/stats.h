/*
 * Execute's counters: of commands, of errors, of the server as a whole. Plain integers of execute.
 */
#ifndef EXECUTE_CORE_STATS_H
#define EXECUTE_CORE_STATS_H

#include "execute/execute_private.h"

#include "base/bytes.h"
#include "base/histogram.h"
#include "base/must.h"
#include "catalog/command.h"

struct command_stats {
    uint64_t calls, rejected, failed;
    uint64_t ns;               /* total time in handlers */
    struct histogram *latency; /* ns; NULL until latency tracking saw the command */
};

struct server_stats {
    uint64_t commands;      /* total_commands_processed */
    uint64_t connections;   /* total_connections_received */
    uint64_t error_replies; /* total_error_replies */
    uint64_t unexpected_errors;
    uint64_t changes_since_save;
    uint64_t reply_bytes_big;   /* replies that needed a buffer of their own */
    uint64_t output_limit_cuts; /* client_output_buffer_limit_disconnections */
    uint64_t query_limit_cuts;  /* client_query_buffer_limit_disconnections */
    uint64_t clients_evicted;
    uint64_t acl_denied_auth, acl_denied_command, acl_denied_key, acl_denied_channel;
    int64_t started_ms; /* wall */
};

void stats_open(void);
void stats_close(void);

/* For the inline functions below only. */
extern struct server_stats stats_server;
extern struct command_stats stats_commands[CMD_COUNT];

static inline struct server_stats *stats(void) { return &stats_server; }
static inline struct command_stats *stats_of(enum command_id id) { return &stats_commands[id]; }
struct histogram *stats_make_latency(struct command_stats *of);
/* One more run of a command took `ns`. */
static inline void stats_record_latency(struct command_stats *of, uint64_t ns)
{
    struct histogram *h = of->latency;
    if (unlikely(h == NULL)) h = stats_make_latency(of);
    histogram_add(h, ns);
}

/* An error reply was sent: `text` starts with its code ("ERR", "WRONGTYPE", ...). */
void stats_count_error(struct bytes text);
/* Walks errorstats in the order of name; codes beyond the bound are one, at the end. */
void stats_each_error(void (*visit)(void *ctx, struct bytes code, uint64_t count), void *ctx);
/* CONFIG RESETSTAT, the keyspace's counters included; changes since the last save and the time of
 * start stay. */
void stats_reset(void);

/* Rates per second, sampled by stats_sample() from execute's cron, 10 times a second: the mean of
 * 16 samples. */
void stats_sample(uint64_t mono_ms, uint64_t net_in_bytes, uint64_t net_out_bytes);
uint64_t stats_rate_commands(void);
uint64_t stats_rate_in(void);
uint64_t stats_rate_out(void);

#endif
