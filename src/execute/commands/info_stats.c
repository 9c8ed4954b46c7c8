/*
 * The sections of INFO that count: stats, commandstats, errorstats, latencystats, and debug, which
 * is shown by name only.
 */
#include "execute/commands/info.h"

#include "codec/number.h"
#include "execute/core/memory_limit.h"
#include "execute/core/pubsub.h"
#include "execute/core/snapshot.h"
#include "execute/core/stats.h"
#include "execute/script/eval_cache.h"
#include "execute/core/tracking_prefix.h"
#include "execute/core/tracking_table.h"

#include <inttypes.h>

/* ---- Stats ---- */

static void info_show_traffic(struct info *info)
{
    static const char *const syncs[] = {"sync_full", "sync_partial_ok", "sync_partial_err", NULL};
    info_int(info, "total_connections_received", (int64_t)stats()->connections);
    info_int(info, "total_commands_processed", (int64_t)stats()->commands);
    info_int(info, "instantaneous_ops_per_sec", (int64_t)stats_rate_commands());
    info_int(info, "total_net_input_bytes", (int64_t)info->counters.net_in);
    info_int(info, "total_net_output_bytes", (int64_t)info->counters.net_out);
    info_int(info, "total_net_repl_input_bytes", 0);
    info_int(info, "total_net_repl_output_bytes", 0);
    info_line(info, "instantaneous_input_kbps:%.2f", (double)stats_rate_in() / 1024);
    info_line(info, "instantaneous_output_kbps:%.2f", (double)stats_rate_out() / 1024);
    info_text(info, "instantaneous_input_repl_kbps", "0.00");
    info_text(info, "instantaneous_output_repl_kbps", "0.00");
    info_int(info, "rejected_connections", (int64_t)info->counters.connections_rejected);
    info_zeros(info, syncs);
}

/* Keys are deleted when they are due, so none is stale and no cycle runs out of time. */
static void info_show_expiry(struct info *info)
{
    static const char *const cycle[] = {"expired_time_cap_reached_count",
                                        "expire_cycle_cpu_milliseconds", NULL};
    const struct keyspace_stats *ks = keyspace_stats();
    const uint64_t *lag = ks->expire_lag_us;
    info_int(info, "expired_keys", (int64_t)ks->expired);
    info_int(info, "expired_keys_lazily", (int64_t)ks->expired_lazily);
    info_int(info, "expired_subkeys", (int64_t)ks->expired_elements);
    info_line(info,
              "expired_lag_usec:p50=%" PRIu64 ",p99=%" PRIu64 ",p99.9=%" PRIu64 ",max=%" PRIu64,
              lag[0], lag[1], lag[2], lag[3]);
    info_text(info, "expired_stale_perc", "0.00");
    info_zeros(info, cycle);
    info_int(info, "evicted_keys", (int64_t)ks->evicted);
    info_int(info, "evicted_clients", (int64_t)stats()->clients_evicted);
    info_int(info, "evicted_scripts", (int64_t)eval_cache_evicted());
    info_int(info, "total_eviction_exceeded_time", (int64_t)memory_limit_exceeded_ms());
    info_int(info, "current_eviction_exceeded_time", (int64_t)memory_limit_exceeding_ms());
    info_int(info, "keyspace_hits", (int64_t)ks->hits);
    info_int(info, "keyspace_misses", (int64_t)ks->misses);
}

/* With I/O threads all reading and writing is theirs. */
static void info_show_io(struct info *info)
{
    int64_t reads = (int64_t)info->counters.reads;
    int64_t writes = (int64_t)info->counters.writes;
    bool threaded = stages_have_io_threads();
    info_int(info, "total_reads_processed", reads);
    info_int(info, "total_writes_processed", writes);
    info_int(info, "io_threaded_reads_processed", threaded ? reads : 0);
    info_int(info, "io_threaded_writes_processed", threaded ? writes : 0);
    info_int(info, "reply_buffer_shrinks", 0);
    info_int(info, "reply_buffer_expands", 0);
    info_int(info, "parse_starved", (int64_t)info->counters.parse_starved);
}

static uint64_t info_commands_us(void)
{
    uint64_t ns = 0;
    for (int id = 0; id < CMD_COUNT; id++) ns += stats_of((enum command_id)id)->ns;
    return ns / 1000;
}

/* The event loop that Redis counts is, here, the turns of execute. */
static void info_show_turns(struct info *info)
{
    struct stages_execute turns;
    stages_read_execute(&turns);
    info_int(info, "eventloop_cycles", (int64_t)turns.turns);
    info_int(info, "eventloop_duration_sum", (int64_t)turns.busy_us);
    info_int(info, "eventloop_duration_cmd_sum", (int64_t)info_commands_us());
    info_int(info, "instantaneous_eventloop_cycles_per_sec", (int64_t)turns.turns_per_second);
    info_int(info, "instantaneous_eventloop_duration_usec", (int64_t)turns.us_per_turn);
}

void info_show_stats(struct info *info)
{
    static const char *const later[] = {
        "slave_expires_tracked_keys", "active_defrag_hits",
        "active_defrag_misses",       "active_defrag_key_hits",
        "active_defrag_key_misses",   "total_active_defrag_time",
        "current_active_defrag_time", NULL,
    };
    info_show_traffic(info);
    info_show_expiry(info);
    info_int(info, "pubsub_channels", (int64_t)pubsub_name_count(PUBSUB_CHANNEL));
    info_int(info, "pubsub_patterns", (int64_t)pubsub_name_count(PUBSUB_PATTERN));
    info_int(info, "pubsubshard_channels", (int64_t)pubsub_name_count(PUBSUB_SHARD));
    info_int(info, "latest_fork_usec", 0); /* a snapshot begins without one */
    info_int(info, "total_forks", (int64_t)snapshot_figures().begun);
    info_int(info, "migrate_cached_sockets", (int64_t)info->counters.courier_connections);
    info_zeros(info, later);
    info_int(info, "tracking_total_keys", (int64_t)tracking_table_count());
    info_int(info, "tracking_total_items", (int64_t)tracking_table_items());
    info_int(info, "tracking_total_prefixes", (int64_t)tracking_prefix_count());
    info_int(info, "unexpected_error_replies", (int64_t)stats()->unexpected_errors);
    info_int(info, "total_error_replies", (int64_t)stats()->error_replies);
    info_int(info, "dump_payload_sanitizations", 0);
    info_show_io(info);
    info_int(info, "client_query_buffer_limit_disconnections",
             (int64_t)(info->counters.query_limit_cuts + stats()->query_limit_cuts));
    info_int(info, "client_output_buffer_limit_disconnections",
             (int64_t)(info->counters.output_limit_cuts + stats()->output_limit_cuts));
    info_show_turns(info);
    info_int(info, "acl_access_denied_auth", (int64_t)stats()->acl_denied_auth);
    info_int(info, "acl_access_denied_cmd", (int64_t)stats()->acl_denied_command);
    info_int(info, "acl_access_denied_key", (int64_t)stats()->acl_denied_key);
    info_int(info, "acl_access_denied_channel", (int64_t)stats()->acl_denied_channel);
}

/* ---- By command, by error ---- */

void info_show_commandstats(struct info *info)
{
    for (int id = 0; id < CMD_COUNT; id++) {
        const struct command_stats *s = stats_of((enum command_id)id);
        if (s->calls + s->rejected + s->failed == 0) continue;
        double each_us = s->calls == 0 ? 0 : (double)s->ns / 1000 / (double)s->calls;
        info_line(info,
                  "cmdstat_%s:calls=%" PRIu64 ",usec=%" PRIu64
                  ",usec_per_call=%.2f,rejected_calls=%" PRIu64 ",failed_calls=%" PRIu64,
                  command_by_id((enum command_id)id)->full, s->calls, s->ns / 1000, each_us,
                  s->rejected, s->failed);
    }
}

/* The code may be a client's own (scripts), so what would end or split the line is not shown. */
static void info_show_error(void *ctx, struct bytes code, uint64_t count)
{
    struct info *info = ctx;
    reply_raw(&info->text, "errorstat_", 10);
    for (size_t i = 0; i < code.len; i++) {
        char ch = code.ptr[i];
        bool splits = ch == '\r' || ch == '\n' || ch == ':' || ch == '\0';
        reply_raw(&info->text, splits ? "_" : &ch, 1);
    }
    info_line(info, ":count=%" PRIu64, count);
}

void info_show_errorstats(struct info *info) { stats_each_error(info_show_error, info); }

void info_show_latencystats(struct info *info)
{
    const struct settings *settings = info->call->settings;
    const struct setting_percentiles *percentiles = &settings->latency_tracking_info_percentiles;
    if (!settings->latency_tracking) return;
    for (int id = 0; id < CMD_COUNT; id++) {
        const struct histogram *h = stats_of((enum command_id)id)->latency;
        if (h == NULL || h->count == 0) continue;
        reply_printf(&info->text,
                     "latency_percentiles_usec_%s:", command_by_id((enum command_id)id)->full);
        for (int i = 0; i < percentiles->count; i++) {
            char at[NUMBER_DOUBLE_CHARS];
            number_print_double(at, percentiles->at[i]);
            double us = (double)histogram_percentile(h, percentiles->at[i]) / 1000;
            reply_printf(&info->text, "%sp%s=%.3f", i == 0 ? "" : ",", at, us);
        }
        info_line(info, "");
    }
}

/* ---- Debug ---- */

void info_show_debug(struct info *info)
{
    struct stages_execute turns;
    stages_read_execute(&turns);
    info_int(info, "eventloop_duration_aof_sum", 0);
    info_int(info, "eventloop_duration_cron_sum", (int64_t)info_cron_us());
    info_int(info, "eventloop_duration_max", (int64_t)turns.longest_us);
    info_int(info, "eventloop_cmd_per_cycle_max", (int64_t)turns.most_commands);
}
