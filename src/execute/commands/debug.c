/*
 * DEBUG: for those who test and take apart the server. Whether it may be used is checked before
 * (enable-debug-command).
 */
#include "execute/commands/debug.h"

#include "base/log.h"
#include "base/must.h"
#include "codec/glob.h"
#include "execute/commands/info.h"
#include "execute/commands/table.h"
#include "execute/core/effect.h"
#include "execute/core/event.h"
#include "execute/core/config_rewrite.h"
#include "execute/core/persistence.h"
#include "execute/script/script.h"
#include "execute/types/dump.h"
#include "execute/types/heap.h"
#include "execute/types/table.h"
#include "execute/types/type.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#ifndef BATON_LIBC_MALLOC
#include <jemalloc/jemalloc.h>
#endif

#define DEBUG_SLEEP_MAX_S 1e9

static bool debug_expiry_off, debug_checksums_off;

bool debug_skips_checksums(void) { return debug_checksums_off; }

/* ---- Time ---- */

static enum run_result debug_sleep(struct call *c)
{
    double seconds;
    if (!call_double(c, 2, &seconds)) return RUN_ERROR;
    if (seconds > DEBUG_SLEEP_MAX_S) return reply_error(c, ERR_OUT_OF_RANGE);
    if (seconds <= 0) return reply_ok(c);
    double whole = floor(seconds);
    struct timespec left = {.tv_sec = (time_t)whole, .tv_nsec = (long)((seconds - whole) * 1e9)};
    while (nanosleep(&left, &left) != 0) must(errno == EINTR);
    return reply_ok(c);
}

/* A paused cron deletes no key either. */
static void debug_apply_expiry(void)
{
    keyspace_set_active_expiry(!debug_expiry_off && !persistence_cron_is_paused());
}

static enum run_result debug_set_active_expire(struct call *c)
{
    int64_t on;
    if (!call_int(c, 2, &on)) return RUN_ERROR;
    debug_expiry_off = on == 0;
    debug_apply_expiry();
    return reply_ok(c);
}

static enum run_result debug_pause_cron(struct call *c)
{
    int64_t paused;
    if (!call_int(c, 2, &paused)) return RUN_ERROR;
    persistence_pause_cron(paused != 0);
    debug_apply_expiry();
    return reply_ok(c);
}

static enum run_result debug_set_disable_deny_scripts(struct call *c)
{
    int64_t on;
    if (!call_int(c, 2, &on)) return RUN_ERROR;
    script_allow_all_commands(on != 0);
    return reply_ok(c);
}

/* ---- Values and tables ---- */

/* Bytes that are counted and forgotten. */
struct debug_counter {
    struct rdb_out out;
    size_t gone;
};

static void debug_count(struct rdb_out *out, size_t want)
{
    struct debug_counter *counter = (struct debug_counter *)out;
    counter->gone += out->len;
    out->len = 0;
    if (out->cap >= want) return;
    heap_free(out->ptr);
    out->ptr = heap_alloc(want);
    out->cap = want;
}

/* What the value takes in a snapshot, without the byte that says its type. */
static size_t debug_serialized_len(const struct call *c, const struct entry *e)
{
    struct debug_counter counter = {
        .out = {.room = debug_count, .compress = c->settings->rdbcompression}};
    dump_value(&counter.out, e, (uint16_t)c->settings->rdb_version);
    heap_free(counter.out.ptr);
    return counter.gone + counter.out.len - 1;
}

static enum run_result debug_object(struct call *c)
{
    const struct entry *e = keyspace_find_due(c->db, call_key(c, 2));
    if (e == NULL) return reply_error(c, ERR_NO_KEY);
    size_t len = debug_serialized_len(c, e);
    int64_t idle_s = entry_idle_ms(e) / 1000;
    char text[512];
    int n = snprintf(text, sizeof(text),
                     "Value at:%p refcount:1 encoding:%s serializedlength:%zu lru:%" PRId64
                     " lru_seconds_idle:%" PRId64 " bytes:%zu",
                     (const void *)e, entry_encoding_name(e), len,
                     (c->now_ms / 1000 - idle_s) & 0xffffff, idle_s, entry_memory(e, 0));
    debug_list_figures(e, text + n, sizeof(text) - (size_t)n);
    return reply_status(c, text);
}

static void debug_print_table(struct reply *r, const struct db *db)
{
    uint64_t slots = db_slot_count(db), keys = db_size(db);
    reply_printf(r, "[Keys]\n");
    if (slots == 0) {
        reply_printf(r, "No table: the database never held a key.\n");
        return;
    }
    reply_printf(r, " table size: %" PRIu64 "\n number of elements: %" PRIu64 "\n", slots, keys);
    reply_printf(r, " filled: %.2f%%\n table bytes: %zu\n", 100 * (double)keys / (double)slots,
                 db_table_bytes(db));
    if (keys > 0)
        reply_printf(r, " table bytes per key: %.2f\n", (double)db_table_bytes(db) / (double)keys);
    reply_printf(r, "[Deadlines]\n number of elements: %" PRIu64 "\n average ttl: %" PRId64 " ms\n",
                 db_deadline_count(db), db_average_ttl_ms(db));
}

static enum run_result debug_htstats(struct call *c)
{
    int64_t number;
    if (!call_int(c, 2, &number)) return RUN_ERROR;
    const struct db *db = keyspace_db(number);
    if (db == NULL) return reply_error(c, "ERR Out of range database");
    struct reply r = {0};
    debug_print_table(&r, db);
    reply_verbatim(c, bytes_make(r.buf, r.len), "txt");
    reply_release(&r);
    return RUN_OK;
}

static enum run_result debug_htstats_key(struct call *c)
{
    const struct entry *e = keyspace_find(c->db, call_key(c, 2), LOOKUP_QUIET);
    if (e == NULL) return reply_error(c, ERR_NO_KEY);
    const struct type_ops *ops = type_of(e);
    const struct table *t = ops != NULL && ops->table != NULL ? ops->table(e) : NULL;
    if (t == NULL)
        return reply_error(c, "ERR The value stored at the specified key is not represented using "
                              "an hash table");
    struct reply r = {0};
    reply_printf(&r, " table size: %" PRIu64 "\n number of elements: %" PRIu64 "\n", t->slots,
                 t->count);
    reply_printf(&r, " table bytes: %zu\n", table_bytes(t));
    reply_verbatim(c, bytes_make(r.buf, r.len), "txt");
    reply_release(&r);
    return RUN_OK;
}

/* POPULATE makes "prefix:0" and so on, each with "value:0" and so on, cut or filled with zeros to
 * `size` bytes when a size is given. */
struct populate {
    struct bytes prefix;
    int64_t count, size;
};

static void debug_populate_one(struct call *c, const struct populate *p, int64_t number,
                               struct reply *scratch)
{
    scratch->len = 0;
    reply_raw(scratch, p->prefix.ptr, p->prefix.len);
    reply_printf(scratch, ":%" PRId64, number);
    size_t name_len = scratch->len;
    reply_printf(scratch, "value:%" PRId64, number);
    size_t value_len = scratch->len - name_len;
    if (p->size > 0) {
        size_t size = (size_t)p->size;
        if (size > value_len) memset(reply_room(scratch, size - value_len), 0, size - value_len);
        value_len = size;
    }
    struct key key = key_make(bytes_make(scratch->buf, name_len));
    if (keyspace_find(c->db, key, LOOKUP_QUIET) != NULL) return;
    keyspace_put_string(c->db, key, bytes_make(scratch->buf + name_len, value_len), DEADLINE_NONE);
    call_touched(c, 0, key);
    effect_begin(c, 3);
    effect_word("SET");
    effect_arg(key.name);
    effect_arg(bytes_make(scratch->buf + name_len, value_len));
}

static enum run_result debug_populate(struct call *c)
{
    struct populate p = {.prefix = bytes_of("key")};
    if (!call_int_range(c, 2, 0, INT64_MAX, ERR_MUST_BE_POSITIVE, &p.count)) return RUN_ERROR;
    if (c->nargs > 3) p.prefix = arg(c, 3);
    if (c->nargs > 4 && !call_int_range(c, 4, 0, INT64_MAX, ERR_MUST_BE_POSITIVE, &p.size))
        return RUN_ERROR;
    if (p.size > c->settings->proto_max_bulk_len) return reply_error(c, ERR_STRING_TOO_LONG);
    struct reply scratch = {0};
    for (int64_t i = 0; i < p.count; i++) debug_populate_one(c, &p, i, &scratch);
    reply_release(&scratch);
    return reply_ok(c);
}

/* Matches a run of `a`s, for patterns that take their time. */
static enum run_result debug_stringmatch_len(struct call *c)
{
    int64_t len;
    if (!call_int_range(c, 2, 0, c->settings->proto_max_bulk_len, NULL, &len)) return RUN_ERROR;
    char *text = heap_alloc((size_t)len + 1);
    memset(text, 'a', (size_t)len);
    bool matches = glob_match(arg(c, 3), bytes_make(text, (size_t)len), false);
    heap_free(text);
    return reply_int(c, matches);
}

/* ---- Words in, words out ---- */

static enum run_result debug_error(struct call *c)
{
    struct bytes text = arg(c, 2);
    return reply_errorf(c, "%.*s", reply_word_len(text, 1 << 20), text.ptr);
}

static enum run_result debug_log(struct call *c)
{
    struct bytes text = arg(c, 2);
    log_warn("DEBUG LOG: %.*s", reply_word_len(text, 1024), text.ptr);
    return reply_ok(c);
}

static enum run_result debug_change_repl_id(struct call *c)
{
    info_change_replid();
    log_note("DEBUG CHANGE-REPL-ID: the replication id is %s from now on", info_replid());
    return reply_ok(c);
}

static enum run_result debug_config_rewrite(struct call *c)
{
    int r = config_rewrite(true);
    if (r == -ENOTSUP) return reply_error(c, "ERR The server is running without a config file");
    if (r != 0)
        return reply_errorf(c, "ERR CONFIG-REWRITE-FORCE-ALL failed: %s", strerrordesc_np(-r));
    return reply_ok(c);
}

/* Replies are built in the buffers of their batches, which go home when they are sent: a client has
 * no buffer of its own that could shrink. The words are checked and accepted. */
static enum run_result debug_replybuffer(struct call *c)
{
    int64_t value;
    bool is_time = call_arg_is(c, 2, "peak-reset-time");
    if (!is_time && !call_arg_is(c, 2, "resizing")) return reply_subcommand(c);
    if (is_time && (call_arg_is(c, 3, "never") || call_arg_is(c, 3, "reset"))) return reply_ok(c);
    return call_int(c, 3, &value) ? reply_ok(c) : RUN_ERROR;
}

/* The table grows and shrinks a segment at a time: there is no resizing to hold up. */
static enum run_result debug_dict_resizing(struct call *c)
{
    int64_t on;
    return call_int(c, 2, &on) ? reply_ok(c) : RUN_ERROR;
}

static enum run_result debug_skip_checksums(struct call *c)
{
    int64_t skip;
    if (!call_int(c, 2, &skip)) return RUN_ERROR;
    debug_checksums_off = skip != 0;
    return reply_ok(c);
}

/* ---- The allocator's own knobs ---- */

#ifndef BATON_LIBC_MALLOC

/* jemalloc's integers have 8, 4 or 1 bytes, and it takes the right size only. */
static enum run_result debug_mallctl(struct call *c)
{
    char name[128];
    int64_t value = 0;
    snprintf(name, sizeof(name), "%.*s", REPLY_WORD(arg(c, 2)));
    bool sets = c->nargs == 4;
    if (sets && !call_int(c, 3, &value)) return RUN_ERROR;
    static const size_t sizes[] = {8, 4, 1};
    int err = EINVAL;
    for (unsigned i = 0; i < 3 && err == EINVAL; i++) {
        int64_t old = 0;
        size_t len = sizes[i];
        err = mallctl(name, &old, &len, sets ? &value : NULL, sets ? sizes[i] : 0);
        if (err == EPERM && sets) err = mallctl(name, NULL, NULL, &value, sizes[i]);
        if (err == 0) return reply_int(c, sets ? value : old);
    }
    return reply_errorf(c, "ERR %s", strerrordesc_np(err));
}

/* VOID as value: the name is an action. */
static enum run_result debug_mallctl_str(struct call *c)
{
    char name[128], text[1024];
    const char *value = text;
    size_t len = sizeof(value);
    int err;
    snprintf(name, sizeof(name), "%.*s", REPLY_WORD(arg(c, 2)));
    if (c->nargs == 3) {
        err = mallctl(name, &value, &len, NULL, 0);
        if (err == 0) return reply_text(c, value);
    } else if (call_arg_is(c, 3, "void")) {
        err = mallctl(name, NULL, NULL, NULL, 0);
    } else {
        snprintf(text, sizeof(text), "%.*s", reply_word_len(arg(c, 3), sizeof(text) - 1),
                 arg(c, 3).ptr);
        err = mallctl(name, NULL, NULL, &value, sizeof(value));
    }
    return err == 0 ? reply_ok(c) : reply_errorf(c, "ERR %s", strerrordesc_np(err));
}

#endif

/* ---- The end ---- */

static enum run_result debug_segfault(struct call *c)
{
    volatile char *page = mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *page = 'x';
    return reply_ok(c);
}

static enum run_result debug_assert(struct call *c)
{
    bool asked_for_by_debug_assert = true;
    must(!asked_for_by_debug_assert);
    return reply_ok(c);
}

static enum run_result debug_panic(struct call *c)
{
    (void)c;
    log_warn("DEBUG PANIC: the server ends because a client asked for it");
    abort();
}

static enum run_result debug_oom(struct call *c)
{
    volatile size_t too_much = SIZE_MAX / 4;
    heap_free(heap_alloc(too_much));
    return reply_ok(c);
}

/* ---- The table ---- */

static const char *const debug_help_lines[] = {
    "AOF-FLUSH-SLEEP <microseconds>",
    "    The append-only log waits so long before it is written; answers do so under",
    "    appendfsync always.",
    "ASSERT",
    "    Fails an assertion: the server ends with a crash report.",
    "CHANGE-REPL-ID",
    "    Gives the data set a new replication id, as if its history had begun now.",
    "CONFIG-REWRITE-FORCE-ALL",
    "    CONFIG REWRITE that writes the options that are at their defaults, too.",
    "DICT-RESIZING <0|1>",
    "    Accepted: tables grow and shrink in small steps, and nothing can hold them up.",
    "DIGEST",
    "    40 hex digits that tell whether two servers hold the same data.",
    "DIGEST-VALUE <key> [<key> ...]",
    "    The same for the values of some keys, whatever the keys' names are.",
    "ERROR <string>",
    "    Answers with an error of this text.",
    "HTSTATS <db>",
    "    The size and the filling of a database's table.",
    "HTSTATS-KEY <key>",
    "    The same for the table of a value that has one.",
    "LISTPACK <key>",
    "    The elements of a value that is kept as a listpack, and where each of them is.",
    "LOADAOF",
    "    Writes the append-only log to the disk, and replaces the data by what it says.",
    "LOG <message>",
    "    Writes the message to the log.",
#ifndef BATON_LIBC_MALLOC
    "MALLCTL <name> [<value>]",
    "    Reads or sets an integer of jemalloc.",
    "MALLCTL-STR <name> [<value>|VOID]",
    "    Reads or sets a string of jemalloc; VOID: starts the action of that name.",
#endif
    "OBJECT <key>",
    "    How the value of a key is kept.",
    "OOM",
    "    Asks for more memory than there can be: the server ends.",
    "PANIC",
    "    Ends the server at once, with a crash report.",
    "PAUSE-CRON <0|1>",
    "    1 stops what the server does by the clock: statistics, timeouts, expiry.",
    "POPULATE <count> [<prefix>] [<size>]",
    "    Creates <count> strings named <prefix>:0 and so on (default: key), of <size> bytes",
    "    if given. Keys that exist stay as they are.",
    "PROTOCOL <type>",
    "    Answers with a value of this type: string, integer, double, bignum, null, array,",
    "    set, map, attrib, push, verbatim, true or false.",
    "QUICKLIST-PACKED-THRESHOLD <size>",
    "    Elements of lists from this size on get a node of their own; 0: as the option says.",
    "RELOAD [MERGE] [NOFLUSH] [NOSAVE]",
    "    Saves the RDB file and replaces the data by what it says. NOSAVE: loads the file that",
    "    is there; NOFLUSH: beside the data; MERGE: keys that exist make way.",
    "REPLYBUFFER PEAK-RESET-TIME <NEVER|RESET|<ms>>",
    "REPLYBUFFER RESIZING <0|1>",
    "    Accepted: clients have no reply buffers of their own here.",
    "SEGFAULT",
    "    Writes to memory that may not be written: the server ends with a crash report.",
    "SET-ACTIVE-EXPIRE <0|1>",
    "    0: keys that are due are deleted only when somebody asks for them.",
    "SET-DISABLE-DENY-SCRIPTS <0|1>",
    "    Lets scripts run commands that are not for them.",
    "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
    "    1: RESTORE does not look at the checksum of its payload.",
    "SLEEP <seconds>",
    "    Stops running commands for so long; parts of a second are allowed.",
    "STRINGMATCH-LEN <length> <pattern>",
    "    1 when the glob-style pattern matches a string of so many a's, else 0.",
    NULL,
};

static enum run_result debug_help(struct call *c) { return reply_help(c, debug_help_lines); }

/* The counts include the two words DEBUG and the name. */
static const struct debug_subcommand {
    const char *name;
    uint32_t least, most;
    command_handler *run;
} debug_subcommands[] = {
    {"help", 2, 2, debug_help},
    {"aof-flush-sleep", 3, 3, debug_flush_sleep},
    {"assert", 2, 2, debug_assert},
    {"change-repl-id", 2, 2, debug_change_repl_id},
    {"config-rewrite-force-all", 2, 2, debug_config_rewrite},
    {"dict-resizing", 3, 3, debug_dict_resizing},
    {"digest", 2, 2, debug_digest},
    {"digest-value", 2, UINT32_MAX, debug_digest_value},
    {"error", 3, 3, debug_error},
    {"htstats", 3, 4, debug_htstats},
    {"htstats-key", 3, 4, debug_htstats_key},
    {"listpack", 3, 3, debug_listpack},
    {"loadaof", 2, 2, debug_loadaof},
    {"log", 3, 3, debug_log},
#ifndef BATON_LIBC_MALLOC
    {"mallctl", 3, 4, debug_mallctl},
    {"mallctl-str", 3, 4, debug_mallctl_str},
#endif
    {"object", 3, 4, debug_object},
    {"oom", 2, 2, debug_oom},
    {"panic", 2, 2, debug_panic},
    {"pause-cron", 3, 3, debug_pause_cron},
    {"set-disable-deny-scripts", 3, 3, debug_set_disable_deny_scripts},
    {"populate", 3, 5, debug_populate},
    {"protocol", 3, 3, debug_protocol},
    {"quicklist-packed-threshold", 3, 3, debug_quicklist_threshold},
    {"reload", 2, 5, debug_reload},
    {"replybuffer", 4, 4, debug_replybuffer},
    {"segfault", 2, 2, debug_segfault},
    {"set-active-expire", 3, 3, debug_set_active_expire},
    {"set-skip-checksum-validation", 3, 3, debug_skip_checksums},
    {"sleep", 3, 3, debug_sleep},
    {"stringmatch-len", 4, 4, debug_stringmatch_len},
};

enum run_result cmd_DEBUG(struct call *c)
{
    for (unsigned i = 0; i < sizeof(debug_subcommands) / sizeof(debug_subcommands[0]); i++) {
        const struct debug_subcommand *s = &debug_subcommands[i];
        if (call_arg_is(c, 1, s->name) && c->nargs >= s->least && c->nargs <= s->most)
            return s->run(c);
    }
    return reply_subcommand(c);
}
