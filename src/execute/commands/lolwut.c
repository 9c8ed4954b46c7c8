/*
 * LOLWUT: a drawing of a relay, other in each run. Four runners (or as many as asked for) in their
 * lanes, each with the baton in hand, on their way to the line.
 */
#include "base/random.h"
#include "codec/number.h"
#include "execute/commands/table.h"
#include "version.h"

enum { LOLWUT_LANES = 4, LOLWUT_LANES_MAX = 20, LOLWUT_WIDTH = 60, LOLWUT_WIDTH_MAX = 200 };
#define LOLWUT_RUNNER_WIDTH 7

static const char *const lolwut_runner[] = {
    "   O   ",
    "  /|=- ",
    " _/ \\_ ",
};
enum { LOLWUT_ROWS = 3 };

static void lolwut_fill(struct reply *r, char ch, size_t count)
{
    for (size_t i = 0; i < count; i++) reply_raw(r, &ch, 1);
}

/* One lane: who is in it stands at `at`, with the wind behind. */
static void lolwut_draw_lane(struct reply *r, struct random *random, size_t width)
{
    size_t at = (size_t)random_below(random, width - LOLWUT_RUNNER_WIDTH);
    for (unsigned row = 0; row < LOLWUT_ROWS; row++) {
        size_t wind = (size_t)random_below(random, at / 3 + 1);
        lolwut_fill(r, ' ', at - wind);
        lolwut_fill(r, '~', wind);
        reply_printf(r, "%s", lolwut_runner[row]);
        lolwut_fill(r, ' ', width - LOLWUT_RUNNER_WIDTH - at);
        reply_printf(r, "#\n");
    }
    lolwut_fill(r, '-', width);
    reply_printf(r, "#\n");
}

/* An optional size: kept between 1 (a runner's width) and `max`. */
static bool lolwut_size(struct call *c, uint32_t i, int64_t least, int64_t max, int64_t *size)
{
    if (i >= c->nargs) return true;
    if (!call_int(c, i, size)) return false;
    if (*size < least) *size = least;
    if (*size > max) *size = max;
    return true;
}

/* LOLWUT [VERSION v] [lanes] [width]. There is one drawing, whatever version is asked for. */
enum run_result cmd_LOLWUT(struct call *c)
{
    int64_t version, lanes = LOLWUT_LANES, width = LOLWUT_WIDTH;
    uint32_t first = 1;
    if (c->nargs >= 3 && call_arg_is(c, 1, "version")) {
        if (!call_int(c, 2, &version)) return RUN_ERROR;
        first = 3;
    }
    if (!lolwut_size(c, first, 1, LOLWUT_LANES_MAX, &lanes)) return RUN_ERROR;
    if (!lolwut_size(c, first + 1, LOLWUT_RUNNER_WIDTH + 1, LOLWUT_WIDTH_MAX, &width))
        return RUN_ERROR;

    struct random random;
    uint64_t seed;
    random_secret(&seed, sizeof(seed));
    random_seed(&random, seed);
    struct reply r = {0};
    for (int64_t i = 0; i < lanes; i++) lolwut_draw_lane(&r, &random, (size_t)width);
    reply_printf(&r, "\nBaton %s hands over. Redis ver. %s\n", BATON_VERSION, BATON_REDIS_VERSION);
    reply_verbatim(c, bytes_make(r.buf, r.len), "txt");
    reply_release(&r);
    return RUN_OK;
}
