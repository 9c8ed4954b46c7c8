/*
 * Invariants: at most one background save is on, from snapshot_begin() to its done(); a rewrite of
 * the log is a snapshot, too, and the two wait for each other. Times between saves are taken from
 * the monotonic clock, so that a wall clock that is set does not hold saves up.
 */
#include "execute/core/persistence.h"

#include "base/clock.h"
#include "base/log.h"
#include "catalog/error.h"
#include "execute/core/latency.h"
#include "execute/core/loading.h"
#include "execute/core/log_life.h"
#include "execute/core/orders.h"
#include "execute/core/run.h"
#include "execute/core/shutdown.h"
#include "execute/core/snapshot.h"
#include "execute/core/stats.h"
#include "execute/core/temp_files.h"
#include "execute/core/world.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    PERSISTENCE_RETRY_MS = 4500, /* after a save that failed: within 5 s */
    PERSISTENCE_SLICE_US = 1000, /* of a snapshot, in a turn */
    PERSISTENCE_LOAD_US = 4000,  /* of loading */
    PERSISTENCE_LOOK_NS = 100000000,
};

enum persistence_phase { PHASE_START, PHASE_LOADING, PHASE_LOADED, PHASE_FAILED };

const char *persistence_refusal_now;
static enum persistence_phase persistence_phase;
static bool persistence_cron_paused;
static uint64_t persistence_look_ns; /* save points are looked at from then on */

static struct {
    bool is_on, is_scheduled;
    bool flushed;               /* FLUSHALL asks for one, where there are save points */
    bool is_for_flush;          /* the one that is on is that one, and counts as done */
    bool is_ended;              /* nobody wants to hear how it ends */
    uint64_t changes_before;    /* stats()->changes_since_save at its instant */
    uint64_t changes_flushed;   /* the same, where they were taken off when it began */
    int64_t begun_ms, tried_ms; /* monotonic; -1: never */
} bgsave;

static struct {
    int64_t at_s, at_ms; /* wall; monotonic */
    bool failed;
    int64_t took_s;
    uint64_t count, extra;
} last_save;

/* ---- One snapshot ---- */

/* Its files have absolute paths: CONFIG SET dir does not move them. */
struct persistence_paths {
    char temp[PATH_MAX + TEMP_FILE_NAME], to[PATH_MAX + NAME_MAX];
};

static int persistence_paths(const struct settings *s, enum temp_file kind,
                             struct persistence_paths *p)
{
    char dir[PATH_MAX], temp[TEMP_FILE_NAME];
    if (getcwd(dir, sizeof(dir)) == NULL) return -errno;
    temp_file_name(temp, kind);
    snprintf(p->temp, sizeof(p->temp), "%s/%s", dir, temp);
    snprintf(p->to, sizeof(p->to), "%s/%s", dir, s->dbfilename);
    return 0;
}

static struct snapshot_terms persistence_terms(const struct settings *s,
                                               const struct persistence_paths *p)
{
    return (struct snapshot_terms){
        .form = SNAPSHOT_RDB,
        .version = (uint16_t)s->rdb_version,
        .compresses = s->rdbcompression,
        .has_checksum = s->rdbchecksum,
        .syncs_often = s->rdb_save_incremental_fsync,
        .path = p->temp,
        .to = p->to,
        .key_delay_us = s->rdb_key_save_delay,
    };
}

static void persistence_saved(int64_t mono_ms)
{
    last_save.failed = false;
    last_save.at_s = clock_wall_ms() / 1000;
    last_save.at_ms = mono_ms;
}

int persistence_save(void)
{
    const struct settings *s = settings_now();
    struct persistence_paths paths;
    if (bgsave.is_on) return -EBUSY;
    last_save.count++;
    int r = persistence_paths(s, TEMP_FILE_SAVE, &paths);
    struct snapshot_terms terms = persistence_terms(s, &paths);
    if (r == 0) r = snapshot_now(&terms);
    if (r != 0) {
        log_warn("Saving the DB to %s failed: %s", s->dbfilename, strerrordesc_np(-r));
        return r; /* who asked knows it; only a save that nobody waits for refuses writes */
    }
    log_note("DB saved on disk");
    stats()->changes_since_save = 0;
    persistence_saved((int64_t)clock_mono_ms());
    return 0;
}

/* ---- In the background ---- */

static void persistence_bgsave_done(int result)
{
    int64_t now_ms = (int64_t)clock_mono_ms();
    struct snapshot_figures figures = snapshot_figures();
    bgsave.is_on = false;
    if (result != 0 && bgsave.is_for_flush) {
        stats()->changes_since_save += bgsave.changes_flushed;
        bgsave.flushed = true;
    }
    last_save.took_s = (now_ms - bgsave.begun_ms) / 1000;
    last_save.extra = figures.extra_peak;
    if (result == 0) {
        log_note("DB saved on disk");
        log_note("Background saving terminated with success, %" PRIu64 " keys, at most %" PRIu64
                 " KB of memory beside the data",
                 figures.keys_done, figures.extra_peak / 1024);
        stats()->changes_since_save -= bgsave.changes_before;
        persistence_saved(now_ms);
        return;
    }
    if (bgsave.is_ended) {
        log_warn("Background saving was ended before it was complete");
        return;
    }
    log_warn("Background saving error: %s", strerrordesc_np(-result));
    last_save.failed = true;
}

/* 0 or -errno, logged. */
static int persistence_begin_bgsave(void)
{
    const struct settings *s = settings_now();
    struct persistence_paths paths;
    last_save.count++;
    bgsave.tried_ms = (int64_t)clock_mono_ms();
    bgsave.is_scheduled = false;
    int r = persistence_paths(s, TEMP_FILE_BGSAVE, &paths);
    struct snapshot_terms terms = persistence_terms(s, &paths);
    terms.done = persistence_bgsave_done;
    if (r == 0) r = snapshot_begin(&terms);
    if (r != 0) {
        log_warn("Can't save in background: %s", strerrordesc_np(-r));
        last_save.failed = true;
        return r;
    }
    log_note("Background saving started by pid %d", (int)getpid());
    bgsave.is_on = true;
    bgsave.is_ended = bgsave.is_for_flush = false;
    bgsave.begun_ms = bgsave.tried_ms;
    bgsave.changes_before = stats()->changes_since_save;
    return 0;
}

const char *persistence_bgsave(bool waits, bool within, const char **status)
{
    if (bgsave.is_on) return "ERR Background save already in progress";
    *status = "Background saving scheduled";
    if (within || snapshot_is_on() || log_life_is_rewriting()) {
        if (!waits && !within)
            return "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE "
                   "SCHEDULE in order to schedule a BGSAVE whenever possible.";
        bgsave.is_scheduled = true;
        return NULL;
    }
    *status = "Background saving started";
    return persistence_begin_bgsave() == 0 ? NULL : "ERR";
}

void persistence_end_bgsave(void)
{
    if (!bgsave.is_on) return;
    log_warn("A background save is under way and is ended: its file would not be complete");
    bgsave.is_ended = true;
    snapshot_abort();
    orders_wait_files();
}

void persistence_flushed(void)
{
    if (bgsave.is_on) {
        bgsave.is_ended = true;
        snapshot_abort();
    }
    bgsave.flushed = true;
}

/*
 * The save that follows FLUSHALL is one in the background: no data has to be encoded, and nobody
 * has to wait for the disk. It counts as done when it begins. If it fails it is tried again, as
 * there may be no changes that would let a save point do it, and writes are refused until a save
 * succeeds.
 */
static void persistence_save_flushed(void)
{
    if (persistence_begin_bgsave() != 0) return;
    bgsave.flushed = false;
    bgsave.is_for_flush = true;
    bgsave.changes_flushed = bgsave.changes_before;
    stats()->changes_since_save -= bgsave.changes_before;
    bgsave.changes_before = 0;
}

static void persistence_look_at_points(const struct settings *s, int64_t now_ms)
{
    uint64_t changes = stats()->changes_since_save;
    for (int i = 0; i < s->save.count; i++) {
        int64_t seconds = s->save.point[i].seconds;
        if (changes < (uint64_t)s->save.point[i].changes) continue;
        if ((now_ms - last_save.at_ms) / 1000 <= seconds) continue;
        log_note("%" PRIu64 " changes in %" PRId64 " seconds. Saving...", changes, seconds);
        persistence_begin_bgsave();
        return;
    }
}

/* Saves that nobody asks for, and those that had to wait. */
static void persistence_cron(const struct settings *s, int64_t now_ms)
{
    if (snapshot_is_on() || log_life_is_rewriting()) return;
    if (last_save.failed && now_ms - bgsave.tried_ms <= PERSISTENCE_RETRY_MS) return;
    bgsave.flushed &= s->save.count > 0;
    if (bgsave.flushed)
        persistence_save_flushed();
    else if (bgsave.is_scheduled)
        persistence_begin_bgsave();
    else if (!log_life_is_scheduled())
        persistence_look_at_points(s, now_ms);
}

/* ---- Loading ---- */

static void persistence_tell_loaded(int result)
{
    persistence_phase = result == 0 ? PHASE_LOADED : PHASE_FAILED;
    if (world()->loaded != NULL) world()->loaded(result);
}

static void persistence_loaded(int result, const char *reason)
{
    if (result != 0) {
        if (reason != NULL) log_warn("%s", reason);
        /* Of a log, as in Redis, the reason is the last word: scripts look for it there. */
        if (!loading_figures().is_log)
            log_warn("Fatal error loading the DB, check server logs. Exiting.");
        persistence_tell_loaded(result);
        return;
    }
    stats()->changes_since_save = 0;
    persistence_tell_loaded(log_life_loaded(settings_now()));
}

void persistence_reloaded(void)
{
    stats()->changes_since_save = 0;
    bgsave.changes_before = bgsave.changes_flushed = 0; /* of what is gone */
}

void persistence_begin(void)
{
    if (likely(persistence_phase != PHASE_START)) return;
    persistence_phase = PHASE_LOADING;
    temp_files_tidy(".");
    loading_begin(persistence_loaded);
}

/* True while there is more to load. */
static bool persistence_load(void)
{
    if (persistence_phase == PHASE_FAILED || shutdown_is_done()) return false;
    return loading_step(PERSISTENCE_LOAD_US) || persistence_phase != PHASE_LOADED;
}

/* ---- Refusals ---- */

static void persistence_look_for_refusal(const struct settings *s)
{
    bool saves = s->stop_writes_on_bgsave_error && s->save.count > 0;
    const char *refusal = saves && last_save.failed ? ERR_MISCONF_SAVE : log_life_refusal();
    if (likely(refusal == persistence_refusal_now)) return;
    persistence_refusal_now = refusal;
    run_look_again();
}

const char *persistence_refusal(void) { return persistence_refusal_now; }

const char *persistence_refusal_of_script(void)
{
    static char text[512];
    if (persistence_refusal_now == NULL) return NULL;
    if (strcmp(persistence_refusal_now, ERR_MISCONF_SAVE) == 0)
        return "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to "
               "persist to disk. Writable scripts are blocked. Use 'no-writes' flag for read only "
               "scripts.";
    const char *cause = strrchr(persistence_refusal_now, ':');
    snprintf(text, sizeof(text),
             "MISCONF Redis is configured to persist data to AOF, but it's currently unable to "
             "persist to disk. Writable scripts are blocked. Use 'no-writes' flag for read only "
             "scripts. AOF error%s",
             cause == NULL ? "" : cause);
    return text;
}

uint64_t persistence_reply_after(void) { return log_life_reply_after(); }

/* ---- Time ---- */

/* The log's stage tells what its last write and its last sync took. */
static void persistence_note_log(const struct settings *s)
{
    static uint64_t written, syncs;
    const struct log_card *card = orders_log_card();
    if (counter_read(&card->written) != written)
        latency_note(LATENCY_LOG_WRITE, counter_read(&card->write_ns));
    if (counter_read(&card->syncs) != syncs && s->appendfsync == APPENDFSYNC_ALWAYS)
        latency_note(LATENCY_LOG_SYNC, counter_read(&card->sync_ns));
    written = counter_read(&card->written);
    syncs = counter_read(&card->syncs);
}

static uint64_t persistence_work(void)
{
    if (likely(!latency_is_on())) return snapshot_work(PERSISTENCE_SLICE_US);
    uint64_t began = clock_ticks();
    uint64_t due = snapshot_work(PERSISTENCE_SLICE_US);
    latency_note(LATENCY_SNAPSHOT, clock_ticks_to_ns(clock_ticks() - began));
    return due;
}

void persistence_open(void)
{
    persistence_phase = PHASE_START;
    persistence_refusal_now = NULL;
    persistence_cron_paused = false;
    persistence_look_ns = 0;
    memset(&bgsave, 0, sizeof(bgsave));
    bgsave.tried_ms = -PERSISTENCE_RETRY_MS;
    memset(&last_save, 0, sizeof(last_save));
    persistence_saved((int64_t)clock_mono_ms()); /* what is there at the start counts as saved */
    last_save.took_s = -1;
    log_life_open();
    shutdown_open();
}

void persistence_close(void) { log_life_close(); }

uint64_t persistence_tick(const struct settings *settings, uint64_t mono_ns)
{
    if (unlikely(persistence_phase != PHASE_LOADED)) {
        bool more = persistence_load();
        shutdown_tick(settings);
        /* What is not whole must not be written over what it was loaded from. */
        if (persistence_phase != PHASE_LOADED) return more ? 0 : UINT64_MAX;
    }
    uint64_t due = persistence_work();
    if (unlikely(latency_is_on())) persistence_note_log(settings);
    uint64_t log_due = log_life_tick(settings, mono_ns);
    if (log_due < due) due = log_due;
    if (unlikely(bgsave.flushed) || mono_ns >= persistence_look_ns) {
        persistence_look_ns = mono_ns + PERSISTENCE_LOOK_NS;
        if (!persistence_cron_paused && !shutdown_is_done())
            persistence_cron(settings, (int64_t)(mono_ns / 1000000));
    }
    persistence_look_for_refusal(settings);
    shutdown_tick(settings);
    return due;
}

void persistence_pause_cron(bool paused) { persistence_cron_paused = paused; }
bool persistence_cron_is_paused(void) { return persistence_cron_paused; }

struct persistence_figures persistence_figures(void)
{
    int64_t now_ms = (int64_t)clock_mono_ms();
    return (struct persistence_figures){
        .is_saving = bgsave.is_on,
        .is_scheduled = bgsave.is_scheduled,
        .last_failed = last_save.failed,
        .last_save_s = last_save.at_s,
        .last_s = last_save.took_s,
        .current_s = bgsave.is_on ? (now_ms - bgsave.begun_ms) / 1000 : -1,
        .saves = last_save.count,
        .last_extra = last_save.extra,
    };
}
