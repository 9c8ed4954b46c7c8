/* Handoffs: order, wrap-around of the ring and of the counters, fullness, and two threads. */
#include "unit/check.h"

#include "flow/handoff.h"

#include <pthread.h>
#include <sched.h>

static void words_come_out_in_order_across_the_wrap(void **state)
{
    (void)state;
    struct handoff h;
    handoff_open(&h, 8);
    uint64_t in = 0, out = 0, word, seed = 11;
    for (int round = 0; round < 5000; round++) {
        for (uint64_t n = check_random(&seed) % 9; n > 0 && handoff_try_push(&h, in); n--) in++;
        assert_int_equal(handoff_depth(&h), in - out);
        for (uint64_t n = check_random(&seed) % 9; n > 0 && handoff_pop(&h, &word); n--)
            assert_int_equal(word, out++);
    }
    assert_true(out > 1000);
    handoff_close(&h);
}

static void a_ring_holds_at_least_what_was_asked_and_then_says_full(void **state)
{
    (void)state;
    for (uint64_t wanted = 1; wanted < 70; wanted++) {
        struct handoff h;
        handoff_open(&h, wanted);
        uint64_t held = 0, word;
        while (handoff_try_push(&h, held)) held++;
        assert_true(held >= wanted);
        assert_int_equal(handoff_depth(&h), held);
        assert_false(handoff_try_push(&h, 99));
        assert_true(handoff_pop(&h, &word));
        assert_int_equal(word, 0);
        assert_true(handoff_try_push(&h, held)); /* one out, one in */
        assert_false(handoff_try_push(&h, 99));
        for (uint64_t i = 1; i <= held; i++) {
            assert_true(handoff_pop(&h, &word));
            assert_int_equal(word, i);
        }
        assert_false(handoff_pop(&h, &word));
        assert_null(handoff_pop_ptr(&h));
        handoff_close(&h);
    }
}

static void counters_may_pass_their_largest_number(void **state)
{
    (void)state;
    struct handoff h;
    handoff_open(&h, 8);
    uint64_t start = UINT64_MAX - 5, word;
    atomic_store(&h.tail, start);
    atomic_store(&h.head, start);
    h.head_seen = h.tail_seen = start;
    for (uint64_t i = 0; i < 40; i++) {
        for (uint64_t j = 0; j < 8; j++) handoff_push(&h, i * 8 + j);
        assert_false(handoff_try_push(&h, 0));
        for (uint64_t j = 0; j < 8; j++) {
            assert_true(handoff_pop(&h, &word));
            assert_int_equal(word, i * 8 + j);
        }
        assert_false(handoff_pop(&h, &word));
    }
    handoff_close(&h);
}

enum { CARRIED = 200000 };

struct parcel {
    uint64_t a, b; /* plain memory that only the ring's orders protect */
};

static struct parcel parcels[CARRIED];

static void *produce(void *arg)
{
    struct handoff *h = arg;
    for (uint64_t i = 0; i < CARRIED; i++) {
        parcels[i] = (struct parcel){.a = i, .b = ~i};
        while (!handoff_try_push(h, (uint64_t)(uintptr_t)&parcels[i])) sched_yield();
    }
    return NULL;
}

static void two_threads_lose_and_tear_nothing(void **state)
{
    (void)state;
    struct handoff h;
    handoff_open(&h, 64);
    pthread_t producer;
    assert_int_equal(pthread_create(&producer, NULL, produce, &h), 0);
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < CARRIED;) {
        const struct parcel *p = handoff_pop_ptr(&h);
        if (p == NULL) {
            sched_yield();
            continue;
        }
        wrong += p != &parcels[i] || p->a != i || p->b != ~i;
        i++;
    }
    pthread_join(producer, NULL);
    assert_int_equal(wrong, 0);
    assert_int_equal(handoff_depth(&h), 0);
    handoff_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_come_out_in_order_across_the_wrap),
        cmocka_unit_test(a_ring_holds_at_least_what_was_asked_and_then_says_full),
        cmocka_unit_test(counters_may_pass_their_largest_number),
        cmocka_unit_test(two_threads_lose_and_tear_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
