/*
 * Invariants: at most one rewrite is on, and `phase` says how far it is; what comes home for it
 * (orders, the snapshot's end) moves it on. Effects are heard from the switch of the first rewrite
 * on, or from the opening at the start, until the log is closed. `state` follows the setting only
 * in log_life_tick().
 */
#include "execute/core/log_life.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "disk/disk.h"
#include "execute/core/blocking.h"
#include "execute/core/config_apply.h"
#include "execute/core/effect.h"
#include "execute/core/orders.h"
#include "execute/core/snapshot.h"
#include "execute/core/temp_files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND_NS 1000000000ull
#define LIFE_LOOK_NS (SECOND_NS / 10) /* how soon what others do is looked at again */
#define LIFE_PATH_MAX 4096

enum {
    LIFE_FREE_FAILURES = 3,  /* rewrites that may fail in a row before others are delayed */
    LIFE_DELAY_FIRST_S = 60, /* by so much, and twice as much each time */
    LIFE_DELAY_MAX_S = 3600,
    LIFE_HEAL_FIRST_S = 1, /* the same for a rewrite that is to end a refusal of writes */
    LIFE_HEAL_MAX_S = 60,
};

enum life_state {
    LIFE_OFF,
    LIFE_WAITING, /* for its first base */
    LIFE_ON,
    LIFE_CLOSING,
};

enum life_phase {
    PHASE_NONE,
    PHASE_SNAPSHOT,
    PHASE_ADOPTING,
    PHASE_FORGETTING,
};

static struct {
    enum life_state state;
    enum life_phase phase;
    bool is_loaded;    /* what was there: until then, and if it failed, nothing is touched */
    bool is_asked;     /* a rewrite is to begin as soon as it can */
    bool is_switching; /* the switch is not home */
    bool is_switched;  /* there is one, and as far as we know it went well */
    bool is_saved;     /* the base is whole */
    bool is_aborted;   /* nobody wants the rewrite any more: its end is no failure */
    int error_seen;    /* of the card, at the end of the last turn: 0, or no write runs meanwhile */
    bool is_rdb;
    uint64_t watched; /* what the card says */
    int policy;       /* of syncs, and whether history is kept, when it was looked at last */
    bool keeps;
    int error;                     /* why the rewrite fails */
    uint64_t begun_ns;             /* monotonic */
    uint64_t not_before_ns;        /* rewrites that nobody asked for are delayed until then */
    uint64_t heal_ns, heal_wait_s; /* the next rewrite to end a refusal; how long after a failure */
    bool limit_is_told;
    char folder[LIFE_PATH_MAX];                /* of the log */
    char base[LIFE_PATH_MAX + TEMP_FILE_NAME]; /* the file that is written */
    /* Figures */
    bool last_failed;
    int64_t last_s;
    uint64_t rewrites, failures;
} life;

/* ---- Names ---- */

/* Absolute: CONFIG SET dir moves a log when it is opened the next time, not before. 0 or -errno. */
static int life_find_folder(const struct settings *s)
{
    char here[LIFE_PATH_MAX];
    if (life.state == LIFE_ON) return 0;
    if (getcwd(here, sizeof(here)) == NULL) return -errno;
    int len = snprintf(life.folder, sizeof(life.folder), "%s/%s", here, s->appenddirname);
    return len < LIFE_PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* In the folder of the log, so that it can be renamed there. */
static int life_name_base(const struct settings *s)
{
    char name[TEMP_FILE_NAME];
    int r = life_find_folder(s);
    if (r != 0) return r;
    temp_file_name(name, TEMP_FILE_REWRITE);
    snprintf(life.base, sizeof(life.base), "%s/%s", life.folder, name);
    return disk_make_dir(life.folder);
}

static bool life_has_manifest(const struct settings *s)
{
    char path[LIFE_PATH_MAX];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s.manifest", s->appenddirname, s->appendfilename);
    return stat(path, &st) == 0;
}

/* ---- Waiters ---- */

/* Those who wait look again, whatever they wait for: what is durable has changed its meaning. */
static void life_set_state(enum life_state state)
{
    life.state = state;
    blocking_log_reached(UINT64_MAX);
}

/* The log's stage gives us a turn when the disk has got so far. */
static void life_serve_waiters(void)
{
    uint64_t least = blocking_log_least();
    uint64_t watched = least == UINT64_MAX || life.state != LIFE_ON ? 0 : least;
    if (watched != life.watched) orders_watch(watched);
    life.watched = watched;
    if (watched != 0) blocking_log_reached(counter_read(&orders_log_card()->durable));
}

/* ---- Orders ---- */

static void life_send(enum order_kind kind, void (*done)(struct order *o))
{
    struct order *o = order_make(kind, 0, done);
    o->end = effect_number();
    order_send(o);
}

static void life_closed(struct order *o)
{
    if (o->result != 0)
        log_warn("Closing the append only file failed: %s", strerrordesc_np(-o->result));
    order_free(o);
    life_set_state(LIFE_OFF);
}

/* ---- How a rewrite ends ---- */

static void life_note_end(bool failed)
{
    life.phase = PHASE_NONE;
    life.last_s = (int64_t)((clock_mono_ns() - life.begun_ns) / SECOND_NS);
    life.last_failed = failed;
}

static uint64_t life_delay_s(void)
{
    uint64_t s = LIFE_DELAY_FIRST_S;
    for (uint64_t i = LIFE_FREE_FAILURES; i < life.failures && s < LIFE_DELAY_MAX_S; i++) s *= 2;
    return s < LIFE_DELAY_MAX_S ? s : LIFE_DELAY_MAX_S;
}

static void life_failed(void)
{
    uint64_t now = clock_mono_ns();
    life_note_end(true);
    life.failures++;
    life.not_before_ns = 0;
    if (life.failures >= LIFE_FREE_FAILURES) life.not_before_ns = now + life_delay_s() * SECOND_NS;
    life.limit_is_told = false;
    life.heal_wait_s = life.heal_wait_s == 0 ? LIFE_HEAL_FIRST_S : 2 * life.heal_wait_s;
    if (life.heal_wait_s > LIFE_HEAL_MAX_S) life.heal_wait_s = LIFE_HEAL_MAX_S;
    life.heal_ns = now + life.heal_wait_s * SECOND_NS;
    log_warn("Background AOF rewrite terminated with error: %s", strerrordesc_np(-life.error));
}

/* Whatever the switch made is undone; or there was nothing to undo. */
static void life_over(void)
{
    if (life.is_aborted)
        life.phase = PHASE_NONE;
    else
        life_failed();
}

static void life_forgotten(struct order *o)
{
    order_free(o);
    life_over();
}

static void life_give_up(int error)
{
    life.error = error;
    if (life.state == LIFE_WAITING) effect_listen(false);
    if (!life.is_switched) {
        life_over();
        return;
    }
    life.phase = PHASE_FORGETTING;
    life_send(ORDER_LOG_FORGET, life_forgotten);
}

static void life_remove_base(void)
{
    struct order *o = order_make(ORDER_FILE_REMOVE, 0, order_done_free);
    order_set_paths(o, life.base, NULL);
    order_send(o);
}

static void life_adopted(struct order *o)
{
    int result = o->result;
    order_free(o);
    if (result != 0) {
        life_give_up(result);
        return;
    }
    life_note_end(false);
    life.failures = 0;
    life.not_before_ns = 0;
    life.heal_wait_s = 0;
    log_note("Background AOF rewrite finished successfully");
    if (life.state == LIFE_WAITING) life_set_state(LIFE_ON);
}

static void life_adopt(void)
{
    life.phase = PHASE_ADOPTING;
    struct order *o = order_make(ORDER_LOG_ADOPT, 0, life_adopted);
    o->is_rdb_base = life.is_rdb;
    order_set_paths(o, life.base, NULL);
    order_send(o);
}

/* The base is whole and its increment is there, or one of both will never be. */
static void life_go_on(void)
{
    if (life.is_switching || !life.is_saved) return;
    if (life.error == 0 && !life.is_aborted) {
        life_adopt();
        return;
    }
    life_remove_base();
    life_give_up(life.error);
}

static void life_saved(int result)
{
    must(life.phase == PHASE_SNAPSHOT);
    life.is_saved = result == 0;
    if (result == 0) {
        life_go_on();
        return;
    }
    /* Whole databases went: what there is now is saved at once. */
    if (result == -ECANCELED && life.error == 0 && !life.is_aborted)
        life.is_aborted = life.is_asked = true;
    life_give_up(life.error != 0 ? life.error : result);
}

static void life_switched(struct order *o)
{
    int result = o->result;
    order_free(o);
    life.is_switching = false;
    if (result != 0) {
        life.is_switched = false;
        life.error = result;
    }
    if (life.phase != PHASE_SNAPSHOT) return;
    if (life.is_saved)
        life_go_on();
    else if (result != 0 && !life.is_aborted)
        snapshot_abort();
}

/* ---- How one begins ---- */

static struct snapshot_terms life_terms(const struct settings *s)
{
    life.is_rdb = s->aof_use_rdb_preamble;
    return (struct snapshot_terms){
        .form = life.is_rdb ? SNAPSHOT_RDB : SNAPSHOT_COMMANDS,
        .version = (uint16_t)s->rdb_version,
        .compresses = s->rdbcompression,
        .has_checksum = s->rdbchecksum,
        .is_log_base = true,
        .syncs_often = s->aof_rewrite_incremental_fsync,
        .path = life.base,
        .key_delay_us = s->rdb_key_save_delay,
        .done = life_saved,
    };
}

/* The increment that the effects from now on go to. */
static void life_switch(void)
{
    effect_flush();
    if (life.state == LIFE_WAITING)
        effect_listen(true);
    else
        effect_forget_db();
    life.is_switching = life.is_switched = true;
    life_send(ORDER_LOG_SWITCH, life_switched);
}

static void life_begin(const struct settings *s)
{
    life.is_asked = false;
    life.is_aborted = life.is_saved = life.is_switching = life.is_switched = false;
    life.error = 0;
    life.rewrites++;
    life.begun_ns = clock_mono_ns();
    life.phase = PHASE_SNAPSHOT;
    int r = life_name_base(s);
    if (r != 0) {
        life_give_up(r);
        return;
    }
    if (life.state != LIFE_OFF) life_switch();
    struct snapshot_terms terms = life_terms(s);
    r = snapshot_begin(&terms);
    if (r == 0)
        log_note("Background append only file rewriting started");
    else
        life_give_up(r);
}

/* ---- When one begins ---- */

/* Growth since the last one, in percent, where the settings ask for a rewrite; or -1. */
static int64_t life_growth(const struct settings *s)
{
    const struct log_card *card = orders_log_card();
    int64_t size = (int64_t)counter_read(&card->size);
    int64_t base = (int64_t)counter_read(&card->base_size);
    if (s->auto_aof_rewrite_percentage == 0 || size <= s->auto_aof_rewrite_min_size) return -1;
    if (base == 0) base = 1;
    int64_t growth = (int64_t)((double)size * 100 / (double)base) - 100;
    return growth >= s->auto_aof_rewrite_percentage ? growth : -1;
}

/* Rewrites that nobody asked for, after others failed. */
static bool life_is_limited(uint64_t mono_ns)
{
    if (mono_ns >= life.not_before_ns) return false;
    if (!life.limit_is_told)
        log_warn("Background AOF rewrite has repeatedly failed and triggered the limit, will retry "
                 "in %" PRIu64 " minutes",
                 life_delay_s() / 60);
    life.limit_is_told = true;
    return true;
}

static bool life_must_heal(uint64_t mono_ns)
{
    return counter_read(&orders_log_card()->needs_rewrite) != 0 && mono_ns >= life.heal_ns;
}

static void life_ask_by_itself(const struct settings *s, uint64_t mono_ns)
{
    if (life.state == LIFE_WAITING) {
        life.is_asked = !life_is_limited(mono_ns);
        return;
    }
    if (life.state != LIFE_ON) return;
    if (life_must_heal(mono_ns)) {
        log_note("Rewriting the append only file after a failed sync");
        life.is_asked = true;
        return;
    }
    int64_t growth = life_growth(s);
    if (growth < 0 || life_is_limited(mono_ns)) return;
    log_note("Starting automatic rewriting of AOF on %" PRId64 "%% growth", growth);
    life.is_asked = true;
}

/* ---- On and off ---- */

static void life_turn_on(void)
{
    life.failures = 0;
    life.not_before_ns = 0;
    life_set_state(LIFE_WAITING);
}

static void life_abort_rewrite(void)
{
    if (life.phase != PHASE_SNAPSHOT || life.is_aborted) return;
    life.is_aborted = true;
    snapshot_abort();
}

static void life_turn_off(void)
{
    bool was_on = life.state == LIFE_ON;
    effect_flush();
    effect_listen(false);
    life.is_asked = false;
    if (life.phase == PHASE_SNAPSHOT) {
        log_note("Killing the AOF rewrite (no child process): the log was switched off");
        life_abort_rewrite();
    }
    /* A log without its first base is not open; but that may be being adopted. */
    bool is_open = was_on || life.phase == PHASE_ADOPTING;
    life_set_state(is_open ? LIFE_CLOSING : LIFE_OFF);
    if (is_open) life_send(ORDER_LOG_CLOSE, life_closed);
}

static void life_follow(bool wanted)
{
    if (wanted && life.state == LIFE_OFF && life.phase == PHASE_NONE) life_turn_on();
    if (!wanted && (life.state == LIFE_WAITING || life.state == LIFE_ON)) life_turn_off();
}

/* The log's stage sleeps until there is an order: what is not on disk may be due now, and history
 * may go. */
static void life_follow_options(const struct settings *s)
{
    bool may_sync = life.policy != s->appendfsync,
         may_clean = life.keeps && !s->aof_disable_auto_gc;
    if (unlikely(may_sync || may_clean) && life.state == LIFE_ON)
        life_send(ORDER_LOG_SYNC, order_done_free);
    life.policy = s->appendfsync;
    life.keeps = s->aof_disable_auto_gc;
}

uint64_t log_life_tick(const struct settings *settings, uint64_t mono_ns)
{
    if (unlikely(!life.is_loaded)) return UINT64_MAX;
    life_follow(settings->appendonly);
    life_follow_options(settings);
    life_serve_waiters();
    life.error_seen = life.state == LIFE_ON ? (int)counter_read(&orders_log_card()->error) : 0;
    if (life.phase != PHASE_NONE || life.state == LIFE_CLOSING) return UINT64_MAX;
    if (!life.is_asked) life_ask_by_itself(settings, mono_ns);
    if (!life.is_asked) return life.state == LIFE_OFF ? UINT64_MAX : mono_ns + LIFE_LOOK_NS;
    if (snapshot_is_on()) return mono_ns + LIFE_LOOK_NS;
    life_begin(settings);
    return UINT64_MAX;
}

/* ---- The start ---- */

static int life_result;       /* of the first order that failed */
static unsigned life_awaited; /* orders that tell it */

static void life_note_result(struct order *o)
{
    if (life_result == 0) life_result = o->result;
    life_awaited--;
    order_free(o);
}

static void life_send_noted(struct order *o)
{
    o->done = life_note_result;
    o->end = effect_number();
    life_awaited++;
    order_send(o);
}

/* Not for all orders: with a full disk there are some that do not come home. */
static int life_wait(void)
{
    while (life_awaited > 0) orders_wait_some();
    int result = life_result;
    life_result = 0;
    return result;
}

/* The first base of a log that has no files, and the log after it. */
static int life_make_first(const struct settings *s)
{
    int r = life_name_base(s);
    if (r != 0) return r;
    life_send_noted(order_make(ORDER_LOG_SWITCH, 0, NULL));
    struct snapshot_terms terms = life_terms(s);
    terms.key_delay_us = 0;
    r = snapshot_now(&terms);
    if (r != 0) return r;
    struct order *o = order_make(ORDER_LOG_ADOPT, 0, NULL);
    o->is_rdb_base = life.is_rdb;
    order_set_paths(o, life.base, NULL);
    life_send_noted(o);
    return 0;
}

int log_life_loaded(const struct settings *settings)
{
    life.is_loaded = true;
    life.policy = settings->appendfsync;
    life.keeps = settings->aof_disable_auto_gc;
    temp_files_tidy(settings->appenddirname);
    if (!settings->appendonly) return 0;
    effect_listen(true);
    int r = life_find_folder(settings);
    if (r == 0 && life_has_manifest(settings))
        life_send_noted(order_make(ORDER_LOG_OPEN, 0, NULL));
    else if (r == 0)
        r = life_make_first(settings);
    int waited = life_wait();
    if (r == 0) r = waited;
    life.is_loaded = r == 0;
    if (r == 0)
        life_set_state(LIFE_ON);
    else
        effect_listen(false);
    return r;
}

/* ---- The end, and DEBUG ---- */

int log_life_flush(void)
{
    while (life.state == LIFE_CLOSING) orders_wait_some();
    if (life.state != LIFE_ON) return 0;
    effect_flush();
    life_send_noted(order_make(ORDER_LOG_SYNC, 0, NULL));
    return life_wait();
}

int log_life_shutdown(void)
{
    if (life.state == LIFE_WAITING) return -EBUSY;
    life_abort_rewrite();
    return log_life_flush();
}

/* ---- What it means for clients ---- */

const char *log_life_refusal(void)
{
    static char line[160];
    if (likely(life.error_seen == 0)) return NULL;
    snprintf(line, sizeof(line), "MISCONF Errors writing to the AOF file: %s",
             strerrordesc_np(life.error_seen));
    return line;
}

uint64_t log_life_reply_after(void)
{
    if (life.state != LIFE_ON || settings_now()->appendfsync != APPENDFSYNC_ALWAYS) return 0;
    return life.error_seen != 0 ? 0 : effect_number();
}

bool log_life_is_wanted(void) { return settings_now()->appendonly; }

bool log_life_is_durable(uint64_t number)
{
    return life.state == LIFE_ON && counter_read(&orders_log_card()->durable) >= number;
}

/* ---- Commands and figures ---- */

/* What is asked for begins at the turn's end. */
static bool life_is_about_to(void)
{
    bool is_off = life.state == LIFE_OFF || life.state == LIFE_CLOSING;
    bool opens = is_off && log_life_is_wanted();
    bool is_on = life.phase != PHASE_NONE && !life.is_aborted;
    return !is_on && (life.is_asked || opens || life.state == LIFE_WAITING);
}

/* One that was aborted and is not gone yet is not told of. */
static bool life_waits_for_others(void) { return life.phase == PHASE_NONE && snapshot_is_on(); }

bool log_life_is_rewriting(void)
{
    return (life.phase != PHASE_NONE && !life.is_aborted) ||
           (life_is_about_to() && !life_waits_for_others());
}

bool log_life_is_scheduled(void) { return life_is_about_to() && life_waits_for_others(); }

const char *log_life_rewrite(bool is_nested, const char **status)
{
    if (life.phase != PHASE_NONE && !life.is_aborted)
        return "ERR Background append only file rewriting already in progress";
    bool waits = is_nested || life_waits_for_others();
    *status = waits ? "Background append only file rewriting scheduled"
                    : "Background append only file rewriting started";
    life.is_asked = true; /* whatever failed before: who asks is not made to wait */
    return NULL;
}

struct log_life_figures log_life_figures(void)
{
    const struct log_card *card = orders_log_card();
    bool is_on = life.phase != PHASE_NONE;
    return (struct log_life_figures){
        .is_rewriting = log_life_is_rewriting(),
        .is_scheduled = log_life_is_scheduled(),
        .last_rewrite_failed = life.last_failed,
        .last_rewrite_s = life.last_s,
        .current_rewrite_s = is_on ? (int64_t)((clock_mono_ns() - life.begun_ns) / SECOND_NS) : -1,
        .rewrites = life.rewrites,
        .failures_in_row = life.failures,
        .write_fails = counter_read(&card->error) != 0,
        .size = counter_read(&card->size),
        .base_size = counter_read(&card->base_size),
        .pending = counter_read(&card->pending),
        .delayed = counter_read(&card->delayed_syncs),
        .sync_pending = counter_read(&card->sync_pending) != 0,
    };
}

/* ---- Life ---- */

static int life_appendonly_changes(const struct settings *old, const struct settings *next,
                                   char *error)
{
    if (old->appendonly || !next->appendonly) return 0;
    struct stat st;
    int r = disk_make_dir(next->appenddirname);
    if (r == 0 && (stat(next->appenddirname, &st) != 0 || !S_ISDIR(st.st_mode))) r = -ENOTDIR;
    if (r != 0) {
        log_warn("Can't create the folder %s: %s", next->appenddirname, strerrordesc_np(-r));
        snprintf(error, OPTION_ERROR_MAX, "Unable to turn on AOF. Check server logs.");
        return r;
    }
    if (snapshot_is_on() || life.phase != PHASE_NONE)
        log_note("AOF was enabled but there is already another background operation. An AOF "
                 "background was scheduled to start when possible.");
    else
        log_note("AOF was enabled. An AOF background was scheduled to start after this command.");
    return 0;
}

void log_life_open(void)
{
    memset(&life, 0, sizeof(life));
    life.last_s = -1;
    config_on_change("appendonly", life_appendonly_changes);
}

void log_life_close(void) { memset(&life, 0, sizeof(life)); }
