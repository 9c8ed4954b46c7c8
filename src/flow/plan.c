/* Reading the plan line, and counting CPUs. Runs at the start, before threads. */
#include "flow/plan.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int plan_kind(const char *name, size_t len, const char *const *kinds)
{
    for (int k = 0; kinds[k] != NULL; k++)
        if (strlen(kinds[k]) == len && strncmp(kinds[k], name, len) == 0) return k;
    return -1;
}

/* One thread's text, without its copies, into `t` with indexes still open. */
static int plan_parse_thread(struct plan_thread *t, const char *text, size_t len,
                             const char *const *kinds, char *error, size_t error_len)
{
    *t = (struct plan_thread){0};
    const char *end = text + len;
    while (text <= end) {
        const char *plus = memchr(text, '+', (size_t)(end - text));
        size_t n = (size_t)((plus != NULL ? plus : end) - text);
        int kind = plan_kind(text, n, kinds);
        if (kind < 0) {
            snprintf(error, error_len, "'%.*s' is not a stage", (int)n, text);
            return -EINVAL;
        }
        if (t->stage_count == PLAN_STAGES_MAX) {
            snprintf(error, error_len, "too many stages on one thread");
            return -EINVAL;
        }
        t->stages[t->stage_count++].kind = kind;
        text += n + 1;
    }
    return 0;
}

static int plan_add_copies(struct plan *p, const struct plan_thread *t, long copies, char *error,
                           size_t error_len)
{
    if (copies < 1 || copies > PLAN_THREADS_MAX - p->thread_count) {
        snprintf(error, error_len, "a plan has 1 to %d threads", PLAN_THREADS_MAX);
        return -EINVAL;
    }
    for (long c = 0; c < copies; c++) {
        struct plan_thread *to = &p->threads[p->thread_count++];
        *to = *t;
        for (int s = 0; s < to->stage_count; s++)
            to->stages[s].index = p->kind_count[to->stages[s].kind]++;
    }
    return 0;
}

int plan_parse(struct plan *out, const char *line, const char *const *kinds, char *error,
               size_t error_len)
{
    memset(out, 0, sizeof(*out));
    char tight[512]; /* without blanks */
    size_t len_tight = 0;
    for (const char *c = line; *c != '\0'; c++) {
        if (*c == ' ' || *c == '\t') continue;
        if (len_tight == sizeof(tight) - 1) {
            snprintf(error, error_len, "too long");
            return -EINVAL;
        }
        tight[len_tight++] = *c;
    }
    tight[len_tight] = '\0';
    const char *at = tight;
    for (;;) {
        size_t len = strcspn(at, "/");
        const char *star = memchr(at, '*', len);
        long copies = 1;
        size_t text_len = len;
        if (star != NULL) {
            char *end;
            copies = strtol(star + 1, &end, 10);
            text_len = (size_t)(star - at);
            if (end != at + len || end == star + 1) copies = 0;
        }
        struct plan_thread t;
        int rc = plan_parse_thread(&t, at, text_len, kinds, error, error_len);
        if (rc == 0) rc = plan_add_copies(out, &t, copies, error, error_len);
        if (rc != 0) return rc;
        if (at[len] == '\0') return 0;
        at += len + 1;
    }
}

/* CPUs that the quota of the cgroup is worth, rounded up; 0 when there is none. */
static int plan_quota(void)
{
    long long quota = -1;
    long long period = 100000;
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (f != NULL) {
        if (fscanf(f, "%lld %lld", &quota, &period) != 2) quota = -1;
        fclose(f);
    } else if ((f = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "re")) != NULL) {
        if (fscanf(f, "%lld", &quota) != 1) quota = -1;
        fclose(f);
        f = fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "re");
        if (f != NULL) {
            if (fscanf(f, "%lld", &period) != 1) period = 100000;
            fclose(f);
        }
    }
    if (quota <= 0 || period <= 0) return 0;
    return (int)((quota + period - 1) / period);
}

int plan_cpus(int *cpus, int max, unsigned first)
{
    cpu_set_t set;
    int found[CPU_SETSIZE];
    int n = 0;
    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        for (int c = 0; c < CPU_SETSIZE; c++)
            if (CPU_ISSET((unsigned)c, &set)) found[n++] = c;
    }
    if (n == 0) found[n++] = 0;
    int quota = plan_quota();
    int count = quota > 0 && quota < n ? quota : n;
    if (count > max) count = max;
    for (int i = 0; i < count; i++) cpus[i] = found[(first + (unsigned)i) % (unsigned)n];
    return count;
}
