/*
 * A plan says which stages have their home on which thread, in one line: stages of a thread joined
 * by '+', threads by '/', copies of a thread by '*n'; blanks count for nothing.
 * "accept/parse+write*2/execute" is four threads, two of them home to a parser and a writer each.
 */
#ifndef FLOW_PLAN_H
#define FLOW_PLAN_H

#include <stddef.h>

#define PLAN_THREADS_MAX 64
#define PLAN_STAGES_MAX 8 /* of one thread */

struct plan_thread {
    struct {
        int kind;  /* index into the names given to plan_parse() */
        int index; /* 0, 1, ... among the stages of that kind */
    } stages[PLAN_STAGES_MAX];
    int stage_count;
};

struct plan {
    struct plan_thread threads[PLAN_THREADS_MAX];
    int thread_count;
    int kind_count[16]; /* how many stages of each kind */
};

/* `kinds` ends with NULL. 0, or -EINVAL with a reason in `error`. */
int plan_parse(struct plan *out, const char *line, const char *const *kinds, char *error,
               size_t error_len);

/*
 * The CPUs that this process may use: their numbers in `cpus` (at most `max`), limited by affinity
 * and by the quota of its cgroup, at least 1. With a quota the count may be smaller than the CPUs
 * of the affinity; the first are given, rotated by `first`, so that several servers of one host do
 * not all begin on the same CPU.
 */
int plan_cpus(int *cpus, int max, unsigned first);

#endif
