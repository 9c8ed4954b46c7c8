/*
 * Lists that all clients push to and wait for. Every value is pushed once, so it is popped once or
 * is there at the end; what a client that died may have popped unseen is counted. One client pops
 * the values of another from one list in the order in which they were pushed. And a pop does not
 * time out while a value is there for sure: from when its push was answered until somebody asked
 * for what popped it.
 */
#include "sim/sim.h"

#include <string.h>

enum { VALUES = 4096, TIMEOUTS = 4096, CLIENTS = 32 };

struct value {
    int pusher, list;
    uint64_t pushed_ns; /* when the answer had come; UINT64_MAX: never */
    bool popped;
};

/* A pop that found nothing, between these times. */
struct timeout {
    int list;
    uint64_t from_ns, to_ns;
};

static struct {
    int value_count, timeout_count;
    unsigned lost;
    struct value values[VALUES];
    struct timeout timeouts[TIMEOUTS];
    int seen[CLIENTS][LISTS][CLIENTS]; /* popper, list, pusher: the last value, plus one */
} lists;

void lists_open(void) { memset(&lists, 0, sizeof(lists)); }

bool lists_are_full(int more) { return lists.value_count + more > VALUES; }

int lists_push(int client, int list)
{
    lists.values[lists.value_count] =
        (struct value){.pusher = client, .list = list, .pushed_ns = UINT64_MAX};
    return lists.value_count++;
}

void lists_pushed(int value) { lists.values[value].pushed_ns = kernel_now_ns; }

void lists_lost(void) { lists.lost++; }

/* The value was there until `until_ns` at least. */
static void lists_check_timeouts(int number, uint64_t until_ns)
{
    const struct value *v = &lists.values[number];
    for (int i = 0; i < lists.timeout_count; i++) {
        const struct timeout *t = &lists.timeouts[i];
        if (t->list == v->list && v->pushed_ns < t->from_ns && t->to_ns < until_ns)
            sim_fail("a pop from list %d timed out while value %d was there", v->list, number);
    }
}

static struct value *lists_value(int number)
{
    if (number < 0 || number >= lists.value_count) sim_fail("value %d was not pushed", number);
    return &lists.values[number];
}

/* By now somebody may have popped it. */
void lists_moved(int number) { (void)lists_value(number); }

void lists_popped(const struct list_pop *pop, int client, int list, int number)
{
    struct value *v = lists_value(number);
    if (v->popped) sim_fail("value %d was popped twice", number);
    v->popped = true;
    if (sim_choices.moves) return; /* it may be in any list, in any order */
    if (list != v->list || (pop->list != list && pop->list != LISTS))
        sim_fail("value %d of list %d was popped from %d", number, v->list, list);
    int *seen = &lists.seen[client][list][v->pusher];
    if (number < *seen) sim_fail("client %d got value %d after %d", client, number, *seen - 1);
    *seen = number + 1;
    lists_check_timeouts(number, pop->sent_ns);
}

void lists_timed_out(const struct list_pop *pop)
{
    if (sim_choices.unblocks || sim_choices.moves) return;
    /* The server counts whole milliseconds. */
    uint64_t from_ns = pop->sent_ns + pop->timeout_ms * 1000000;
    if (kernel_now_ns + 2000000 < from_ns) sim_fail("a pop timed out too early");
    for (int list = 0; list < LISTS && lists.timeout_count < TIMEOUTS; list++)
        if (pop->list == list || pop->list == LISTS)
            lists.timeouts[lists.timeout_count++] =
                (struct timeout){list, from_ns - 2000000, kernel_now_ns};
}

void lists_check_end(void)
{
    unsigned missing = 0;
    for (int i = 0; i < lists.value_count; i++)
        missing += lists.values[i].pushed_ns != UINT64_MAX && !lists.values[i].popped;
    if (missing > lists.lost)
        sim_fail("%u values are gone, and clients died in %u pops", missing, lists.lost);
}
