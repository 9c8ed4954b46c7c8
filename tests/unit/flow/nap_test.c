/* Naps: who must be woken, and that nobody is forgotten. */
#include "unit/check.h"

#include "flow/handoff.h"
#include "flow/nap.h"

#include <pthread.h>
#include <semaphore.h>

static void whoever_is_awake_or_sleeps_is_woken(void **state)
{
    (void)state;
    struct nap n = {0};
    assert_false(nap_covers(&n, false, 1));
    assert_false(nap_covers(&n, true, 1));
    nap_begin(&n, NAP_DEEP, 10);
    nap_end(&n);
    assert_false(nap_covers(&n, false, 1));
    assert_false(nap_covers(&n, true, 1));
}

static void a_light_nap_covers_what_can_wait(void **state)
{
    (void)state;
    struct nap n = {0};
    nap_begin(&n, NAP_LIGHT, 0);
    assert_true(nap_covers(&n, false, 1));
    assert_false(nap_covers(&n, true, 1));
}

static void a_deep_nap_covers_the_urgent_until_it_is_enough(void **state)
{
    (void)state;
    struct nap n = {0};
    nap_begin(&n, NAP_DEEP, 10);
    assert_true(nap_covers(&n, false, 99));
    assert_true(nap_covers(&n, true, 9));
    assert_false(nap_covers(&n, true, 10));
}

/* ---- Two threads ---- */

enum { WORDS = 100000 };

static struct {
    struct nap nap;
    struct handoff ring;
    sem_t wake;
    _Atomic uint64_t taken;
} two;

static void *produce(void *arg)
{
    (void)arg;
    for (uint64_t i = 1; i <= WORDS; i++) {
        /* Now and then the consumer is let run dry, so that it goes to sleep. */
        while (i - atomic_load(&two.taken) > (i % 7 == 0 ? 1 : 500)) continue;
        handoff_push(&two.ring, i);
        if (!nap_covers(&two.nap, false, i)) sem_post(&two.wake);
    }
    return NULL;
}

/* True when there was something. */
static bool take_all(uint64_t *last)
{
    uint64_t word, before = *last;
    while (handoff_pop(&two.ring, &word)) {
        assert_int_equal(word, *last + 1);
        *last = word;
    }
    atomic_store(&two.taken, *last);
    return *last != before;
}

static void nothing_is_forgotten_when_a_nap_ends(void **state)
{
    (void)state;
    pthread_t producer;
    uint64_t last = 0;
    handoff_open(&two.ring, 1024);
    sem_init(&two.wake, 0, 0);
    assert_int_equal(pthread_create(&producer, NULL, produce, NULL), 0);
    while (last < WORDS) {
        if (take_all(&last)) {
            nap_begin(&two.nap, NAP_LIGHT, 0);
            continue;
        }
        nap_end(&two.nap);
        if (take_all(&last)) continue;
        while (sem_wait(&two.wake) != 0) continue; /* for ever, if it were forgotten */
    }
    pthread_join(producer, NULL);
    sem_destroy(&two.wake);
    handoff_close(&two.ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_is_awake_or_sleeps_is_woken),
        cmocka_unit_test(a_light_nap_covers_what_can_wait),
        cmocka_unit_test(a_deep_nap_covers_the_urgent_until_it_is_enough),
        cmocka_unit_test(nothing_is_forgotten_when_a_nap_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
