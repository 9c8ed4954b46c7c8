/* Each figure is true by itself; between two of them time may have passed for a reader. */
#include "execute/publish.h"

#include "execute/commands/memory.h"
#include "execute/core/loading.h"
#include "execute/core/log_life.h"
#include "execute/core/persistence.h"
#include "execute/core/pubsub.h"
#include "execute/core/session.h"
#include "execute/core/slowlog.h"
#include "execute/core/snapshot.h"
#include "execute/core/stats.h"
#include "execute/core/tracking.h"
#include "execute/core/tracking_table.h"
#include "execute/core/watch.h"
#include "execute/keyspace/keyspace.h"
#include "execute/script/eval_cache.h"
#include "execute/script/function_vm.h"
#include "execute/script/library.h"

static void publish_server(struct execute_figures *f, const struct settings *settings)
{
    counter_set(&f->start_time_ms, (uint64_t)stats()->started_ms);
    counter_set(&f->connected_clients, sessions_count());
    counter_set(&f->blocked_clients, sessions_count_blocked());
    counter_set(&f->maxclients, (uint64_t)settings->maxclients);
    counter_set(&f->memory_used, mem_used());
    counter_set(&f->memory_peak, memory_peak_bytes());
    counter_set(&f->memory_startup, memory_startup_bytes());
    counter_set(&f->memory_max, (uint64_t)settings->maxmemory);
    counter_set(&f->commands, stats()->commands);
    counter_set(&f->connections, stats()->connections);
    counter_set(&f->evicted_clients, stats()->clients_evicted);
    counter_set(&f->error_replies, stats()->error_replies);
    counter_set(&f->denied_logins, stats()->acl_denied_auth);
    counter_set(&f->denied_commands, stats()->acl_denied_command);
    counter_set(&f->denied_keys, stats()->acl_denied_key);
    counter_set(&f->denied_channels, stats()->acl_denied_channel);
    counter_set(&f->changes, stats()->changes_since_save);
    counter_set(&f->slowlog_length, slowlog_count());
    counter_set(&f->slowlog_entries, slowlog_next_entry_id());
}

static void publish_features(struct execute_figures *f)
{
    counter_set(&f->tracking_clients, tracking_client_count());
    counter_set(&f->tracked_keys, tracking_table_count());
    counter_set(&f->pubsub_clients, pubsub_session_count());
    counter_set(&f->watching_clients, watch_session_count());
    counter_set(&f->pubsub_channels, pubsub_name_count(PUBSUB_CHANNEL));
    counter_set(&f->pubsub_patterns, pubsub_name_count(PUBSUB_PATTERN));
    counter_set(&f->pubsub_shard_channels, pubsub_name_count(PUBSUB_SHARD));
    counter_set(&f->scripts, eval_cache_count());
    counter_set(&f->functions, libraries.function_count);
    counter_set(&f->memory_of_vms, eval_cache_vm_bytes() + function_vm_memory());
}

static void publish_persistence(struct execute_figures *f)
{
    struct persistence_figures p = persistence_figures();
    struct log_life_figures l = log_life_figures();
    counter_set(&f->loading, loading_is_on());
    counter_set(&f->saves, p.saves);
    counter_set(&f->save_is_on, p.is_saving);
    counter_set(&f->save_last_s, (uint64_t)p.last_save_s);
    counter_set(&f->save_is_well, !p.last_failed);
    counter_set(&f->save_extra, p.last_extra);
    counter_set(&f->log_is_on, log_life_is_wanted());
    counter_set(&f->log_is_rewritten, l.is_rewriting);
    counter_set(&f->log_rewrite_is_well, !l.last_rewrite_failed);
    counter_set(&f->log_is_well, !l.write_fails);
    counter_set(&f->log_size, l.size);
    counter_set(&f->log_base_size, l.base_size);
    counter_set(&f->log_pending, l.pending);
    counter_set(&f->log_delayed, l.delayed);
    counter_set(&f->snapshot_extra, snapshot_is_on() ? snapshot_figures().extra_bytes : 0);
}

static void publish_keyspace(struct execute_figures *f)
{
    const struct keyspace_stats *ks = keyspace_stats();
    counter_set(&f->hits, ks->hits);
    counter_set(&f->misses, ks->misses);
    counter_set(&f->expired, ks->expired);
    counter_set(&f->evicted, ks->evicted);
    counter_set(&f->lazyfree_pending, keyspace_pending_free());
    for (int i = 0; i < keyspace_db_count() && i < FIGURES_DBS; i++) {
        const struct db *db = keyspace_db(i);
        counter_set(&f->dbs[i][DB_KEYS], db_size(db));
        counter_set(&f->dbs[i][DB_DEADLINES], db_deadline_count(db));
        counter_set(&f->dbs[i][DB_AVERAGE_TTL_MS], (uint64_t)db_average_ttl_ms(db));
    }
}

static void publish_commands(struct execute_figures *f)
{
    for (int id = 0; id < CMD_COUNT; id++) {
        const struct command_stats *s = stats_of((enum command_id)id);
        counter_set(&f->commands_of[id][COMMAND_CALLS], s->calls);
        counter_set(&f->commands_of[id][COMMAND_US], s->ns / 1000);
        counter_set(&f->commands_of[id][COMMAND_REJECTED], s->rejected);
        counter_set(&f->commands_of[id][COMMAND_FAILED], s->failed);
    }
}

void publish_figures(struct execute_figures *f, const struct settings *settings)
{
    publish_server(f, settings);
    publish_features(f);
    publish_persistence(f);
    publish_keyspace(f);
    publish_commands(f);
}
