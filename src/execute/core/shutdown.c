/*
 * Invariants: a shutdown is decided within one turn, so that nothing runs between the last write
 * to the disk and the end; once shutdown_done is set, it stays.
 */
#include "execute/core/shutdown.h"

#include "base/log.h"
#include "execute/core/busy.h"
#include "execute/core/effect.h"
#include "execute/core/loading.h"
#include "execute/core/log_life.h"
#include "execute/core/orders.h"
#include "execute/core/persistence.h"
#include "execute/core/run.h"
#include "execute/core/session.h"
#include "execute/core/world.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define SHUTDOWN_HELD_MS (365ll * 86400 * 1000) /* what comes too late is held for so long */

bool shutdown_done;
static int shutdown_signal;  /* that came and was not acted upon; 0: none */
static bool shutdown_wanted; /* when the script is over, with shutdown_how */
static int shutdown_how;

void shutdown_open(void)
{
    shutdown_done = shutdown_wanted = false;
    shutdown_signal = 0;
}

/* ---- What must be on disk ---- */

/* The log keeps the data, or there is none. */
static bool shutdown_keeps_log(int how)
{
    effect_flush();
    int r = log_life_shutdown();
    bool forced = (how & SHUTDOWN_FORCE) != 0;
    if (r == 0) return true;
    if (r == -EBUSY) {
        log_warn(forced ? "Writing initial AOF. Exit anyway." : "Writing initial AOF, can't exit");
        return forced;
    }
    log_warn("Fail to fsync the AOF file: %s.%s", strerrordesc_np(-r),
             forced || (how & SHUTDOWN_NOSAVE) ? " Exit anyway." : "");
    return forced || (how & SHUTDOWN_NOSAVE);
}

static bool shutdown_saves(int how)
{
    bool has_points = settings_now()->save.count > 0;
    if (!(how & SHUTDOWN_SAVE) && (!has_points || (how & SHUTDOWN_NOSAVE))) return true;
    log_note("Saving the final RDB snapshot before exiting.");
    if (persistence_save() == 0) return true;
    bool forced = (how & SHUTDOWN_FORCE) != 0;
    log_warn(forced ? "Error trying to save the DB. Exit anyway."
                    : "Error trying to save the DB, can't exit.");
    return forced;
}

/* ---- How it comes to it ---- */

static int64_t shutdown_never(void) { return run_now_ms() + SHUTDOWN_HELD_MS; }

static void shutdown_refused(void)
{
    log_warn("Errors trying to shut down the server. Check the logs for more information.");
    shutdown_signal = 0;
    shutdown_wanted = false;
    if (world()->shutdown_refused != NULL) world()->shutdown_refused();
}

bool shutdown_now(int how)
{
    if (shutdown_done) return true;
    log_note("User requested shutdown...");
    /* What is half loaded must not replace what it is loaded from. */
    if (loading_is_on()) how = (how & ~SHUTDOWN_SAVE) | SHUTDOWN_NOSAVE;
    persistence_end_bgsave();
    if (!loading_is_on() && (!shutdown_keeps_log(how) || !shutdown_saves(how))) {
        shutdown_refused();
        return false;
    }
    shutdown_done = true;
    /* What comes from now on would be lost: it is held, and its clients see the end of their
     * connections. */
    run_pause(PAUSE_ALL, shutdown_never());
    world()->shutdown();
    return true;
}

void shutdown_ask(int signal_number)
{
    if (shutdown_done) return;
    shutdown_signal = signal_number;
}

/* Half of what the script does, or the EXEC around it, is not to be found in the log: of the unit
 * that is open nothing is heard, and its client is not answered. */
void shutdown_after_script(int how)
{
    shutdown_wanted = true;
    shutdown_how = how | SHUTDOWN_FORCE;
    effect_listen(false);
    session_kill(busy_script()->call->session);
    run_pause(PAUSE_ALL, shutdown_never());
}

bool shutdown_is_asked(void) { return shutdown_signal != 0 || shutdown_wanted; }

bool shutdown_abort(void)
{
    if (shutdown_done || !shutdown_is_asked()) return false;
    shutdown_signal = 0;
    shutdown_wanted = false;
    if (world()->shutdown_refused != NULL) world()->shutdown_refused();
    log_note("Shutdown manually aborted.");
    return true;
}

void shutdown_tick(const struct settings *settings)
{
    if (likely(!shutdown_is_asked()) || shutdown_done) return;
    if (shutdown_wanted) {
        shutdown_now(shutdown_how);
        return;
    }
    if (persistence_cron_is_paused()) return;
    shutdown_now(shutdown_signal == SIGINT ? settings->shutdown_on_sigint
                                           : settings->shutdown_on_sigterm);
}
