/*
 * Calibration of the time-stamp counter: trusted only when the kernel itself uses it as its clock
 * source, or says that it is constant and never stops; its rate is measured once against
 * CLOCK_MONOTONIC.
 */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

bool clock_has_tsc = false;
uint64_t clock_ns_per_tick_q32 = 1ull << 32;

uint64_t clock_mono_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

int64_t clock_wall_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

#if defined(__x86_64__)
static bool clock_tsc_is_steady(void)
{
    FILE *f = fopen("/proc/cpuinfo", "re");
    if (f == NULL) return false;
    char line[8192];
    bool steady = false;
    while (!steady && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, "flags", 5) != 0) continue;
        steady = strstr(line, " constant_tsc") != NULL && strstr(line, " nonstop_tsc") != NULL;
        break;
    }
    fclose(f);
    return steady;
}

/* Both clocks at one time. */
struct clock_reading {
    uint64_t ns, ticks;
};

/* Of several readings the one that took the shortest, so that the thread was not interrupted
 * between the two. */
static struct clock_reading clock_read_both(void)
{
    struct clock_reading best = {0, 0};
    uint64_t shortest = UINT64_MAX;
    for (int i = 0; i < 16; i++) {
        uint64_t before = __rdtsc();
        uint64_t now = clock_mono_ns();
        uint64_t took = __rdtsc() - before;
        if (took >= shortest) continue;
        shortest = took;
        best = (struct clock_reading){now, before + took / 2};
    }
    return best;
}

static void clock_calibrate_tsc(void)
{
    struct clock_reading first = clock_read_both(), last;
    do {
        last = clock_read_both();
    } while (last.ns - first.ns < 2000000);
    clock_ns_per_tick_q32 =
        (uint64_t)(((unsigned __int128)(last.ns - first.ns) << 32) / (last.ticks - first.ticks));
}
#endif

void clock_open(void)
{
#if defined(__x86_64__)
    if (!clock_tsc_is_steady()) return;
    clock_calibrate_tsc();
    clock_has_tsc = true;
#endif
}
