/*
 * The loop. Before it sleeps a thread publishes until when, and then looks once more at the tokens
 * and deadlines of its stages: whoever leaves work after that look sees that the thread sleeps, and
 * pokes it. Both sides use seq_cst, so one of them sees the other.
 */
#include "flow/thread.h"

#include "base/clock.h"
#include "base/must.h"
#include "flow/governor.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 256,
    THREAD_STACK_BYTES = 8 << 20, /* a script's recursion takes up to 3 MB; the shell's limit may be
                                     less */
};

struct event_queue {
    struct poll_event events[EVENTS_MAX];
    unsigned first, count;
};

void thread_init(struct thread *th, const char *name, int cpu, enum poller_kind kind)
{
    memset(th, 0, sizeof(*th));
    snprintf(th->name, sizeof(th->name), "%s", name);
    th->cpu = cpu;
    th->poller_kind = kind;
}

void thread_add_stage(struct thread *th, struct stage *s)
{
    must(th->stage_count < THREAD_STAGES_MAX);
    th->stages[th->stage_count++] = s;
    s->home = th;
}

void thread_watch_for(struct thread *th, struct stage *s)
{
    must(th->guest == NULL && s->home != NULL && s->home != th);
    th->guest = s;
    s->lendable = true;
    stage_set_mode(s, STAGE_LENT);
    s->watcher = th;
}

void thread_call_guest(struct thread *th)
{
    atomic_store(&th->guest_called, true);
    thread_poke(th);
}

void thread_poke(struct thread *th)
{
    if (atomic_load(&th->sleeps_until_ns) == 0) return;
    if (atomic_exchange(&th->sleeps_until_ns, 0) != 0) poller_wake(th->poller);
}

/* ---- Events ---- */

static struct event_queue *thread_queue(struct thread *th, unsigned stage_index)
{
    for (unsigned i = 0; i < th->stage_count; i++)
        if (th->stages[i]->index == stage_index) return &th->queues[i];
    if (th->guest != NULL && th->guest->index == stage_index) return &th->queues[th->stage_count];
    return NULL;
}

struct poll_event *thread_event(struct thread *th, const struct stage *s)
{
    struct event_queue *q = thread_queue(th, s->index);
    must(q != NULL);
    return q->count == 0 ? NULL : &q->events[q->first];
}

void thread_event_done(struct thread *th, const struct stage *s)
{
    struct event_queue *q = thread_queue(th, s->index);
    poller_release(th->poller, &q->events[q->first]);
    q->first++;
    if (--q->count == 0) q->first = 0;
}

static bool thread_has_events(const struct thread *th)
{
    for (unsigned i = 0; i <= th->stage_count; i++) /* the guest's too */
        if (th->queues[i].count > 0) return true;
    return false;
}

/* Takes new events in; all queues are empty. */
static void thread_poll(struct thread *th, uint64_t timeout_ns)
{
    struct poll_event events[EVENTS_MAX];
    int n = poller_wait(th->poller, events, EVENTS_MAX, timeout_ns);
    for (int i = 0; i < n; i++) {
        struct event_queue *q = thread_queue(th, (unsigned)(events[i].tag >> 56));
        must(q != NULL && q->count < EVENTS_MAX);
        q->events[q->count++] = events[i];
    }
}

/* ---- Rounds ---- */

static bool thread_run_guest(struct thread *th)
{
    if (th->guest == NULL) return false;
    bool called = atomic_load(&th->guest_called) && atomic_exchange(&th->guest_called, false);
    if (!called && th->queues[th->stage_count].count == 0) return false;
    stage_run_or_leave(th->guest, th);
    return true;
}

/* The turns that gave way to what came in meanwhile. */
static bool thread_run_unfinished(struct thread *th)
{
    uint64_t unfinished = th->unfinished;
    th->unfinished = 0;
    for (uint64_t left = unfinished; left != 0; left &= left - 1)
        stage_run_or_leave(stage_at((unsigned)__builtin_ctzll(left)), th);
    return unfinished != 0;
}

/* Runs the turns that have a reason to run here. True when one did. */
static bool thread_run_stages(struct thread *th, uint64_t now_ns)
{
    bool did = thread_run_guest(th);
    for (unsigned i = 0; i < th->stage_count; i++) {
        struct stage *s = th->stages[i];
        bool wanted = th->queues[i].count > 0 || stage_was_left(s) ||
                      atomic_load_explicit(&s->due_ns, memory_order_relaxed) <= now_ns;
        if (wanted && stage_run_at_home(s)) did = true;
    }
    return thread_run_unfinished(th) || did;
}

/* When the first stage at home is due. One whose turn is run elsewhere right now gets another look
 * in a millisecond. */
static uint64_t thread_next_due(struct thread *th, uint64_t now_ns)
{
    uint64_t due = UINT64_MAX;
    for (unsigned i = 0; i < th->stage_count; i++) {
        uint64_t d = atomic_load(&th->stages[i]->due_ns);
        if (d <= now_ns && stage_is_held(th->stages[i])) d = now_ns + 1000000;
        if (d < due) due = d;
    }
    return due;
}

static bool thread_is_wanted(struct thread *th, uint64_t until_ns)
{
    if (atomic_load(&th->stopping) || atomic_load(&th->guest_called)) return true;
    if (th->unfinished != 0) return true;
    for (unsigned i = 0; i < th->stage_count; i++) {
        struct stage *s = th->stages[i];
        if (stage_was_left(s)) return true;
        if (atomic_load(&s->due_ns) < until_ns && !stage_is_held(s)) return true;
    }
    return false;
}

bool thread_round(struct thread *th, uint64_t timeout_ns)
{
    /* A stage that could not take its events (out of batches, or its turn is run by another) gets
     * them again soon. */
    if (thread_has_events(th)) {
        if (timeout_ns > 0)
            poller_wait_for_wake(th->poller, timeout_ns < 1000000 ? timeout_ns : 1000000);
    } else {
        thread_poll(th, timeout_ns);
    }
    atomic_store(&th->sleeps_until_ns, 0);
    uint64_t now_ns = clock_mono_ns();
    if (th->governor != NULL) governor_tick(th->governor, now_ns);
    return thread_run_stages(th, now_ns);
}

/* Sleeps until an event, a poke or the next deadline; then one round. */
static void thread_sleep(struct thread *th)
{
    uint64_t now = clock_mono_ns();
    uint64_t due = thread_next_due(th, now);
    atomic_store(&th->sleeps_until_ns, due);
    uint64_t timeout = 0;
    if (!thread_is_wanted(th, due)) {
        timeout = due == UINT64_MAX ? UINT64_MAX : due > now ? due - now : 0;
    }
    if (timeout > 0) {
        atomic_store_explicit(&th->sleeps,
                              atomic_load_explicit(&th->sleeps, memory_order_relaxed) + 1,
                              memory_order_relaxed);
    }
    thread_round(th, timeout);
}

void thread_breathe(struct thread *th)
{
    if (!thread_has_events(th)) thread_poll(th, 0);
    thread_run_stages(th, clock_mono_ns());
}

void thread_loop(struct thread *th)
{
    while (!atomic_load(&th->stopping)) thread_sleep(th);
}

/* ---- Life ---- */

uint64_t thread_cpu_ns(const struct thread *th)
{
    clockid_t clock;
    struct timespec ts;
    if (th->pthread == 0 || pthread_getcpuclockid(th->pthread, &clock) != 0) return 0;
    if (clock_gettime(clock, &ts) != 0) return 0;
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

struct thread_start {
    struct thread *th;
    void (*started)(void);
    sem_t ready;
};

static void thread_pin(struct thread *th)
{
    if (th->cpu < 0) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)th->cpu, &set);
    pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

/* Linux keeps niceness by thread. Where it may not be changed nothing is lost but ease. */
static void thread_give_way(const struct thread *th)
{
    if (th->nice == 0) return;
    id_t self = (id_t)gettid();
    setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + th->nice);
}

static void *thread_main(void *arg)
{
    struct thread_start *start = arg;
    struct thread *th = start->th;
    pthread_setname_np(pthread_self(), th->name);
    thread_pin(th);
    thread_give_way(th);
    th->start_error = poller_open(&th->poller, th->poller_kind);
    if (th->start_error == 0) poller_set_gathering(th->poller, th->gather_ns);
    if (start->started != NULL) start->started();
    bool failed = th->start_error != 0;
    sem_post(&start->ready); /* `start` is gone after this */
    if (failed) return NULL;
    thread_loop(th);
    return NULL;
}

void thread_adopt(struct thread *th, struct poller *poller)
{
    th->queues = calloc(th->stage_count + 1, sizeof(*th->queues));
    must(th->queues != NULL);
    th->poller = poller;
}

void thread_release(struct thread *th)
{
    poller_close(th->poller);
    free(th->queues);
}

int thread_start(struct thread *th, void (*started)(void))
{
    th->queues = calloc(th->stage_count + 1, sizeof(*th->queues));
    must(th->queues != NULL);
    struct thread_start start = {.th = th, .started = started};
    sem_init(&start.ready, 0, 0);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
    int rc = pthread_create(&th->pthread, &attr, thread_main, &start);
    pthread_attr_destroy(&attr);
    if (rc == 0) {
        while (sem_wait(&start.ready) != 0) must(errno == EINTR);
        rc = -th->start_error;
        if (rc != 0) pthread_join(th->pthread, NULL);
    }
    sem_destroy(&start.ready);
    return -rc;
}

void thread_stop(struct thread *th)
{
    atomic_store(&th->stopping, true);
    poller_wake(th->poller);
    pthread_join(th->pthread, NULL);
    thread_release(th);
}
