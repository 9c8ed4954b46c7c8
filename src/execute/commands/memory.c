/*
 * MEMORY, and INFO memory. One set of facts for all of them, so that they cannot disagree.
 */
#include "execute/commands/memory.h"

#include "codec/number.h"
#include "execute/commands/info.h"
#include "execute/commands/table.h"
#include "execute/core/orders.h"
#include "execute/core/snapshot.h"
#include "execute/core/session.h"
#include "execute/script/eval_cache.h"
#include "execute/script/function_vm.h"
#include "execute/script/library.h"
#include "msg/conn.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static size_t memory_peak, memory_startup;

void memory_sample(void)
{
    size_t used = mem_used();
    if (memory_startup == 0) memory_startup = used;
    if (used > memory_peak) memory_peak = used;
}

size_t memory_peak_bytes(void) { return memory_peak; }

size_t memory_startup_bytes(void) { return memory_startup; }

/* ---- The facts ---- */

static void memory_read_clients(struct memory_facts *out)
{
    for (const struct session *s = sessions_first(); s != NULL; s = s->next) {
        const struct conn_card *card = conn_card(s->conn.slot);
        size_t input = (size_t)card->in_held + card->in_room + card->in_args;
        size_t output = card->out_pending;
        out->clients++;
        out->client_memory += session_memory_all(s);
        if (input > out->client_input_max) out->client_input_max = input;
        if (output > out->client_output_max) out->client_output_max = output;
    }
}

/* What is known of scripts and functions, and the VMs that run them. */
static size_t memory_of_scripts(void)
{
    return eval_cache_bytes() + eval_cache_vm_bytes() + libraries_memory(&libraries) +
           function_vm_memory();
}

void memory_read_facts(struct memory_facts *out, size_t used)
{
    memory_sample();
    *out = (struct memory_facts){
        .used = used, .peak = memory_peak, .startup = memory_startup, .rss = mem_rss()};
    mem_totals_read(&out->heap);
    for (int i = 0; i < keyspace_db_count(); i++) {
        out->keys += db_size(keyspace_db(i));
        out->tables += db_table_bytes(keyspace_db(i));
    }
    memory_read_clients(out);
    size_t overhead = out->startup + out->client_memory + out->tables + memory_of_scripts();
    out->overhead = overhead < out->used ? overhead : out->used;
    out->dataset = out->used - out->overhead;
    size_t grown = out->used > out->startup ? out->used - out->startup : 0;
    out->dataset_percent = 100 * memory_ratio(out->dataset, grown);
    out->peak_percent = 100 * memory_ratio(out->used, out->peak);
}

/* ---- INFO memory ---- */

static void memory_show_human(struct info *info, const char *name, size_t bytes)
{
    char human[INFO_HUMAN_CHARS];
    info_line(info, "%s_human:%s", name, info_human(human, bytes));
}

static void memory_show_bytes(struct info *info, const char *name, size_t bytes)
{
    info_line(info, "%s:%zu", name, bytes);
    memory_show_human(info, name, bytes);
}

static void memory_show_used(struct info *info, const struct memory_facts *m)
{
    memory_show_bytes(info, "used_memory", m->used);
    memory_show_bytes(info, "used_memory_rss", m->rss);
    memory_show_bytes(info, "used_memory_peak", m->peak);
    info_line(info, "used_memory_peak_perc:%.2f%%", m->peak_percent);
    info_line(info, "used_memory_overhead:%zu", m->overhead);
    info_line(info, "used_memory_startup:%zu", m->startup);
    info_line(info, "used_memory_dataset:%zu", m->dataset);
    info_line(info, "used_memory_dataset_perc:%.2f%%", m->dataset_percent);
}

static void memory_show_scripts(struct info *info)
{
    size_t eval_vm = eval_cache_vm_bytes(), functions_vm = function_vm_memory();
    size_t scripts = eval_cache_bytes(), functions = libraries_memory(&libraries);
    info_int(info, "used_memory_lua", (int64_t)eval_vm);
    info_int(info, "used_memory_vm_eval", (int64_t)eval_vm);
    memory_show_human(info, "used_memory_lua", eval_vm);
    info_int(info, "used_memory_scripts_eval", (int64_t)scripts);
    info_int(info, "number_of_cached_scripts", (int64_t)eval_cache_count());
    info_int(info, "number_of_functions", libraries.function_count);
    info_int(info, "number_of_libraries", libraries.count);
    info_int(info, "used_memory_vm_functions", (int64_t)functions_vm);
    memory_show_bytes(info, "used_memory_vm_total", eval_vm + functions_vm);
    info_int(info, "used_memory_functions", (int64_t)functions);
    memory_show_bytes(info, "used_memory_scripts", scripts + functions);
}

static void memory_show_ratios(struct info *info, const struct memory_facts *m)
{
    const struct mem_totals *h = &m->heap;
    info_line(info, "allocator_frag_ratio:%.2f", memory_ratio(h->active, h->allocated));
    info_int(info, "allocator_frag_bytes", memory_difference(h->active, h->allocated));
    info_line(info, "allocator_rss_ratio:%.2f", memory_ratio(h->resident, h->active));
    info_int(info, "allocator_rss_bytes", memory_difference(h->resident, h->active));
    info_line(info, "rss_overhead_ratio:%.2f", memory_ratio(m->rss, h->resident));
    info_int(info, "rss_overhead_bytes", memory_difference(m->rss, h->resident));
    info_line(info, "mem_fragmentation_ratio:%.2f", memory_ratio(m->rss, m->used));
    info_int(info, "mem_fragmentation_bytes", memory_difference(m->rss, m->used));
}

static const char *memory_policy(const struct settings *settings)
{
    static const char *const names[] = {
        [POLICY_VOLATILE_LRU] = "volatile-lru",       [POLICY_VOLATILE_LFU] = "volatile-lfu",
        [POLICY_VOLATILE_RANDOM] = "volatile-random", [POLICY_VOLATILE_TTL] = "volatile-ttl",
        [POLICY_ALLKEYS_LRU] = "allkeys-lru",         [POLICY_ALLKEYS_LFU] = "allkeys-lfu",
        [POLICY_ALLKEYS_RANDOM] = "allkeys-random",   [POLICY_NOEVICTION] = "noeviction",
    };
    return names[settings->maxmemory_policy];
}

void info_show_memory(struct info *info)
{
    static const char *const replicas[] = {
        "mem_replication_backlog", "mem_total_replication_buffers", "mem_clients_slaves", NULL};
    const struct memory_facts *m = info_memory(info);
    const struct settings *settings = info->call->settings;
    memory_show_used(info, m);
    info_line(info, "allocator_allocated:%zu", m->heap.allocated);
    info_line(info, "allocator_active:%zu", m->heap.active);
    info_line(info, "allocator_resident:%zu", m->heap.resident);
    memory_show_bytes(info, "total_system_memory",
                      (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE));
    memory_show_scripts(info);
    memory_show_bytes(info, "maxmemory", (size_t)settings->maxmemory);
    info_text(info, "maxmemory_policy", memory_policy(settings));
    memory_show_ratios(info, m);
    info_int(info, "mem_not_counted_for_evict", (int64_t)(orders_bytes() + snapshot_kept_bytes()));
    info_zeros(info, replicas);
    info_line(info, "mem_clients_normal:%zu", m->client_memory);
    info_int(info, "mem_cluster_links", 0);
    info_int(info, "mem_aof_buffer", (int64_t)counter_read(&orders_log_card()->pending));
    info_text(info, "mem_allocator", mem_allocator());
    info_int(info, "active_defrag_running", 0);
    info_int(info, "lazyfree_pending_objects", (int64_t)keyspace_pending_free());
    info_int(info, "lazyfreed_objects", (int64_t)keyspace_freed_later());
}

/* ---- MEMORY STATS ---- */

static void memory_pair(struct call *c, const char *name, int64_t value)
{
    reply_text(c, name);
    reply_int(c, value);
}

static void memory_pair_double(struct call *c, const char *name, double value)
{
    reply_text(c, name);
    reply_double(c, value);
}

/* The index of deadlines is part of the table. Gives how many databases were shown. */
static uint64_t memory_stats_dbs(struct call *c)
{
    uint64_t shown = 0;
    for (int i = 0; i < keyspace_db_count(); i++) {
        const struct db *db = keyspace_db(i);
        if (db_size(db) == 0) continue;
        char name[32];
        snprintf(name, sizeof(name), "db.%d", i);
        reply_text(c, name);
        reply_map(c, 3);
        memory_pair(c, "overhead.hashtable.main", (int64_t)db_table_bytes(db));
        memory_pair(c, "overhead.hashtable.expires", 0);
        memory_pair(c, "overhead.hashtable.slot-to-keys", 0);
        shown++;
    }
    return shown;
}

static uint64_t memory_stats_usage(struct call *c, const struct memory_facts *m)
{
    memory_pair(c, "peak.allocated", (int64_t)m->peak);
    memory_pair(c, "total.allocated", (int64_t)m->used);
    memory_pair(c, "startup.allocated", (int64_t)m->startup);
    memory_pair(c, "replication.backlog", 0);
    memory_pair(c, "clients.slaves", 0);
    memory_pair(c, "clients.normal", (int64_t)m->client_memory);
    memory_pair(c, "cluster.links", 0);
    memory_pair(c, "aof.buffer", 0);
    memory_pair(c, "lua.caches", (int64_t)eval_cache_bytes());
    memory_pair(c, "functions.caches", (int64_t)libraries_memory(&libraries));
    return 10;
}

static uint64_t memory_stats_data(struct call *c, const struct memory_facts *m)
{
    size_t grown = m->used > m->startup ? m->used - m->startup : 0;
    memory_pair(c, "overhead.total", (int64_t)m->overhead);
    memory_pair(c, "keys.count", (int64_t)m->keys);
    memory_pair(c, "keys.bytes-per-key", m->keys == 0 ? 0 : (int64_t)(grown / m->keys));
    memory_pair(c, "dataset.bytes", (int64_t)m->dataset);
    memory_pair_double(c, "dataset.percentage", m->dataset_percent);
    memory_pair_double(c, "peak.percentage", m->peak_percent);
    return 6;
}

static uint64_t memory_stats_heap(struct call *c, const struct memory_facts *m)
{
    const struct mem_totals *h = &m->heap;
    memory_pair(c, "allocator.allocated", (int64_t)h->allocated);
    memory_pair(c, "allocator.active", (int64_t)h->active);
    memory_pair(c, "allocator.resident", (int64_t)h->resident);
    memory_pair_double(c, "allocator-fragmentation.ratio", memory_ratio(h->active, h->allocated));
    memory_pair(c, "allocator-fragmentation.bytes", memory_difference(h->active, h->allocated));
    memory_pair_double(c, "allocator-rss.ratio", memory_ratio(h->resident, h->active));
    memory_pair(c, "allocator-rss.bytes", memory_difference(h->resident, h->active));
    memory_pair_double(c, "rss-overhead.ratio", memory_ratio(m->rss, h->resident));
    memory_pair(c, "rss-overhead.bytes", memory_difference(m->rss, h->resident));
    memory_pair_double(c, "fragmentation", memory_ratio(m->rss, m->used));
    memory_pair(c, "fragmentation.bytes", memory_difference(m->rss, m->used));
    return 11;
}

enum run_result cmd_MEMORY_STATS(struct call *c)
{
    struct memory_facts m;
    memory_read_facts(&m, mem_used());
    size_t mark = reply_defer(c);
    uint64_t pairs = memory_stats_usage(c, &m);
    pairs += memory_stats_dbs(c);
    pairs += memory_stats_data(c, &m);
    pairs += memory_stats_heap(c, &m);
    return reply_defer_map(c, mark, pairs);
}

/* ---- MEMORY DOCTOR ---- */

enum {
    DOCTOR_LEAST = 5 << 20,    /* with less in use nothing can be said */
    DOCTOR_CLIENT = 200 << 10, /* a client that costs more than this is a large one */
    DOCTOR_BYTES = 10 << 20,   /* smaller wastes are not worth a word */
};
#define DOCTOR_PEAK 1.5
#define DOCTOR_RATIO 1.4
#define DOCTOR_HEAP_RATIO 1.1

/* `more` is much more than `less`, by a factor and by an amount. */
static bool doctor_is_much(size_t more, size_t less, double factor)
{
    return memory_ratio(more, less) > factor && more - less > DOCTOR_BYTES;
}

static void doctor_examine(const struct memory_facts *m, struct reply *r)
{
    const struct mem_totals *h = &m->heap;
    if (doctor_is_much(m->peak, m->used, DOCTOR_PEAK))
        reply_printf(r,
                     " * Peak: there was a time when %.1f times as much was in use as now. The "
                     "allocator may keep some of it; if the process stays large, try MEMORY "
                     "PURGE.\n",
                     memory_ratio(m->peak, m->used));
    if (doctor_is_much(m->rss, m->used, DOCTOR_RATIO))
        reply_printf(r,
                     " * Fragmentation: the process occupies %.2f times what it uses. The lines "
                     "below, if any, say where the rest is.\n",
                     memory_ratio(m->rss, m->used));
    if (doctor_is_much(h->active, h->allocated, DOCTOR_HEAP_RATIO))
        reply_printf(r,
                     " * Allocator: pages that are in use are filled to %.0f %% only, as values "
                     "of many sizes came and went.\n",
                     100 * memory_ratio(h->allocated, h->active));
    if (doctor_is_much(h->resident, h->active, DOCTOR_HEAP_RATIO))
        reply_printf(r,
                     " * Free pages: the allocator holds %zu bytes that it could give back. It "
                     "does so in time; MEMORY PURGE does it now.\n",
                     h->resident - h->active);
    if (doctor_is_much(m->rss, h->resident, DOCTOR_HEAP_RATIO))
        reply_printf(r,
                     " * Outside of the allocator: %zu bytes of the process are code, stacks and "
                     "rings of the stages.\n",
                     m->rss - h->resident);
    if (m->clients > 0 && m->client_memory / m->clients > DOCTOR_CLIENT)
        reply_printf(r,
                     " * Clients: on average one costs %" PRIu64 " bytes. Look in CLIENT LIST for "
                     "those with much in qbuf or omem: they send large requests or read slowly.\n",
                     m->client_memory / m->clients);
}

enum run_result cmd_MEMORY_DOCTOR(struct call *c)
{
    struct memory_facts m;
    struct reply r = {0};
    memory_read_facts(&m, mem_used());
    if (m.used < DOCTOR_LEAST) {
        reply_printf(&r,
                     "The server uses less than %d MB, which is too little to tell a good state "
                     "from a bad one. Come back when it holds data.\n",
                     DOCTOR_LEAST >> 20);
    } else {
        doctor_examine(&m, &r);
        if (r.len == 0)
            reply_printf(&r,
                         "All is well: %zu bytes in use, %zu occupied, and nothing that would "
                         "call for a treatment.\n",
                         m.used, m.rss);
    }
    reply_verbatim(c, bytes_make(r.buf, r.len), "txt");
    reply_release(&r);
    return RUN_OK;
}

/* ---- The others ---- */

enum run_result cmd_MEMORY_USAGE(struct call *c)
{
    int64_t samples = 5;
    for (uint32_t i = 3; i < c->nargs; i += 2) {
        if (!call_arg_is(c, i, "samples") || i + 1 >= c->nargs) return reply_syntax(c);
        if (!call_int(c, i + 1, &samples)) return RUN_ERROR;
        if (samples < 0) return reply_syntax(c);
    }
    const struct entry *e = keyspace_find(c->db, call_key(c, 2), LOOKUP_QUIET);
    return e == NULL ? reply_null(c) : reply_int(c, (int64_t)entry_memory(e, (uint64_t)samples));
}

static void memory_put_report(void *ctx, const char *text) { reply_raw(ctx, text, strlen(text)); }

enum run_result cmd_MEMORY_MALLOC_STATS(struct call *c)
{
    struct reply r = {0};
    mem_report(memory_put_report, &r);
    reply_verbatim(c, bytes_make(r.buf, r.len), "txt");
    reply_release(&r);
    return RUN_OK;
}

enum run_result cmd_MEMORY_PURGE(struct call *c)
{
    mem_purge();
    return reply_ok(c);
}

enum run_result cmd_MEMORY_HELP(struct call *c)
{
    static const char *const lines[] = {
        "DOCTOR",
        "    Looks at the figures below and says what is unusual about them.",
        "MALLOC-STATS",
        "    The allocator's own report.",
        "PURGE",
        "    Gives pages that are free back to the system at once.",
        "STATS",
        "    What memory is used for, figure by figure.",
        "USAGE <key> [SAMPLES <count>]",
        "    Bytes that the key, its value and its share of the table take. Of nested values",
        "    <count> elements are measured (default: 5; 0: all).",
        NULL,
    };
    return reply_help(c, lines);
}
