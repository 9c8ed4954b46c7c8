/*
 * INFO: which sections are shown, and those of them that are short.
 *
 * Names and order of the fields are those that Redis's clients and monitors know. What the server
 * does not do yet is reported as off.
 */
#include "execute/commands/info.h"

#include "base/clock.h"
#include "base/random.h"
#include "execute/commands/table.h"
#include "execute/core/blocking.h"
#include "execute/core/pubsub.h"
#include "execute/core/session.h"
#include "execute/core/stats.h"
#include "execute/core/tracking.h"
#include "execute/core/watch.h"
#include "execute/core/world.h"
#include "msg/conn.h"
#include "release.h"
#include "version.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct world_counters info_base; /* at the last RESETSTAT */
static uint64_t info_cron_ticks;
static char info_id[41]; /* made when first asked for */

void info_int(struct info *info, const char *name, int64_t value)
{
    info_line(info, "%s:%" PRId64, name, value);
}

void info_text(struct info *info, const char *name, const char *value)
{
    info_line(info, "%s:%s", name, value == NULL ? "" : value);
}

void info_zeros(struct info *info, const char *const *names)
{
    for (; *names != NULL; names++) info_line(info, "%s:0", *names);
}

const struct memory_facts *info_memory(struct info *info)
{
    if (!info->has_memory) memory_read_facts(&info->memory, info->used);
    info->has_memory = true;
    return &info->memory;
}

const char *info_human(char out[INFO_HUMAN_CHARS], uint64_t bytes)
{
    static const char units[] = "BKMGTPE";
    double amount = (double)bytes;
    unsigned unit = 0;
    for (; amount >= 1024 && unit + 2 < sizeof(units); unit++) amount /= 1024;
    if (unit == 0)
        snprintf(out, INFO_HUMAN_CHARS, "%" PRIu64 "B", bytes);
    else
        snprintf(out, INFO_HUMAN_CHARS, "%.2f%c", amount, units[unit]);
    return out;
}

/* ---- What execute tells ---- */

void info_cron(uint64_t began_ticks)
{
    memory_sample();
    uint64_t now = clock_ticks();
    stages_sample(now);
    info_cron_ticks += now - began_ticks;
}

uint64_t info_cron_us(void) { return clock_ticks_to_ns(info_cron_ticks) / 1000; }

static struct world_counters info_read_world(void)
{
    struct world_counters now = {0};
    if (world()->counters != NULL) world()->counters(&now);
    return now;
}

void info_reset_stats(void)
{
    info_base = info_read_world();
    info_cron_ticks = 0;
    stages_forget();
}

/* What only grows is counted from the last RESETSTAT on. */
static struct world_counters info_read_counters(void)
{
    struct world_counters c = info_read_world();
    c.net_in -= info_base.net_in;
    c.net_out -= info_base.net_out;
    c.connections_total -= info_base.connections_total;
    c.connections_rejected -= info_base.connections_rejected;
    c.output_limit_cuts -= info_base.output_limit_cuts;
    c.query_limit_cuts -= info_base.query_limit_cuts;
    c.parse_starved -= info_base.parse_starved;
    c.reads -= info_base.reads;
    c.writes -= info_base.writes;
    return c;
}

const char *info_replid(void)
{
    if (info_id[0] == '\0') info_change_replid();
    return info_id;
}

void info_change_replid(void) { random_hex(info_id, 40); }

/* ---- Server ---- */

/* Whom the server told that it is ready: "auto" finds out from the environment. */
static const char *info_supervisor(const struct settings *settings)
{
    switch ((enum supervised)settings->supervised) {
    case SUPERVISED_NO: return "no";
    case SUPERVISED_SYSTEMD: return "systemd";
    case SUPERVISED_UPSTART: return "upstart";
    case SUPERVISED_AUTO: break;
    }
    if (getenv("UPSTART_JOB") != NULL) return "upstart";
    return getenv("NOTIFY_SOCKET") != NULL ? "systemd" : "no";
}

static void info_show_build(struct info *info)
{
    struct utsname os = {0};
    uname(&os);
    info_text(info, "redis_version", BATON_REDIS_VERSION);
    info_text(info, "redis_git_sha1", BATON_GIT_SHA1);
    info_int(info, "redis_git_dirty", BATON_GIT_DIRTY);
    info_text(info, "redis_build_id", BATON_BUILD_ID);
    info_text(info, "redis_mode", "standalone");
    info_text(info, "server_name", "baton");
    info_text(info, "baton_version", BATON_VERSION);
    info_line(info, "os:%s %s %s", os.sysname, os.release, os.machine);
    info_int(info, "arch_bits", (int64_t)(8 * sizeof(void *)));
    info_text(info, "monotonic_clock", clock_has_tsc ? "X86 TSC" : "POSIX clock_gettime");
    info_text(info, "multiplexing_api", world()->io_backend);
    info_text(info, "atomicvar_api", "c11-builtin");
    info_line(info, "gcc_version:%d.%d.%d", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
}

static void info_show_listeners(struct info *info)
{
    const struct settings *settings = info->call->settings;
    int number = 0;
    if (settings->port != 0) {
        reply_printf(&info->text, "listener%d:name=tcp", number++);
        for (int i = 0; i < settings->bind.count; i++)
            reply_printf(&info->text, ",bind=%s", settings->bind.addr[i]);
        info_line(info, ",port=%" PRId64, settings->port);
    }
    if (settings->unixsocket[0] != '\0')
        info_line(info, "listener%d:name=unix,bind=%s", number, settings->unixsocket);
}

static void info_show_server(struct info *info)
{
    const struct settings *settings = info->call->settings;
    int64_t wall_us = clock_wall_us();
    int64_t uptime_s = (wall_us / 1000 - stats()->started_ms) / 1000;
    if (uptime_s < 0) uptime_s = 0;
    info_show_build(info);
    info_int(info, "process_id", getpid());
    info_text(info, "process_supervised", info_supervisor(settings));
    info_text(info, "run_id", world()->run_id);
    info_int(info, "tcp_port", settings->port != 0 ? settings->port : settings->tls_port);
    info_int(info, "server_time_usec", wall_us);
    info_int(info, "uptime_in_seconds", uptime_s);
    info_int(info, "uptime_in_days", uptime_s / 86400);
    info_int(info, "hz", settings->hz);
    info_int(info, "configured_hz", settings->hz);
    info_int(info, "lru_clock", wall_us / 1000000 & 0xffffff);
    info_text(info, "executable", world()->executable);
    info_text(info, "config_file", world()->config_file);
    info_int(info, "io_threads_active", stages_have_io_threads());
    info_show_listeners(info);
}

/* ---- Clients ---- */

static void info_show_clients(struct info *info)
{
    const struct memory_facts *m = info_memory(info);
    info_int(info, "connected_clients", (int64_t)sessions_count());
    info_int(info, "cluster_connections", 0);
    info_int(info, "maxclients", info->call->settings->maxclients);
    info_int(info, "client_recent_max_input_buffer", (int64_t)m->client_input_max);
    info_int(info, "client_recent_max_output_buffer", (int64_t)m->client_output_max);
    info_int(info, "blocked_clients", (int64_t)sessions_count_blocked());
    info_int(info, "tracking_clients", (int64_t)tracking_client_count());
    info_int(info, "pubsub_clients", (int64_t)pubsub_session_count());
    info_int(info, "watching_clients", (int64_t)watch_session_count());
    info_int(info, "clients_in_timeout_table", (int64_t)blocking_timeout_count());
    info_int(info, "total_watched_keys", (int64_t)watch_key_count());
    info_int(info, "total_blocking_keys", (int64_t)blocking_key_count());
    info_int(info, "total_blocking_keys_on_nokey", (int64_t)blocking_gone_count());
}

/* ---- Replication: still to come ---- */

static void info_show_replication(struct info *info)
{
    info_text(info, "role", "master");
    info_int(info, "connected_slaves", 0);
    info_text(info, "master_failover_state", "no-failover");
    info_text(info, "master_replid", info_replid());
    info_text(info, "master_replid2", "0000000000000000000000000000000000000000");
    info_int(info, "master_repl_offset", 0);
    info_int(info, "second_repl_offset", -1);
    info_int(info, "repl_backlog_active", 0);
    info_int(info, "repl_backlog_size", info->call->settings->repl_backlog_size);
    info_int(info, "repl_backlog_first_byte_offset", 0);
    info_int(info, "repl_backlog_histlen", 0);
}

/* ---- CPU, cluster, keyspace ---- */

static void info_show_usage(struct info *info, const char *name, struct timeval t)
{
    info_line(info, "%s:%ld.%06ld", name, (long)t.tv_sec, (long)t.tv_usec);
}

/* The "main thread" is the one that runs commands: the one that runs this. */
static void info_show_cpu(struct info *info)
{
    struct rusage self = {0}, children = {0}, thread = {0};
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    getrusage(RUSAGE_THREAD, &thread);
    info_show_usage(info, "used_cpu_sys", self.ru_stime);
    info_show_usage(info, "used_cpu_user", self.ru_utime);
    info_show_usage(info, "used_cpu_sys_children", children.ru_stime);
    info_show_usage(info, "used_cpu_user_children", children.ru_utime);
    info_show_usage(info, "used_cpu_sys_main_thread", thread.ru_stime);
    info_show_usage(info, "used_cpu_user_main_thread", thread.ru_utime);
}

static void info_show_modules(struct info *info) { (void)info; }

static void info_show_cluster(struct info *info) { info_int(info, "cluster_enabled", 0); }

static void info_show_keyspace(struct info *info)
{
    for (int i = 0; i < keyspace_db_count(); i++) {
        const struct db *db = keyspace_db(i);
        if (db_size(db) == 0) continue;
        info_line(info, "db%d:keys=%" PRIu64 ",expires=%" PRIu64 ",avg_ttl=%" PRId64, i,
                  db_size(db), db_deadline_count(db), db_average_ttl_ms(db));
    }
}

/* ---- Which sections ---- */

enum section_kind {
    SECTION_DEFAULT = 1, /* part of all of them */
    SECTION_DETAIL = 2,  /* of `all` and `everything` */
    SECTION_ASIDE = 4,   /* only by name */
};

static const struct info_section {
    const char *name, *title;
    enum section_kind kind;
    void (*show)(struct info *info);
} info_sections[] = {
    {"server", "Server", SECTION_DEFAULT, info_show_server},
    {"clients", "Clients", SECTION_DEFAULT, info_show_clients},
    {"memory", "Memory", SECTION_DEFAULT, info_show_memory},
    {"persistence", "Persistence", SECTION_DEFAULT, info_show_persistence},
    {"stats", "Stats", SECTION_DEFAULT, info_show_stats},
    {"replication", "Replication", SECTION_DEFAULT, info_show_replication},
    {"cpu", "CPU", SECTION_DEFAULT, info_show_cpu},
    {"modules", "Modules", SECTION_DEFAULT, info_show_modules},
    {"commandstats", "Commandstats", SECTION_DETAIL, info_show_commandstats},
    {"errorstats", "Errorstats", SECTION_DEFAULT, info_show_errorstats},
    {"latencystats", "Latencystats", SECTION_DETAIL, info_show_latencystats},
    {"cluster", "Cluster", SECTION_DEFAULT, info_show_cluster},
    {"keyspace", "Keyspace", SECTION_DEFAULT, info_show_keyspace},
    {"keysizes", "Keysizes", SECTION_ASIDE, info_show_keysizes},
    {"stages", "Stages", SECTION_DETAIL, info_show_stages},
    {"debug", "Debug", SECTION_ASIDE, info_show_debug},
};
enum { SECTIONS = sizeof(info_sections) / sizeof(info_sections[0]) };

static uint32_t info_sections_of(unsigned kinds)
{
    uint32_t chosen = 0;
    for (unsigned i = 0; i < SECTIONS; i++)
        if (info_sections[i].kind & kinds) chosen |= 1u << i;
    return chosen;
}

/* The bits of the sections that a word asks for; words that mean nothing ask for none. */
static uint32_t info_choose(struct bytes word)
{
    if (bytes_is_word(word, "default")) return info_sections_of(SECTION_DEFAULT);
    if (bytes_is_word(word, "all") || bytes_is_word(word, "everything"))
        return info_sections_of(SECTION_DEFAULT | SECTION_DETAIL);
    for (unsigned i = 0; i < SECTIONS; i++)
        if (bytes_is_word(word, info_sections[i].name)) return 1u << i;
    return 0;
}

enum run_result cmd_INFO(struct call *c)
{
    uint32_t chosen = c->nargs == 1 ? info_sections_of(SECTION_DEFAULT) : 0;
    for (uint32_t i = 1; i < c->nargs; i++) chosen |= info_choose(arg(c, i));

    struct info info = {.call = c, .used = mem_used(), .counters = info_read_counters()};
    for (unsigned i = 0; i < SECTIONS; i++) {
        if (!(chosen & 1u << i)) continue;
        if (info.text.len != 0) info_line(&info, "");
        info_line(&info, "# %s", info_sections[i].title);
        info_sections[i].show(&info);
    }
    reply_verbatim(c, bytes_make(info.text.buf, info.text.len), "txt");
    reply_release(&info.text);
    return RUN_OK;
}
