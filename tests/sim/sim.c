/*
 * Seeds and the scheduler.
 *
 *     sim             600 seeds from 1 on, 200 under a sanitizer; SEEDS=n: n; FIRST=n: from n on
 *     sim SEED [-v]   that one, with all that happens
 *
 * Every third seed is one of a server that lives several times on one disk (lives.c). One in fifty
 * runs twice and must leave the same trace. Before those of a whole run, two disks that lie must be
 * found out.
 */
#include "sim/sim.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/must.h"
#include "catalog/command.h"
#include "catalog/settings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#else
#define IS_SANITIZED 0
#endif
#define HANG_NS UINT64_C(60000000000)

enum {
    STEPS_MAX = 3000000,
    JUMPS_MAX = 3000,
    SEEDS = IS_SANITIZED ? 200 : 600,
    FIBERS_MAX = 16,
    LIVES_EVERY = 3,
    CONTROL_SEEDS = 40,
};

struct sim_choices sim_choices;
struct random sim_random;
bool sim_verbose;

static struct {
    uint64_t seed, hash, steps, passed;
    const char *plan;
    int jumps; /* of time, since something moved */
    uint64_t moved_ns;
    int count;
    struct fiber *fibers[FIBERS_MAX];
    unsigned weights[FIBERS_MAX];
    unsigned client_weight;
} sim;

size_t sim_some(size_t max)
{
    if (max <= 1 || sim_chance(3)) return max == 0 ? 0 : 1;
    if (max > 16 && sim_chance(2)) return 1 + sim_below(16);
    return 1 + sim_below(max);
}

static void sim_mix(uint64_t n) { sim.hash = (sim.hash ^ n) * 0x100000001b3u; }

void sim_note(const char *what, uint64_t a, uint64_t b)
{
    sim_mix((uint64_t)what[0] << 8 | (uint64_t)what[strlen(what) - 1]);
    sim_mix(a);
    sim_mix(b);
    if (sim_verbose)
        printf("%8" PRIu64 " %10" PRIu64 " ns  %s %" PRIu64 " %" PRIu64 "\n", sim.steps,
               kernel_now_ns, what, a, b);
}

void sim_progress(void)
{
    sim.jumps = 0;
    sim.moved_ns = kernel_now_ns;
}

static void sim_end_failed(void)
{
    printf("SEED=%" PRIu64 " plan %s, step %" PRIu64 "\n%" PRIu64 " passed, 1 failed\n", sim.seed,
           sim.plan == NULL ? "?" : sim.plan, sim.steps, sim.passed);
    fflush(stdout);
}

void sim_fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    printf("FAILED: ");
    vprintf(fmt, args);
    putchar('\n');
    va_end(args);
    if (sim_choices.is_life)
        ledger_print();
    else
        clients_print();
    sim_end_failed();
    _exit(1);
}

/* must() stopped the program, or worse. */
static void sim_aborted(int number)
{
    printf("FAILED: signal %d\n", number);
    sim_end_failed();
    _exit(1);
}

static void sim_open_signals(void)
{
    signal(SIGABRT, sim_aborted);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_set_death_callback(sim_end_failed);
#else
    signal(SIGSEGV, sim_aborted);
#endif
}

/* ---- One seed ---- */

void sim_set(struct settings *s, const char *name, const char *value)
{
    char error[OPTION_ERROR_MAX];
    const struct option *o = option_find(bytes_of(name));
    struct bytes words[4];
    uint32_t count = 0;
    for (const char *p = value; *p != '\0' && count < 4; count++) {
        words[count] = bytes_make(p, strcspn(p, " "));
        p += words[count].len + (p[words[count].len] == ' ');
    }
    if (o == NULL || option_set_text(s, o, words, count, OPTION_FROM_FILE, error) != 0)
        sim_fail("the option %s is not to be set to %s", name, value);
}

static void sim_choose(void (*life)(struct settings *s))
{
    static const char *const plans[] = {
        "accept+parse+execute+write",   "accept/parse/execute/write",
        "accept/execute/parse+write*2", "accept+execute/parse*2/write*2",
        "accept/parse+write/execute",   "accept/parse*3/execute/write*2",
        "accept+parse+write/execute",   "execute/accept/parse+write*3",
        "parse+execute/accept+write",   "accept/execute+write/parse*2",
    };
    static const unsigned yields[] = {2, 5, 20, 200, 100000};
    sim.plan = plans[sim_below(sizeof(plans) / sizeof(plans[0]))];
    sim_choices = (struct sim_choices){
        .kills = sim_chance(4),
        .pauses = sim_chance(4),
        .unblocks = sim_chance(3),
        .moves = sim_chance(3),
        .scarce = sim_chance(6),
        .limits = sim_chance(8),
        .low_water = sim_chance(2),
        .scripts = sim_chance(5),
        .medium = sim_chance(4),
        .data_mode = sim_chance(2),
        .logs = sim_chance(3),
        .yields = yields[sim_below(5)],
        .modes = (unsigned)sim_below(3),
    };
    struct settings *s = settings_default();
    if (life != NULL) {
        sim_choices.scarce = sim_choices.limits = sim_choices.scripts = false;
        sim_choices.is_life = true;
        life(s);
    }
    sim_set(s, "protected-mode", "no");
    static const char *const fsyncs[] = {"always", "everysec", "no"};
    if (life == NULL && sim_choices.logs) {
        sim_set(s, "appendonly", "yes");
        sim_set(s, "appendfsync", fsyncs[sim_below(3)]);
        sim_set(s, "auto-aof-rewrite-min-size", sim_chance(2) ? "1000" : "67108864");
    }
    sim_set(s, "save", "");
    if (sim_choices.scarce) sim_set(s, "maxclients", "5");
    const char *limit = sim_chance(2) ? "normal 150000 50000 1" : "normal 3000 0 0";
    if (sim_choices.limits) sim_set(s, "client-output-buffer-limit", limit);
    if (sim_choices.low_water) sim_set(s, "output-high-water", sim_chance(2) ? "1" : "30000");
    if (sim_choices.scripts) sim_set(s, "busy-reply-threshold", "1");
    settings_publish(s);
}

/* A fiber by weight among those that can run, or NULL. */
static struct fiber *sim_next(void)
{
    unsigned all = 0;
    for (int i = 0; i < sim.count; i++)
        if (fiber_is_runnable(sim.fibers[i])) all += sim.weights[i];
    if (all == 0) return NULL;
    unsigned at = (unsigned)sim_below(all);
    for (int i = 0; i < sim.count; i++) {
        if (!fiber_is_runnable(sim.fibers[i])) continue;
        if (at < sim.weights[i]) {
            sim_mix((uint64_t)i);
            return sim.fibers[i];
        }
        at -= sim.weights[i];
    }
    must(false);
    return NULL;
}

/* Everybody sleeps and no client can do a thing: to the next deadline. */
static void sim_jump(void)
{
    uint64_t at = UINT64_MAX;
    for (int i = 0; i < sim.count; i++) {
        uint64_t until = fiber_wakes_at(sim.fibers[i]);
        if (until < at) at = until;
    }
    bool is_long = ++sim.jumps > JUMPS_MAX && at > sim.moved_ns + HANG_NS;
    if (at == UINT64_MAX || is_long) sim_fail("hangs");
    if (at > kernel_now_ns) kernel_now_ns = at;
}

static void sim_change_modes(void)
{
    if (sim_choices.modes == 0 || (sim_choices.modes == 2 && !sim_chance(30))) return;
    for (unsigned i = 0; i < stage_count(); i++)
        stage_set_mode(stage_at(i),
                       sim_choices.modes == 1 || sim_chance(2) ? STAGE_HOME : STAGE_LENT);
}

static bool sim_is_in_call(void)
{
    for (int i = 0; i < sim.count; i++)
        if (fiber_is_in_call(sim.fibers[i])) return true;
    return false;
}

/* False when there was nothing to do but to wait. */
static bool sim_step(void)
{
    if (++sim.steps > STEPS_MAX) sim_fail("too many steps");
    sim_change_modes();
    struct fiber *f = sim_next();
    if (f == NULL && !sim_is_in_call()) wiring_check_idle();
    bool moved = false;
    if (f == NULL || sim_below(100) < sim.client_weight)
        moved = sim_choices.is_life ? ledger_step() : clients_step();
    if (moved || f == NULL) return moved;
    fiber_run(f);
    return true;
}

static void sim_open(void (*life)(struct settings *s))
{
    static const unsigned client_weights[] = {3, 20, 60, 90};
    kernel_open();
    if (life == NULL) lives_borrow_disk();
    sim_choose(life);
    wiring_open(sim.plan);
    sim.count = wiring_thread_count();
    must(sim.count <= FIBERS_MAX);
    for (int i = 0; i < sim.count; i++) {
        sim.fibers[i] = fiber_open(wiring_thread(i));
        sim.weights[i] = sim_chance(3) ? 1 : 1 + (unsigned)sim_below(50);
    }
    sim.client_weight = client_weights[sim_below(4)];
    if (life == NULL) clients_open();
    wiring_listen(kernel_listen());
}

static void sim_stop_threads(void)
{
    for (int i = 0; i < sim.count; i++) {
        atomic_store(&wiring_thread(i)->stopping, true);
        poller_wake(wiring_thread(i)->poller);
    }
    for (int i = 0; i < sim.count; i++) {
        while (!fiber_is_done(sim.fibers[i])) fiber_run(sim.fibers[i]);
        fiber_close(sim.fibers[i]);
    }
}

void sim_begin(uint64_t seed)
{
    sim.seed = seed;
    sim.hash = 0xcbf29ce484222325u;
    sim.steps = 0;
    sim.jumps = 0;
    sim.moved_ns = 0;
    sim.plan = NULL;
    random_seed(&sim_random, seed);
}

struct sim_state sim_save(void) { return (struct sim_state){sim.hash, sim.steps, sim_random}; }

void sim_restore(const struct sim_state *s)
{
    sim.hash = s->hash;
    sim.steps = s->steps;
    sim_random = s->random;
}

static void sim_shut_down(void)
{
    wiring_shut_down();
    while (wiring_shutdown_state() == WIRING_ASKED)
        if (!sim_step()) sim_jump();
    if (wiring_shutdown_state() == WIRING_GOES_ON) disk_end_now();
    wiring_stop_listening();
    while (sim_step()) {}
}

void sim_life(void (*set)(struct settings *s), void (*at_end)(void))
{
    sim_open(set);
    while (!ledger_is_done())
        if (!sim_step()) sim_jump();
    at_end();
    sim_shut_down();
    wiring_check_end();
    sim_stop_threads();
    ledger_close();
    wiring_close();
    kernel_close();
}

static uint64_t sim_run(uint64_t seed)
{
    sim_begin(seed);
    if (seed % LIVES_EVERY == 0) {
        lives_run(LIVES_HONEST);
        return sim.hash;
    }
    sim_open(NULL);
    while (!clients_are_done())
        if (!sim_step()) sim_jump();
    sim_shut_down();
    wiring_check_end();
    clients_check_end();
    sim_stop_threads();
    clients_close();
    wiring_close();
    lives_return_disk();
    kernel_close();
    sim_mix(sim.steps);
    return sim.hash;
}

/* ---- All of them ---- */

/* A disk that lies is found out. */
static void sim_run_controls(void)
{
    static const enum lives_disk controls[] = {LIVES_SYNC_LIES, LIVES_DIR_SYNC_LIES};
    for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
        uint64_t seed = 1;
        do sim_begin(seed);
        while (lives_run(controls[i]) && ++seed <= CONTROL_SEEDS);
        if (seed > CONTROL_SEEDS) sim_fail("the disk that lies (%zu) was not found out", i);
        sim.passed++;
    }
}

static uint64_t sim_number(const char *text, uint64_t otherwise)
{
    return text == NULL || *text == '\0' ? otherwise : strtoull(text, NULL, 10);
}

static void sim_run_many(void)
{
    uint64_t first = sim_number(getenv("FIRST"), 1);
    uint64_t count = sim_number(getenv("SEEDS"), 0);
    if (count == 0) sim_run_controls();
    for (uint64_t i = 0; i < (count > 0 ? count : SEEDS); i++) {
        uint64_t hash = sim_run(first + i);
        if (i % 50 == 0 && sim_run(first + i) != hash) sim_fail("two runs differ");
        sim.passed++;
    }
    printf("%" PRIu64 " passed, 0 failed\n", sim.passed);
}

int main(int argc, char **argv)
{
    /* Ticks are simulated nanoseconds. */
    clock_has_tsc = false;
    clock_ns_per_tick_q32 = UINT64_C(1) << 32;
    hash_open_with(7);
    must(log_open(getenv("SIM_LOG") != NULL ? getenv("SIM_LOG") : "/dev/null") == 0);
    command_open();
    sim_open_signals();
    lives_open();
    if (argc < 2) {
        sim_run_many();
        return 0;
    }
    sim_verbose = argc > 2 && strcmp(argv[2], "-v") == 0;
    uint64_t hash = sim_run(sim_number(argv[1], 1));
    sim.passed++;
    printf("hash %016" PRIx64 ", %" PRIu64 " steps, plan %s\n%" PRIu64 " passed, 0 failed\n", hash,
           sim.steps, sim.plan, sim.passed);
    return 0;
}
