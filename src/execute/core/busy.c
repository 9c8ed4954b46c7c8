/*
 * Invariants: busy_call is set from busy_begin() to busy_end(); busy_breathing is set inside of
 * `breathe` only, which does not come again into itself, as no script is begun in it.
 */
#include "execute/core/busy.h"

#include "base/clock.h"
#include "base/log.h"
#include "execute/core/session.h"

#include <inttypes.h>

#define BUSY_BREATH_NS 1000000 /* from one breath to the next */

bool busy_breathing;
static void (*busy_breathe)(void *self);
static void *busy_breather;

static struct busy_script busy;
uint64_t busy_due_ticks;  /* the next breath; 0: it is to end, UINT64_MAX: never */
static bool busy_is_late; /* it was logged */
static bool busy_has_written, busy_is_dead, busy_is_aborted;

static const char *const busy_command[] = {
    [BUSY_SCRIPT] = "SCRIPT KILL",
    [BUSY_FUNCTION] = "FUNCTION KILL",
};

void busy_open(void (*breathe)(void *self), void *self)
{
    busy_breathe = breathe;
    busy_breather = self;
}

void busy_begin(enum busy_kind kind, struct bytes name, const struct call *c)
{
    must(busy.call == NULL);
    busy = (struct busy_script){kind, name, c, clock_ticks()};
    int64_t limit_ms = c->settings->busy_reply_threshold;
    bool ends = limit_ms > 0 && limit_ms < INT64_MAX / 1000000;
    busy_due_ticks =
        ends ? busy.start_ticks + clock_ns_to_ticks((uint64_t)limit_ms * 1000000) : UINT64_MAX;
    busy_is_late = busy_has_written = busy_is_dead = busy_is_aborted = false;
}

void busy_end(void)
{
    must(busy.call != NULL && !busy_breathing);
    busy.call->session->is_busy = false;
    busy.call = NULL;
}

static void busy_log_late(void)
{
    busy_is_late = true;
    log_warn("Slow script detected: it runs for %" PRIu64
             " milliseconds now, and others are answered with "
             "-BUSY until it ends or %s ends it. Its name is %.*s.",
             busy_script_ms(), busy_command[busy.kind], REPLY_WORD(busy.name));
}

bool busy_poll(void)
{
    if (busy_is_dead) return false;
    if (likely(clock_ticks() < busy_due_ticks)) return true;
    if (!busy_is_late) busy_log_late();
    busy.call->session->is_busy = true;
    busy_breathing = true;
    busy_breathe(busy_breather);
    busy_breathing = false;
    busy_due_ticks = busy_is_dead ? 0 : clock_ticks() + clock_ns_to_ticks(BUSY_BREATH_NS);
    return !busy_is_dead;
}

const char *busy_death(void)
{
    if (busy_is_aborted) return "ERR Script ended, as the server shuts down.";
    return busy.kind == BUSY_SCRIPT ? "ERR Script killed by user with SCRIPT KILL."
                                    : "ERR Script killed by user with FUNCTION KILL.";
}

void busy_wrote(void) { busy_has_written = true; }

size_t busy_reply_start(void) { return call_outermost(busy.call)->reply_start; }

bool busy_has_client(void) { return !call_outermost(busy.call)->session->has_no_client; }

const struct busy_script *busy_script(void) { return busy.call == NULL ? NULL : &busy; }

uint64_t busy_script_ms(void)
{
    if (busy.call == NULL) return 0;
    return clock_ticks_to_ns(clock_ticks() - busy.start_ticks) / 1000000;
}

const char *busy_error(void)
{
    return busy.kind == BUSY_SCRIPT ? ERR_BUSY_SCRIPT : ERR_BUSY_FUNCTION;
}

enum run_result busy_kill(struct call *c, enum busy_kind kind)
{
    if (busy.call == NULL) return reply_error(c, ERR_NOT_BUSY);
    if (busy_has_written) return reply_error(c, ERR_UNKILLABLE);
    if (busy.kind != kind) return reply_error(c, busy_error());
    log_note("Client id=%" PRIu64 " ends the running script with %s", c->session->id,
             busy_command[kind]);
    busy_is_dead = true;
    return reply_ok(c);
}

void busy_leave(void)
{
    if (!busy_has_written) busy_abort();
}

void busy_abort(void)
{
    if (busy.call != NULL) busy_is_dead = busy_is_aborted = true;
}
