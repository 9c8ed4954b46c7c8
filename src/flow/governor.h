/*
 * The governor decides by trial whether stages are lent or run at home.
 *
 * Lending costs the least CPU; a home of its own pays only when the thread that lends is busy all
 * the time and another CPU is free, and the second cannot be seen from inside. So when the front
 * thread's demand (time on a CPU and time waiting for one, by wall time) stays near 100 %, the
 * governor measures the throughput, sends the stages home, measures again, and keeps what is
 * better; it tries again after a pause that doubles with each trial that changed nothing. It sleeps
 * when there is no load. Figures: reference measurements of the design, part 2: demand alone was a
 * bad signal (1.3 times the CPU), a trial was right six times of six.
 */
#ifndef FLOW_GOVERNOR_H
#define FLOW_GOVERNOR_H

#include "flow/stage.h"

#include <stdbool.h>

struct governor;

/*
 * Governs the lendable stages in `stages` whose home is not `front`, by the items that the stage
 * `measure` does. `measure` has its home on `front`. NULL when there is nothing to govern.
 */
struct governor *governor_open(struct thread *front, struct stage *measure, struct stage **stages,
                               unsigned count);
void governor_close(struct governor *g);

/* The front thread, between rounds. Cheap: most calls only compare the time. */
void governor_tick(struct governor *g, uint64_t now_ns);

/* For INFO, any thread: trials made, trials that changed the mode, and whether the stages are at
 * home now. */
struct governor_facts {
    uint64_t trials, changes;
    bool at_home;
};
void governor_read(const struct governor *g, struct governor_facts *out);

#endif
