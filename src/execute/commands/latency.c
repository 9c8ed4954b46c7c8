/*
 * LATENCY, but for what is told in words and drawings (latency_report.c).
 *
 * The steps of a histogram are those that clients of Redis know: powers of two of nanoseconds from
 * 1,024, shown in whole microseconds, each as the top of its cell in a histogram of 7 bits.
 */
#include "execute/commands/table.h"
#include "execute/core/latency.h"
#include "execute/core/stats.h"

#define FIRST_STEP 10
#define LAST_STEP 62

static uint64_t step_top_ns(unsigned step)
{
    return (UINT64_C(1) << step) + (UINT64_C(1) << (step - 7)) - 1;
}

/* Cumulative counts, only where they grow. */
static void latency_show_steps(struct call *c, const struct histogram *h)
{
    size_t mark = reply_defer(c);
    uint64_t shown = 0;
    uint64_t before = 0;
    for (unsigned step = FIRST_STEP; step <= LAST_STEP && before < h->count; step++) {
        uint64_t count = step == LAST_STEP ? h->count : histogram_count_to(h, step_top_ns(step));
        if (count == before) continue;
        reply_int(c, (int64_t)(step_top_ns(step) / 1000));
        reply_int(c, (int64_t)count);
        before = count;
        shown++;
    }
    reply_defer_map(c, mark, shown);
}

/* Gives how many entries were shown. */
static uint64_t latency_show_command(struct call *c, const struct command_spec *spec)
{
    const struct histogram *h = stats_of(spec->id)->latency;
    if (h == NULL) return 0;
    reply_text(c, spec->full);
    reply_map(c, 2);
    reply_text(c, "calls");
    reply_int(c, (int64_t)h->count);
    reply_text(c, "histogram_usec");
    latency_show_steps(c, h);
    return 1;
}

/* The command, or the subcommands of a container. */
static uint64_t latency_show_family(struct call *c, const struct command_spec *spec)
{
    uint64_t shown = latency_show_command(c, spec);
    if (!spec->is_container) return shown;
    for (int id = 0; id < CMD_COUNT; id++) {
        const struct command_spec *sub = command_by_id((enum command_id)id);
        if (sub->parent != NULL && strcmp(sub->parent, spec->name) == 0)
            shown += latency_show_command(c, sub);
    }
    return shown;
}

enum run_result cmd_LATENCY_HISTOGRAM(struct call *c)
{
    size_t mark = reply_defer(c);
    uint64_t shown = 0;
    if (c->nargs == 2)
        for (int id = 0; id < CMD_COUNT; id++)
            shown += latency_show_command(c, command_by_id((enum command_id)id));
    for (uint32_t i = 2; i < c->nargs; i++) {
        const struct command_spec *spec = command_named(arg(c, i));
        if (spec != NULL) shown += latency_show_family(c, spec);
    }
    return reply_defer_map(c, mark, shown);
}

/* ---- The latency monitor ---- */

enum run_result cmd_LATENCY_LATEST(struct call *c)
{
    size_t mark = reply_defer(c);
    uint64_t shown = 0;
    for (unsigned i = 0; i < LATENCY_EVENTS; i++) {
        enum latency_event e = (enum latency_event)i;
        uint32_t count = latency_count(e);
        if (count == 0) continue;
        struct latency_sample last = latency_sample(e, count - 1);
        reply_array(c, 4);
        reply_text(c, latency_name(e));
        reply_int(c, last.at_s);
        reply_int(c, (int64_t)last.ms);
        reply_int(c, (int64_t)latency_longest_ms(e));
        shown++;
    }
    return reply_defer_array(c, mark, shown);
}

enum run_result cmd_LATENCY_HISTORY(struct call *c)
{
    enum latency_event e = latency_find(arg(c, 2));
    uint32_t count = e == LATENCY_EVENTS ? 0 : latency_count(e);
    reply_array(c, count);
    for (uint32_t i = 0; i < count; i++) {
        struct latency_sample sample = latency_sample(e, i);
        reply_array(c, 2);
        reply_int(c, sample.at_s);
        reply_int(c, (int64_t)sample.ms);
    }
    return RUN_OK;
}

enum run_result cmd_LATENCY_RESET(struct call *c)
{
    int64_t count = 0;
    for (unsigned e = 0; e < LATENCY_EVENTS && c->nargs == 2; e++)
        count += latency_reset((enum latency_event)e);
    for (uint32_t i = 2; i < c->nargs; i++) {
        enum latency_event e = latency_find(arg(c, i));
        if (e != LATENCY_EVENTS) count += latency_reset(e);
    }
    return reply_int(c, count);
}

enum run_result cmd_LATENCY_HELP(struct call *c)
{
    static const char *const lines[] = {
        "DOCTOR",
        "    What the latency monitor saw, in words, with advice.",
        "GRAPH <event>",
        "    The samples of an event as a drawing.",
        "HISTOGRAM [<command> ...]",
        "    How many calls took at most 1, 2, 4, ... microseconds, for each command or for those",
        "    named and their subcommands.",
        "HISTORY <event>",
        "    The samples of an event, oldest first: Unix time and milliseconds.",
        "LATEST",
        "    Of each event its name, and time and milliseconds of the latest sample; then the most",
        "    milliseconds that there were.",
        "RESET [<event> ...]",
        "    Forgets the samples of all events of the latency monitor, or of the named ones.",
        NULL,
    };
    return reply_help(c, lines);
}
