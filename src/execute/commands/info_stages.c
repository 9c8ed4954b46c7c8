/*
 * INFO stages: what each stage did, where its home is, and who runs its turns.
 *
 * How busy a stage is is told over a window that ends now and begins at the older of two samples,
 * which are a second or more apart; execute's cron takes them. CONFIG RESETSTAT begins it anew.
 * Without a cron (and at first) the window is the time since the last INFO, or since the start.
 */
#include "execute/commands/info.h"

#include "base/clock.h"
#include "execute/core/world.h"
#include "flow/stage.h"
#include "flow/thread.h"

#include <inttypes.h>

#define SAMPLE_NS 1000000000u

struct stages_sample {
    uint64_t ticks;
    struct {
        uint64_t turns, busy_ticks;
    } of[STAGES_MAX];
};

/* Execute's; the window begins at `stages_older`. Before the first sample both are all zero. */
static struct stages_sample stages_older, stages_newer;
static struct stage_figures stages_base; /* execute's turns at the last RESETSTAT */

void stages_sample(uint64_t ticks)
{
    if (stages_newer.ticks != 0 && clock_ticks_to_ns(ticks - stages_newer.ticks) < SAMPLE_NS)
        return;
    bool is_first = stages_newer.ticks == 0;
    stages_older = stages_newer;
    stages_newer.ticks = ticks;
    for (unsigned i = 0; i < stage_count(); i++) {
        struct stage_figures f;
        stage_read_figures(stage_at(i), &f);
        stages_newer.of[i].turns = f.turns;
        stages_newer.of[i].busy_ticks = f.busy_ticks;
    }
    if (is_first) stages_older = stages_newer;
}

static const struct stage *stages_find(const char *name)
{
    for (unsigned i = 0; i < stage_count(); i++)
        if (strcmp(stage_at(i)->name, name) == 0) return stage_at(i);
    return NULL;
}

void stages_forget(void)
{
    const struct stage *execute = stages_find("execute");
    if (execute != NULL) stage_read_figures(execute, &stages_base);
    stages_newer.ticks = 0;
    stages_sample(clock_ticks());
}

void stages_read_execute(struct stages_execute *out)
{
    *out = (struct stages_execute){0};
    const struct stage *execute = stages_find("execute");
    if (execute == NULL) return;
    uint64_t now = clock_ticks();
    stages_sample(now);
    struct stage_figures f;
    stage_read_figures(execute, &f);
    out->turns = f.turns - stages_base.turns;
    out->busy_us = clock_ticks_to_ns(f.busy_ticks - stages_base.busy_ticks) / 1000;
    out->longest_us = clock_ticks_to_ns(f.longest_ticks) / 1000;
    out->most_commands = f.most_items;

    uint64_t window_ns = clock_ticks_to_ns(now - stages_older.ticks);
    uint64_t turns = f.turns - stages_older.of[execute->index].turns;
    uint64_t busy = f.busy_ticks - stages_older.of[execute->index].busy_ticks;
    if (window_ns > 0) out->turns_per_second = (uint64_t)((double)turns * 1e9 / (double)window_ns);
    if (turns > 0) out->us_per_turn = clock_ticks_to_ns(busy) / 1000 / turns;
}

bool stages_have_io_threads(void)
{
    const struct stage *execute = stages_find("execute");
    for (unsigned i = 0; execute != NULL && i < stage_count(); i++) {
        const struct stage *s = stage_at(i);
        bool does_io = strncmp(s->name, "parse", 5) == 0 || strncmp(s->name, "write", 5) == 0;
        if (does_io && s->home != execute->home) return true;
    }
    return false;
}

static void stages_show_one(struct info *info, const struct stage *s, uint64_t now)
{
    struct stage_figures f;
    stage_read_figures(s, &f);
    uint64_t window = now - stages_older.ticks;
    uint64_t busy = f.busy_ticks - stages_older.of[s->index].busy_ticks;
    double share = window == 0 ? 0 : 100 * (double)busy / (double)window;
    reply_printf(&info->text, "stage_%s:home=%s,cpu=%d,turns=%" PRIu64 ",items=%" PRIu64, s->name,
                 s->home->name, s->home->cpu, f.turns, f.items);
    reply_printf(&info->text, ",busy=%.2f%%,depth=%" PRIu64 ",lent=%" PRIu64 ",wakes=%" PRIu64,
                 share > 100 ? 100 : share, f.depth, f.turns_lent, f.wakes);
    info_line(info, ",handoff_p50_us=%.1f,handoff_p99_us=%.1f,mode=%s",
              (double)f.handoff_p50_ns / 1000, (double)f.handoff_p99_ns / 1000,
              f.mode == STAGE_LENT ? "lent" : "home");
}

/* Threads are known by the stages at home there; each is shown with the first of them. */
static bool stages_home_was_shown(unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (stage_at(i)->home == stage_at(index)->home) return true;
    return false;
}

void info_show_stages(struct info *info)
{
    uint64_t now = clock_ticks();
    stages_sample(now);
    info_text(info, "plan", world()->plan);
    info_text(info, "io_backend", world()->io_backend);
    for (unsigned i = 0; i < stage_count(); i++) stages_show_one(info, stage_at(i), now);
    for (unsigned i = 0; i < stage_count(); i++) {
        struct thread *home = stage_at(i)->home;
        if (stages_home_was_shown(i)) continue;
        info_line(info, "thread_%s:cpu=%d,stages=%u,sleeps=%" PRIu64 ",cpu_usec=%" PRIu64,
                  home->name, home->cpu, home->stage_count, (uint64_t)home->sleeps,
                  thread_cpu_ns(home) / 1000);
    }
}
