/*
 * INFO persistence. What Redis tells of a child that saves is, here, told of the snapshot in
 * slices: copy-on-write is the memory that it costs beside the data.
 */
#include "execute/commands/info.h"

#include "base/clock.h"
#include "execute/core/loading.h"
#include "execute/core/log_life.h"
#include "execute/core/orders.h"
#include "execute/core/persistence.h"
#include "execute/core/snapshot.h"
#include "execute/core/stats.h"

#include <inttypes.h>

static void info_show_snapshot(struct info *info)
{
    struct snapshot_figures f = {0};
    bool is_on = snapshot_is_on();
    if (is_on) f = snapshot_figures();
    double done = f.keys_total == 0 ? 0 : (double)f.keys_done / (double)f.keys_total;
    int64_t age_s = is_on ? clock_wall_ms() / 1000 - f.begun_ms / 1000 : 0;
    info_int(info, "current_cow_peak", (int64_t)f.extra_peak);
    info_int(info, "current_cow_size", (int64_t)f.extra_bytes);
    info_int(info, "current_cow_size_age", age_s < 0 ? 0 : age_s);
    info_line(info, "current_fork_perc:%.2f", 100 * (done > 1 ? 1 : done));
    info_int(info, "current_save_keys_processed", (int64_t)f.keys_done);
    info_int(info, "current_save_keys_total", (int64_t)f.keys_total);
}

static void info_show_rdb(struct info *info)
{
    struct persistence_figures p = persistence_figures();
    struct loading_figures loading = loading_figures();
    info_int(info, "rdb_changes_since_last_save", (int64_t)stats()->changes_since_save);
    info_int(info, "rdb_bgsave_in_progress", p.is_saving);
    info_int(info, "rdb_bgsave_scheduled", p.is_scheduled);
    info_int(info, "rdb_last_save_time", p.last_save_s);
    info_text(info, "rdb_last_bgsave_status", p.last_failed ? "err" : "ok");
    info_int(info, "rdb_last_bgsave_time_sec", p.last_s);
    info_int(info, "rdb_current_bgsave_time_sec", p.current_s);
    info_int(info, "rdb_saves", (int64_t)p.saves);
    info_int(info, "rdb_last_cow_size", (int64_t)p.last_extra);
    info_int(info, "rdb_last_load_keys_expired", (int64_t)loading.keys_expired);
    info_int(info, "rdb_last_load_keys_loaded", (int64_t)loading.keys_loaded);
}

static void info_show_log(struct info *info)
{
    struct log_life_figures f = log_life_figures();
    info_int(info, "aof_enabled", log_life_is_wanted());
    info_int(info, "aof_rewrite_in_progress", f.is_rewriting);
    info_int(info, "aof_rewrite_scheduled", f.is_scheduled);
    info_int(info, "aof_last_rewrite_time_sec", f.last_rewrite_s);
    info_int(info, "aof_current_rewrite_time_sec", f.current_rewrite_s);
    info_text(info, "aof_last_bgrewrite_status", f.last_rewrite_failed ? "err" : "ok");
    info_int(info, "aof_rewrites", (int64_t)f.rewrites);
    info_int(info, "aof_rewrites_consecutive_failures", (int64_t)f.failures_in_row);
    info_text(info, "aof_last_write_status", f.write_fails ? "err" : "ok");
    info_int(info, "aof_last_cow_size", 0);
    info_int(info, "module_fork_in_progress", 0);
    info_int(info, "module_fork_last_cow_size", 0);
    if (!log_life_is_wanted()) return;
    info_int(info, "aof_current_size", (int64_t)f.size);
    info_int(info, "aof_base_size", (int64_t)f.base_size);
    info_int(info, "aof_pending_rewrite", f.is_scheduled);
    info_int(info, "aof_buffer_length", (int64_t)f.pending);
    info_int(info, "aof_pending_bio_fsync", f.sync_pending);
    info_int(info, "aof_delayed_fsync", (int64_t)f.delayed);
}

static void info_show_loading(struct info *info)
{
    struct loading_figures f = loading_figures();
    if (!loading_is_on()) return;
    double share = f.total_bytes == 0 ? 0 : (double)f.loaded_bytes / (double)f.total_bytes;
    double passed_s = (double)(clock_wall_ms() - f.begun_ms) / 1000;
    double left_s = share > 0 ? passed_s / share - passed_s : 1;
    info_int(info, "loading_start_time", f.begun_ms / 1000);
    info_int(info, "loading_total_bytes", (int64_t)f.total_bytes);
    info_int(info, "loading_rdb_used_mem", (int64_t)f.used_memory);
    info_int(info, "loading_loaded_bytes", (int64_t)f.loaded_bytes);
    info_line(info, "loading_loaded_perc:%.2f", 100 * share);
    info_int(info, "loading_eta_seconds", left_s > 0 ? (int64_t)left_s : 0);
}

void info_show_persistence(struct info *info)
{
    struct snapshot_figures f = snapshot_figures();
    info_int(info, "loading", loading_is_on());
    info_int(info, "async_loading", 0);
    info_show_snapshot(info);
    info_show_rdb(info);
    info_show_log(info);
    info_show_loading(info);
    info_int(info, "snapshot_bytes", (int64_t)f.bytes);
    info_int(info, "snapshot_extra_memory_peak", (int64_t)f.extra_peak);
    info_int(info, "snapshot_keys_saved_by_writes", (int64_t)f.gate_saves);
    info_int(info, "snapshot_held_commands", (int64_t)f.held_commands);
}
