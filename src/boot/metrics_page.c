/* Families without labels stand in catalog/metrics.def; those with labels follow them here. */
#include "boot/metrics_page.h"

#include "base/clock.h"
#include "flow/stage.h"
#include "mem/arena.h"
#include "release.h"
#include "version.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>

struct page {
    char *buf;
    size_t len, room;
};

static void page_line(struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void page_line(struct page *p, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(p->buf + p->len, p->room - p->len, fmt, args);
    va_end(args);
    if (n > 0 && (size_t)n < p->room - p->len) p->len += (size_t)n;
}

static void page_head(struct page *p, const char *name, const char *type, const char *help)
{
    page_line(p, "# HELP %s %s.\n", name, help);
    page_line(p, "# TYPE %s %s\n", name, type);
}

/* The end of a line: `value` of which `unit`, a power of ten, are one. */
static void page_value(struct page *p, uint64_t value, uint64_t unit)
{
    int digits = 0;
    for (uint64_t u = unit; u > 1; u /= 10) digits++;
    if (digits == 0)
        page_line(p, " %" PRIu64 "\n", value);
    else
        page_line(p, " %" PRIu64 ".%0*" PRIu64 "\n", value / unit, digits, value % unit);
}

/* ---- Without labels ---- */

enum metric {
#define METRIC(member, ...) METRIC_##member,
#include "catalog/metrics.def"
    METRIC_COUNT
};

static const struct {
    const char *name, *type;
    uint64_t unit;
    const char *help;
} page_metrics[METRIC_COUNT] = {
#define METRIC(member, name, type, unit, help) {name, type, unit, help},
#include "catalog/metrics.def"
};

static void page_read_execute(uint64_t values[METRIC_COUNT], const struct execute_figures *f)
{
#define METRIC(member, ...) values[METRIC_##member] = counter_read(&f->member);
#include "catalog/metrics.def"
}

static uint64_t page_us(struct timeval t) { return (uint64_t)t.tv_sec * 1000000 + t.tv_usec; }

static void page_read_others(uint64_t values[METRIC_COUNT], const struct metrics_sources *from)
{
    struct world_counters c = {0};
    struct rusage usage = {0};
    from->counters(&c);
    getrusage(RUSAGE_SELF, &usage);
    values[METRIC_memory_rss] = mem_rss();
    values[METRIC_cpu_system_us] = page_us(usage.ru_stime);
    values[METRIC_cpu_user_us] = page_us(usage.ru_utime);
    values[METRIC_net_in] = c.net_in;
    values[METRIC_net_out] = c.net_out;
    values[METRIC_rejected] = c.connections_rejected;
    values[METRIC_output_cuts] = c.output_limit_cuts;
    values[METRIC_query_cuts] = c.query_limit_cuts;
    values[METRIC_out_pending] = c.out_pending;
    values[METRIC_reads] = c.reads;
    values[METRIC_writes] = c.writes;
}

static void page_show_plain(struct page *p, const struct metrics_sources *from)
{
    uint64_t values[METRIC_COUNT] = {0};
    page_read_execute(values, from->figures);
    page_read_others(values, from);
    for (unsigned m = 0; m < METRIC_COUNT; m++) {
        page_head(p, page_metrics[m].name, page_metrics[m].type, page_metrics[m].help);
        page_line(p, "%s", page_metrics[m].name);
        page_value(p, values[m], page_metrics[m].unit);
    }
    uint64_t now_ms = (uint64_t)clock_wall_ms();
    uint64_t since_ms = values[METRIC_start_time_ms];
    page_head(p, "redis_uptime_in_seconds", "gauge", "Time since the start");
    page_line(p, "redis_uptime_in_seconds");
    page_value(p, now_ms > since_ms && since_ms != 0 ? now_ms - since_ms : 0, 1000);
    page_head(p, "redis_up", "gauge", "1: the server answers");
    page_line(p, "redis_up 1\n");
    page_head(p, "redis_instance_info", "gauge", "What server this is");
    page_line(p, "redis_instance_info{redis_version=\"%s\",redis_build_id=\"%s\",",
              BATON_REDIS_VERSION, BATON_BUILD_ID);
    page_line(p, "redis_mode=\"standalone\",role=\"master\",baton_version=\"%s\"} 1\n",
              BATON_VERSION);
}

/* ---- Databases ---- */

static void page_show_dbs(struct page *p, const struct execute_figures *f)
{
    static const struct {
        const char *name, *help;
        uint64_t unit;
    } families[DB_FIGURES] = {
        [DB_KEYS] = {"redis_db_keys", "Keys of a database; empty ones are not shown", 1},
        [DB_DEADLINES] = {"redis_db_keys_expiring", "Of them those with a deadline", 1},
        [DB_AVERAGE_TTL_MS] = {"redis_db_avg_ttl_seconds", "How far away deadlines are on average",
                               1000},
    };
    for (unsigned n = 0; n < DB_FIGURES; n++) {
        page_head(p, families[n].name, "gauge", families[n].help);
        for (unsigned i = 0; i < FIGURES_DBS; i++) {
            if (counter_read(&f->dbs[i][DB_KEYS]) == 0) continue;
            page_line(p, "%s{db=\"db%u\"}", families[n].name, i);
            page_value(p, counter_read(&f->dbs[i][n]), families[n].unit);
        }
    }
}

/* ---- Commands ---- */

static void page_show_commands(struct page *p, const struct execute_figures *f)
{
    static const struct {
        const char *name, *help;
        uint64_t unit;
    } families[COMMAND_FIGURES] = {
        [COMMAND_CALLS] = {"redis_commands_total", "Calls of a command", 1},
        [COMMAND_US] = {"redis_commands_duration_seconds_total", "Time that they took", 1000000},
        [COMMAND_REJECTED] = {"redis_commands_rejected_calls_total", "Requests that did not run",
                              1},
        [COMMAND_FAILED] = {"redis_commands_failed_calls_total", "Calls answered with an error", 1},
    };
    for (unsigned n = 0; n < COMMAND_FIGURES; n++) {
        page_head(p, families[n].name, "counter", families[n].help);
        for (unsigned id = 0; id < CMD_COUNT; id++) {
            const struct counter *of = f->commands_of[id];
            if (counter_read(&of[COMMAND_CALLS]) + counter_read(&of[COMMAND_REJECTED]) == 0)
                continue;
            page_line(p, "%s{cmd=\"%s\"}", families[n].name,
                      command_by_id((enum command_id)id)->full);
            page_value(p, counter_read(&of[n]), families[n].unit);
        }
    }
}

/* ---- Stages ---- */

struct stage_metric {
    const char *name, *type, *help;
    uint64_t (*read)(const struct stage_figures *f);
    uint64_t unit;
};

static uint64_t stage_turns(const struct stage_figures *f) { return f->turns; }
static uint64_t stage_lent(const struct stage_figures *f) { return f->turns_lent; }
static uint64_t stage_items(const struct stage_figures *f) { return f->items; }
static uint64_t stage_wakes(const struct stage_figures *f) { return f->wakes; }
static uint64_t stage_waiting(const struct stage_figures *f) { return f->depth; }
static uint64_t stage_busy_us(const struct stage_figures *f)
{
    return clock_ticks_to_ns(f->busy_ticks) / 1000;
}
static uint64_t stage_p50(const struct stage_figures *f) { return f->handoff_p50_ns; }
static uint64_t stage_p99(const struct stage_figures *f) { return f->handoff_p99_ns; }

static const struct stage_metric page_stage_metrics[] = {
    {"baton_stage_turns_total", "counter", "Turns of a stage", stage_turns, 1},
    {"baton_stage_turns_lent_total", "counter", "Of them those that another thread ran", stage_lent,
     1},
    {"baton_stage_items_total", "counter", "What it did: commands, replies, connections",
     stage_items, 1},
    {"baton_stage_wakes_total", "counter", "Wake-ups of its home", stage_wakes, 1},
    {"baton_stage_busy_seconds_total", "counter", "Time in its turns", stage_busy_us, 1000000},
    {"baton_stage_depth", "gauge", "Batches that wait for its turn", stage_waiting, 1},
    {"baton_stage_handoff_p50_seconds", "gauge", "From hand-over to turn, median", stage_p50,
     1000000000},
    {"baton_stage_handoff_p99_seconds", "gauge", "From hand-over to turn, 99th percentile",
     stage_p99, 1000000000},
};
enum { STAGE_METRICS = sizeof(page_stage_metrics) / sizeof(page_stage_metrics[0]) };

static void page_show_stages(struct page *p)
{
    struct stage_figures figures[STAGES_MAX];
    unsigned stages = stage_count();
    for (unsigned i = 0; i < stages; i++) stage_read_figures(stage_at(i), &figures[i]);
    for (unsigned m = 0; m < STAGE_METRICS; m++) {
        const struct stage_metric *metric = &page_stage_metrics[m];
        page_head(p, metric->name, metric->type, metric->help);
        for (unsigned i = 0; i < stages; i++) {
            page_line(p, "%s{stage=\"%s\"}", metric->name, stage_at(i)->name);
            page_value(p, metric->read(&figures[i]), metric->unit);
        }
    }
}

size_t metrics_page(const struct metrics_sources *from, char *out, size_t room)
{
    struct page p = {.buf = out, .room = room};
    page_show_plain(&p, from);
    page_show_dbs(&p, from->figures);
    page_show_commands(&p, from->figures);
    page_show_stages(&p);
    return p.len;
}
