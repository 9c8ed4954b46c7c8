/*
 * A little state machine in the front thread: WATCH until demand was high for long enough, BEFORE
 * (measure as it is), SETTLE (switched, do not look yet), AFTER (measure), then decide. A load that
 * changes meanwhile only costs a wrong guess until the next trial.
 */
#include "flow/governor.h"

#include "base/counter.h"
#include "base/must.h"
#include "flow/thread.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MS 1000000ull

enum {
    GOVERNOR_STAGES_MAX = 32,
    GOVERNOR_HIGH_WINDOWS = 5, /* windows of high demand before a trial */
};
static const uint64_t governor_window_ns = 10 * MS;
static const uint64_t governor_settle_ns = 20 * MS;
static const uint64_t governor_measure_ns = 60 * MS;
static const uint64_t governor_pause_min_ns = 250 * MS;
static const uint64_t governor_pause_max_ns = 8000 * MS;
static const double governor_high_demand = 0.92;
static const double governor_low_demand =
    0.55; /* of the front thread: a second thread has nothing to win */
static const double governor_home_gain = 1.08; /* a home must bring so much to be kept */
static const double governor_lent_worth =
    0.97; /* lending is kept when it loses no more than this */

enum governor_state { GOVERNOR_WATCH, GOVERNOR_BEFORE, GOVERNOR_SETTLE, GOVERNOR_AFTER };

struct governor {
    struct thread *front;
    struct stage *measure;
    struct stage *stages[GOVERNOR_STAGES_MAX];
    unsigned count;
    int schedstat_fd; /* of the front thread; opened by it */
    enum governor_state state;
    enum stage_mode mode;
    uint64_t next_ns;   /* when to look again */
    uint64_t window_ns; /* start of the window */
    uint64_t demand_ns; /* schedstat at its start */
    unsigned high_windows, low_windows;
    uint64_t pause_ns, not_before_ns;
    uint64_t items; /* at the start of a measurement */
    uint64_t since_ns;
    double before; /* items per ns */
    struct counter trials, changes, at_home;
};

struct governor *governor_open(struct thread *front, struct stage *measure, struct stage **stages,
                               unsigned count)
{
    struct governor *g = calloc(1, sizeof(*g));
    must(g != NULL);
    g->front = front;
    g->measure = measure;
    for (unsigned i = 0; i < count && g->count < GOVERNOR_STAGES_MAX; i++)
        if (stages[i]->lendable && stages[i]->home != front) g->stages[g->count++] = stages[i];
    if (g->count == 0) {
        free(g);
        return NULL;
    }
    g->schedstat_fd = -1;
    g->mode = STAGE_LENT;
    g->pause_ns = governor_pause_min_ns;
    return g;
}

void governor_close(struct governor *g)
{
    if (g == NULL) return;
    if (g->schedstat_fd >= 0) close(g->schedstat_fd);
    free(g);
}

/* Time that the front thread ran or wanted to run, in all. */
static uint64_t governor_demand(struct governor *g)
{
    if (g->schedstat_fd < 0)
        g->schedstat_fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    char text[128];
    ssize_t n = g->schedstat_fd < 0 ? -1 : pread(g->schedstat_fd, text, sizeof(text) - 1, 0);
    if (n <= 0) return 0;
    text[n] = '\0';
    unsigned long long ran = 0;
    unsigned long long waited = 0;
    if (sscanf(text, "%llu %llu", &ran, &waited) != 2) return 0;
    return ran + waited;
}

static void governor_set(struct governor *g, enum stage_mode mode)
{
    g->mode = mode;
    for (unsigned i = 0; i < g->count; i++) stage_set_mode(g->stages[i], mode);
    counter_set(&g->at_home, mode == STAGE_HOME);
}

static uint64_t governor_items(const struct governor *g)
{
    return atomic_load_explicit(&g->measure->items, memory_order_relaxed);
}

static void governor_begin_measure(struct governor *g, uint64_t now_ns, enum governor_state state)
{
    g->state = state;
    g->items = governor_items(g);
    g->since_ns = now_ns;
    g->next_ns = now_ns + governor_measure_ns;
}

static double governor_rate(const struct governor *g, uint64_t now_ns)
{
    return (double)(governor_items(g) - g->items) / (double)(now_ns - g->since_ns);
}

static void governor_watch(struct governor *g, uint64_t now_ns)
{
    g->state = GOVERNOR_WATCH;
    g->window_ns = now_ns;
    g->demand_ns = governor_demand(g);
    g->next_ns = now_ns + governor_window_ns;
}

/* One window is over: is a trial due, or are the homes not worth it any more? */
static void governor_look(struct governor *g, uint64_t now_ns)
{
    uint64_t wall = now_ns - g->window_ns;
    uint64_t demand = governor_demand(g) - g->demand_ns;
    bool stale = wall > 4 * governor_window_ns; /* it slept */
    double share = wall == 0 ? 0 : (double)demand / (double)wall;
    g->high_windows = !stale && share > governor_high_demand ? g->high_windows + 1 : 0;
    g->low_windows = stale || share < governor_low_demand ? g->low_windows + 1 : 0;
    if (g->mode == STAGE_HOME && g->low_windows >= 4) {
        governor_set(g, STAGE_LENT);
        counter_add(&g->changes, 1);
    }
    if (g->high_windows >= GOVERNOR_HIGH_WINDOWS && now_ns >= g->not_before_ns) {
        governor_begin_measure(g, now_ns, GOVERNOR_BEFORE);
        return;
    }
    governor_watch(g, now_ns);
}

static void governor_decide(struct governor *g, uint64_t now_ns)
{
    double after = governor_rate(g, now_ns);
    bool keep = g->mode == STAGE_HOME ? after > g->before * governor_home_gain
                                      : after > g->before * governor_lent_worth;
    counter_add(&g->trials, 1);
    if (keep) {
        counter_add(&g->changes, 1);
        g->pause_ns = governor_pause_min_ns;
    } else {
        governor_set(g, g->mode == STAGE_HOME ? STAGE_LENT : STAGE_HOME);
        g->pause_ns =
            g->pause_ns * 2 < governor_pause_max_ns ? g->pause_ns * 2 : governor_pause_max_ns;
    }
    /* A home that was kept is questioned less soon than lending is: each trial costs a moment in
     * the worse mode. */
    g->not_before_ns = now_ns + (g->mode == STAGE_HOME ? 4 * g->pause_ns : g->pause_ns);
    g->high_windows = 0;
    governor_watch(g, now_ns);
}

void governor_tick(struct governor *g, uint64_t now_ns)
{
    if (now_ns < g->next_ns) return;
    switch (g->state) {
    case GOVERNOR_WATCH: governor_look(g, now_ns); break;
    case GOVERNOR_BEFORE:
        g->before = governor_rate(g, now_ns);
        governor_set(g, g->mode == STAGE_HOME ? STAGE_LENT : STAGE_HOME);
        g->state = GOVERNOR_SETTLE;
        g->next_ns = now_ns + governor_settle_ns;
        break;
    case GOVERNOR_SETTLE: governor_begin_measure(g, now_ns, GOVERNOR_AFTER); break;
    case GOVERNOR_AFTER: governor_decide(g, now_ns); break;
    }
}

void governor_read(const struct governor *g, struct governor_facts *out)
{
    out->trials = counter_read(&g->trials);
    out->changes = counter_read(&g->changes);
    out->at_home = counter_read(&g->at_home) != 0;
}
