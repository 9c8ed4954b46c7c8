/*
 * The credit word: each interleaving of sleeper and poster by hand, then two threads that hunt for
 * a lost wake-up.
 */
#include "unit/check.h"

#include "flow/credit.h"
#include "flow/handoff.h"

#include <pthread.h>
#include <semaphore.h>
#include <time.h>

static void a_post_to_a_sleeper_says_wake(void **state)
{
    (void)state;
    struct credit c = {0};
    assert_true(credit_sleep(&c));
    assert_true(credit_post(&c));
    assert_false(credit_post(&c)); /* it has been woken already */
}

static void a_post_before_the_sleep_forbids_it_once(void **state)
{
    (void)state;
    struct credit c = {0};
    assert_false(credit_post(&c));
    assert_false(credit_sleep(&c)); /* look again */
    assert_true(credit_sleep(&c));
    assert_true(credit_post(&c));
}

static void after_an_old_post_the_next_one_still_wakes(void **state)
{
    (void)state;
    struct credit c = {0};
    assert_false(credit_post(&c));
    assert_false(credit_sleep(&c));
    /* The sleeper found nothing and left all the same: the word says that it sleeps. */
    assert_true(credit_post(&c));
}

enum { POSTS = 100000, LIVE_MAX = 3, DEADLINE_S = 60 };

static struct {
    struct credit credit;
    struct handoff home, away; /* things lent and given back */
    sem_t turn, given;
    uint64_t sleeps;
} lend;

static bool wait_for(sem_t *sem)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += DEADLINE_S;
    return sem_clockwait(sem, CLOCK_MONOTONIC, &until) == 0;
}

/* Gives each thing back at once, or a little later. */
static void *give_back(void *arg)
{
    (void)arg;
    uint64_t seed = 5, word;
    for (uint64_t i = 0; i < POSTS; i++) {
        if (!wait_for(&lend.given)) return NULL;
        bool there = handoff_pop(&lend.away, &word);
        must(there);
        for (volatile uint64_t spin = check_random(&seed) % 200; spin > 0;) spin = spin - 1;
        handoff_push(&lend.home, word);
        if (credit_post(&lend.credit)) sem_post(&lend.turn);
    }
    return NULL;
}

/* One thing in hand; false when the wake-up was lost. */
static bool take_one(uint64_t *word)
{
    while (!handoff_pop(&lend.home, word)) {
        if (!credit_sleep(&lend.credit)) continue;
        lend.sleeps++;
        if (!wait_for(&lend.turn)) return false;
    }
    return true;
}

static void no_wake_up_is_lost_between_two_threads(void **state)
{
    (void)state;
    handoff_open(&lend.home, LIVE_MAX);
    handoff_open(&lend.away, LIVE_MAX);
    sem_init(&lend.turn, 0, 0);
    sem_init(&lend.given, 0, 0);
    for (uint64_t i = 0; i < LIVE_MAX; i++) handoff_push(&lend.home, i);
    pthread_t poster;
    assert_int_equal(pthread_create(&poster, NULL, give_back, NULL), 0);
    bool lost = false;
    for (uint64_t i = 0; i < POSTS && !lost; i++) {
        uint64_t word = 0;
        lost = !take_one(&word);
        handoff_push(&lend.away, word);
        sem_post(&lend.given);
    }
    assert_false(lost);
    pthread_join(poster, NULL);
    assert_int_equal(handoff_depth(&lend.home), LIVE_MAX);
    assert_true(lend.sleeps > 0);
    handoff_close(&lend.home);
    handoff_close(&lend.away);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_post_to_a_sleeper_says_wake),
        cmocka_unit_test(a_post_before_the_sleep_forbids_it_once),
        cmocka_unit_test(after_an_old_post_the_next_one_still_wakes),
        cmocka_unit_test(no_wake_up_is_lost_between_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
