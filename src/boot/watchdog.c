/*
 * Threads end only after the main thread has taken to closing the server, so the one that is sent a
 * signal is there. It may be through with the turn by then: its handler looks, and shows no stack
 * that would tell of something else.
 */
#include "boot/watchdog.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "boot/report.h"
#include "flow/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>

/* No terminal, timer or library sends it. */
#define WATCHDOG_SIGNAL SIGRTMIN

static const struct stage *watchdog_stage; /* set before threads start */
static _Atomic int watchdog_period_ms;     /* writer: who changes the configuration. 0: off */
static _Atomic uint64_t watchdog_asked; /* writer: main. The turn whose stack is wanted, 0: any */
static uint64_t watchdog_told;          /* main only: the last turn that was told of */

static void watchdog_handle(int number)
{
    (void)number;
    int err = errno;
    uint64_t asked = atomic_load_explicit(&watchdog_asked, memory_order_relaxed);
    if (asked == 0 || asked == stage_turn_ticks(watchdog_stage)) {
        report_say_thread();
        report_say_stack();
        report_say("--------\n");
    } else {
        report_say("The turn was over before its stack could be shown.");
    }
    errno = err;
}

static void watchdog_ask(uint64_t turn)
{
    const struct thread *runner = stage_runner(watchdog_stage);
    if (runner == NULL) return; /* it had no turn yet */
    atomic_store_explicit(&watchdog_asked, turn, memory_order_relaxed);
    pthread_kill(runner->pthread, WATCHDOG_SIGNAL);
}

void watchdog_open(const struct stage *execute)
{
    watchdog_stage = execute;
    report_open();
    struct sigaction action = {.sa_handler = watchdog_handle, .sa_flags = SA_RESTART | SA_ONSTACK};
    must(sigaction(WATCHDOG_SIGNAL, &action, NULL) == 0);
}

void watchdog_set_period(int64_t ms)
{
    atomic_store_explicit(&watchdog_period_ms, (int)ms, memory_order_relaxed);
}

int watchdog_look(void)
{
    int period_ms = atomic_load_explicit(&watchdog_period_ms, memory_order_relaxed);
    if (period_ms == 0) return -1;
    uint64_t turn = stage_turn_ticks(watchdog_stage), now = clock_ticks();
    if (turn == 0 || turn == watchdog_told || now < turn) return period_ms;
    uint64_t lasted_ms = clock_ticks_to_ns(now - turn) / 1000000;
    if (lasted_ms < (uint64_t)period_ms) return period_ms - (int)lasted_ms;
    watchdog_told = turn;
    log_warn("--- WATCHDOG TIMER EXPIRED --- a turn of execute has lasted for %d ms",
             (int)lasted_ms);
    watchdog_ask(turn);
    return period_ms;
}

void watchdog_show(void)
{
    log_warn("Received SIGALRM: the stack of the thread that executes");
    watchdog_ask(0);
}
