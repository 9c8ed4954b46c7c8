/*
 * One thing is loaded at a time: an RDB file, or the files of a log one after the other, each of
 * which is an RDB file, commands, or both in this order.
 *
 * Invariants: `input` is open while a file is read; `rdb` is begun while part is PART_RDB, `log`
 * while it is PART_LOG. loading_on is true from the beginning to the end, and so is run_replay()
 * while a log is loaded.
 */
#include "execute/core/loading.h"

#include "base/clock.h"
#include "base/log.h"
#include "catalog/settings.h"
#include "execute/core/effect.h"
#include "execute/core/loading_files.h"
#include "execute/core/loading_log.h"
#include "execute/core/loading_rdb.h"
#include "execute/core/run.h"
#include "execute/core/stats.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define LOADING_TELL_NS UINT64_C(5000000000) /* how often the log hears of progress */

enum loading_part { PART_NONE, PART_RDB, PART_LOG };

bool loading_on;
static const char *(*loading_add_functions)(struct bytes code, bool replaces);

static struct {
    void (*done)(int result, const char *reason); /* NULL: within one call */
    const struct call *by;
    bool is_log, merges;
    enum loading_part part;
    struct loading_input input;
    struct loading_rdb rdb;
    struct loading_log log;
    struct loading_files files;
    int file; /* of the log */
    char path[PATH_MAX];
    const char *name;      /* of the file that is read */
    uint64_t bytes_before; /* of the files before it */
    uint64_t changes;      /* stats()->changes_since_save at the beginning */
    uint64_t begun_ns, file_ns, told_ns;
    bool heard; /* effects were */
    char wrong[LOADING_WRONG_CHARS];
} loading;

static struct loading_figures loading_last;

void loading_on_functions(const char *(*add)(struct bytes code, bool replaces))
{
    loading_add_functions = add;
}

/* ---- Beginning and end ---- */

static double loading_seconds_since(uint64_t ns) { return (double)(clock_mono_ns() - ns) / 1e9; }

static void loading_start(bool is_log, uint64_t total_bytes)
{
    loading.is_log = is_log;
    loading.file = 0;
    loading.bytes_before = 0;
    loading.wrong[0] = '\0';
    loading.begun_ns = loading.file_ns = loading.told_ns = clock_mono_ns();
    loading.changes = stats()->changes_since_save;
    loading.heard = effect_is_heard();
    if (loading.heard) effect_listen(false);
    loading_last.begun_ms = clock_wall_ms();
    loading_last.total_bytes = total_bytes;
    loading_last.loaded_bytes = 0;
    loading_last.used_memory = 0;
    loading_last.is_log = is_log;
    loading_last.truncated_bytes = 0;
    loading_on = true;
    if (is_log) run_replay(true);
    run_look_again();
}

/* What was being read is closed. */
static void loading_let_go(void)
{
    if (loading.part == PART_RDB) loading_rdb_end(&loading.rdb);
    if (loading.part == PART_LOG) loading_log_end(&loading.log);
    loading.part = PART_NONE;
    loading_input_close(&loading.input);
    loading_files_close(&loading.files);
}

static void loading_stop(void)
{
    loading_let_go();
    if (!loading_on) return;
    stats()->changes_since_save = loading.changes;
    loading_on = false;
    if (loading.is_log) run_replay(false);
    if (loading.heard) effect_listen(true);
    run_look_again();
}

static enum loading_result loading_fail(const char *reason)
{
    return loading_wrong(loading.wrong, "%s", reason);
}

/* ---- RDB ---- */

static void loading_begin_rdb(void)
{
    const struct settings *s = settings_now();
    struct loading_rdb_terms terms = {
        .is_log_base = loading.is_log,
        .merges = loading.merges,
        .checks_sum = s->rdbchecksum,
        .is_lfu = policy_is_lfu(s->maxmemory_policy),
        .databases = keyspace_db_count(),
        .now_ms = clock_wall_ms(),
        .add_functions = loading_add_functions,
    };
    loading_rdb_begin(&loading.rdb, &terms, &loading.input);
    loading.part = PART_RDB;
}

static void loading_tell_keys(const struct loading_rdb *r)
{
    loading_last.keys_loaded = r->keys;
    loading_last.keys_expired = r->expired;
    if (r->empty > 0)
        log_note("Done loading RDB, keys loaded: %" PRIu64 ", keys expired: %" PRIu64
                 ", empty keys skipped: %" PRIu64 ".",
                 r->keys, r->expired, r->empty);
    else
        log_note("Done loading RDB, keys loaded: %" PRIu64 ", keys expired: %" PRIu64 ".", r->keys,
                 r->expired);
}

/* Where and why. What is no RDB file at all has no place that is of interest. */
static enum loading_result loading_fail_rdb(const struct loading_rdb *r)
{
    uint64_t offset = loading_input_offset(&loading.input);
    if (r->wrong_format) return loading_fail(r->wrong);
    if (strncmp(r->wrong, "Unexpected EOF", 14) == 0)
        log_warn("Short read or OOM loading DB. Unrecoverable error, aborting now.");
    log_warn("Internal error in RDB reading offset %" PRIu64 " -> %s", offset, r->wrong);
    if (r->type >= 0)
        log_warn("--- RDB ERROR DETECTED --- in key '%.*s' of type %d: %s", LOADING_WORD(r->key),
                 r->type, r->wrong);
    return loading_fail("Terminating server after rdb file reading failure.");
}

/* An RDB file is over; in a file of a log commands may follow. */
static enum loading_result loading_after_rdb(void)
{
    loading_tell_keys(&loading.rdb);
    loading_rdb_end(&loading.rdb);
    loading.part = PART_NONE;
    if (!loading.is_log) {
        log_note("DB loaded from disk: %.3f seconds", loading_seconds_since(loading.begun_ns));
        return LOADING_DONE;
    }
    loading_log_begin(&loading.log, &loading.input, loading.name, loading.by);
    loading.part = PART_LOG;
    return LOADING_MORE;
}

static enum loading_result loading_step_rdb(const struct loading_slice *slice)
{
    enum loading_result r = loading_rdb_step(&loading.rdb, slice);
    loading_last.used_memory = loading.rdb.used_memory;
    loading_last.keys_loaded = loading.rdb.keys;
    loading_last.keys_expired = loading.rdb.expired;
    if (r == LOADING_DONE) return loading_after_rdb();
    if (r != LOADING_FAILED) return r;
    loading_fail_rdb(&loading.rdb);
    if (loading.is_log)
        log_warn("Error reading the RDB part of the AOF file %s, AOF loading aborted",
                 loading.name);
    return LOADING_FAILED;
}

/* ---- The log ---- */

static bool loading_is_last_file(void)
{
    return loading.file + 1 == loading_files_count(&loading.files);
}

/* Begins the next file. LOADING_DONE: there is none. */
static enum loading_result loading_begin_file(void)
{
    const struct manifest_file *file = loading_files_at(&loading.files, loading.file);
    if (file == NULL) return LOADING_DONE;
    const struct settings *s = settings_now();
    loading.name = file->name;
    loading.file_ns = clock_mono_ns();
    snprintf(loading.path, sizeof(loading.path), "%s/%s", s->appenddirname, file->name);
    int r = loading_input_open(&loading.input, loading.path);
    if (r != 0)
        return loading_wrong(loading.wrong,
                             "Fatal error: can't open the append log file %s for reading: %s",
                             file->name, strerrordesc_np(-r));
    struct loading_input *in = &loading.input;
    while (loading_input_left(in) < 5 && loading_input_more(in)) continue; /* a read may be short */
    if (loading_input_left(in) >= 5 && memcmp(in->at, "REDIS", 5) == 0) {
        bool is_old = strcmp(file->name, s->appendfilename) == 0;
        log_note(is_old ? "Reading RDB preamble from AOF file..."
                        : "Reading RDB base file on AOF loading...");
        loading_begin_rdb();
    } else {
        loading_log_begin(&loading.log, in, file->name, loading.by);
        loading.part = PART_LOG;
    }
    return LOADING_MORE;
}

/* A file is over. */
static enum loading_result loading_after_file(void)
{
    bool is_base = loading_files_at(&loading.files, loading.file)->type == MANIFEST_BASE;
    if (loading.input.size > 0)
        log_note("DB loaded from %s file %s: %.3f seconds", is_base ? "base" : "incr", loading.name,
                 loading_seconds_since(loading.file_ns));
    if (loading.log.failed > 0)
        log_warn("%" PRIu64 " commands of the append only file %s answered errors",
                 loading.log.failed, loading.name);
    loading_log_end(&loading.log);
    loading.part = PART_NONE;
    loading.bytes_before += loading.input.size;
    loading_input_close(&loading.input);
    loading.file++;
    enum loading_result r = loading_begin_file();
    if (r == LOADING_DONE)
        log_note("DB loaded from append only file: %.3f seconds",
                 loading_seconds_since(loading.begun_ns));
    return r;
}

/* The file ends in the middle of something: that is no fault of the last one, if the settings say
 * so. */
static enum loading_result loading_fail_log(void)
{
    const struct loading_log *l = &loading.log;
    uint64_t good = l->good_offset;
    if (!l->is_cut_off || !settings_now()->aof_load_truncated) return loading_fail(l->wrong);
    if (!loading_is_last_file())
        return loading_fail("Fatal error: the truncated file is not the last file");
    log_warn("!!! Warning: short read while loading the AOF file %s!!!", loading.name);
    log_warn("!!! Truncating the AOF %s at offset %" PRIu64 " !!!", loading.name, good);
    int r = loading_files_cut(loading.path, good);
    if (r != 0) {
        log_warn("Error truncating the AOF file %s: %s", loading.name, strerrordesc_np(-r));
        return loading_fail(l->wrong);
    }
    log_warn("AOF %s loaded anyway because aof-load-truncated is enabled", loading.name);
    loading_last.truncated_bytes = loading.input.size - good;
    return loading_after_file();
}

static enum loading_result loading_step_log(const struct loading_slice *slice)
{
    enum loading_result r = loading_log_step(&loading.log, slice);
    if (r == LOADING_DONE) return loading_after_file();
    return r == LOADING_FAILED ? loading_fail_log() : r;
}

/* ---- Slices ---- */

static void loading_tell_progress(void)
{
    uint64_t now_ns = clock_mono_ns();
    if (now_ns - loading.told_ns < LOADING_TELL_NS) return;
    loading.told_ns = now_ns;
    uint64_t total = loading_last.total_bytes == 0 ? 1 : loading_last.total_bytes;
    log_note("Loading: %.1f of %.1f MB (%.0f%%) after %.0f seconds",
             (double)loading_last.loaded_bytes / (1 << 20), (double)total / (1 << 20),
             (double)loading_last.loaded_bytes * 100 / (double)total,
             loading_seconds_since(loading.begun_ns));
}

static enum loading_result loading_slice(uint64_t budget_us)
{
    const struct settings *s = settings_now();
    struct loading_slice slice = {
        .until_ticks = UINT64_MAX, .until_offset = UINT64_MAX, .key_delay_us = s->key_load_delay};
    if (budget_us != UINT64_MAX) {
        slice.until_ticks = clock_ticks() + clock_ns_to_ticks(budget_us * 1000);
        slice.until_offset = loading_input_offset(&loading.input) +
                             (uint64_t)s->loading_process_events_interval_bytes;
    }
    enum loading_result r =
        loading.part == PART_RDB ? loading_step_rdb(&slice) : loading_step_log(&slice);
    if (r == LOADING_MORE) {
        loading_last.loaded_bytes = loading.bytes_before + loading_input_offset(&loading.input);
        loading_tell_progress();
    }
    return r;
}

/* Opens what is to be loaded. LOADING_DONE: there is nothing. */
static enum loading_result loading_open_rdb(const char *path)
{
    int r = loading_input_open(&loading.input, path);
    if (r == -ENOENT) return LOADING_DONE;
    if (r != 0)
        return loading_wrong(loading.wrong,
                             "Fatal error: can't open the RDB file %s for reading: %s", path,
                             strerrordesc_np(-r));
    loading_start(false, loading.input.size);
    loading_begin_rdb();
    return LOADING_MORE;
}

static enum loading_result loading_open_log(void)
{
    const struct settings *s = settings_now();
    loading_last.is_log = true;
    int r = loading_files_open(&loading.files, s->appenddirname, s->appendfilename);
    if (r < 0) return loading_fail(loading.files.wrong);
    if (r == 0) {
        loading_files_close(&loading.files);
        return LOADING_DONE;
    }
    loading_start(true, loading.files.total_bytes);
    return loading_begin_file();
}

static enum loading_result loading_open_any(void)
{
    const struct settings *s = settings_now();
    if (s->appendonly) {
        enum loading_result r = loading_open_log();
        if (r != LOADING_DONE) return r;
        loading_last.is_log = false;
    }
    return loading_open_rdb(s->dbfilename);
}

/* After a failure loading stays on: the server is about to end, and until then nobody is to see
 * what was loaded, nor is it to be saved. */
static void loading_finish(enum loading_result r)
{
    void (*done)(int result, const char *reason) = loading.done;
    loading.done = NULL;
    if (r == LOADING_DONE) {
        loading_last.loaded_bytes = loading_last.total_bytes;
        loading_stop();
        done(0, NULL);
        return;
    }
    loading_let_go();
    loading_on = true;
    run_look_again();
    done(-EINVAL, loading.wrong);
}

void loading_begin(void (*done)(int result, const char *reason))
{
    loading.done = done;
    loading.by = NULL;
    loading.merges = false;
    loading.wrong[0] = '\0';
    enum loading_result r = loading_open_any();
    if (r != LOADING_MORE) loading_finish(r);
}

bool loading_step(uint64_t budget_us)
{
    if (loading.done == NULL) return false;
    enum loading_result r = loading_slice(budget_us);
    if (r == LOADING_MORE) return true;
    loading_finish(r);
    return false;
}

void loading_close(void)
{
    if (loading_on) loading_stop();
    loading.done = NULL;
}

/* ---- Within one call ---- */

static int loading_all(enum loading_result r, char *error, size_t error_len)
{
    while (r == LOADING_MORE) r = loading_slice(UINT64_MAX);
    loading_last.loaded_bytes = loading_last.total_bytes;
    loading_stop();
    if (r == LOADING_DONE) return 0;
    log_warn("%s", loading.wrong);
    snprintf(error, error_len, "%s", loading.wrong);
    return -EINVAL;
}

static bool loading_may_begin(char *error, size_t error_len)
{
    loading.wrong[0] = '\0';
    if (!loading_on) return true;
    snprintf(error, error_len, "something is being loaded already");
    return false;
}

int loading_rdb_now(const char *path, bool merges, char *error, size_t error_len)
{
    if (!loading_may_begin(error, error_len)) return -EBUSY;
    loading.by = NULL;
    loading.merges = merges;
    return loading_all(loading_open_rdb(path), error, error_len);
}

int loading_log_now(const struct call *by, char *error, size_t error_len)
{
    if (!loading_may_begin(error, error_len)) return -EBUSY;
    loading.by = by;
    loading.merges = false;
    return loading_all(loading_open_log(), error, error_len);
}

struct loading_figures loading_figures(void) { return loading_last; }
