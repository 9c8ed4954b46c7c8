/* Sorting by keys: random, sorted, equal and hostile input against what must hold of any order. */
#include "unit/check.h"

#include "base/keysort.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { MOST = 20000 };

static int compare(const void *a, const void *b)
{
    const struct keysort_item *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->ref < y->ref ? -1 : x->ref > y->ref;
}

static void check_sorted(const struct keysort_item *in, size_t n, size_t from, size_t to)
{
    static struct keysort_item got[MOST], wanted[MOST];
    memcpy(got, in, n * sizeof *in);
    memcpy(wanted, in, n * sizeof *in);
    qsort(wanted, n, sizeof *wanted, compare);
    keysort(got, n, from, to, NULL, NULL);
    if (from < to) assert_memory_equal(got + from, wanted + from, (to - from) * sizeof *got);
    /* Nothing was lost. */
    qsort(got, n, sizeof *got, compare);
    assert_memory_equal(got, wanted, n * sizeof *got);
}

static void all_and_parts(void **state)
{
    (void)state;
    static struct keysort_item items[MOST];
    uint64_t random = 3;
    for (int round = 0; round < 400; round++) {
        size_t n = (size_t)(check_random(&random) % (round % 20 == 0 ? MOST : 200));
        uint64_t keys = round % 3 == 0 ? UINT64_MAX : 1 + check_random(&random) % 50;
        for (size_t i = 0; i < n; i++)
            items[i] = (struct keysort_item){check_random(&random) % keys, i};
        check_sorted(items, n, 0, n);
        if (n == 0) continue;
        size_t from = (size_t)(check_random(&random) % n);
        check_sorted(items, n, from, from + (size_t)(check_random(&random) % (n - from + 1)));
        check_sorted(items, n, 0, n < 10 ? n : 10);
        for (size_t i = 0; i < n; i++) items[i].key = i;
        check_sorted(items, n, 0, n);
        for (size_t i = 0; i < n; i++) items[i].key = n - i;
        check_sorted(items, n, 0, n);
    }
}

/* Counts comparisons, and decides as late as it can which of two is greater (McIlroy's killer). */
struct adversary {
    uint64_t values[MOST];
    uint64_t solid, gas, candidate, count;
};

static int adversary_tie(void *ctx, uint64_t a, uint64_t b)
{
    struct adversary *v = ctx;
    v->count++;
    if (v->values[a] == v->gas && v->values[b] == v->gas) {
        uint64_t freeze = a == v->candidate ? a : b;
        v->values[freeze] = v->solid++;
    }
    if (v->values[a] == v->gas)
        v->candidate = a;
    else if (v->values[b] == v->gas)
        v->candidate = b;
    return v->values[a] < v->values[b] ? -1 : v->values[a] > v->values[b];
}

static void hostile_input_costs_n_log_n(void **state)
{
    (void)state;
    static struct adversary v;
    static struct keysort_item items[MOST];
    v.gas = MOST;
    for (uint64_t i = 0; i < MOST; i++) {
        v.values[i] = v.gas;
        items[i] = (struct keysort_item){0, i};
    }
    keysort(items, MOST, 0, MOST, adversary_tie, &v);
    for (size_t i = 1; i < MOST; i++)
        assert_true(v.values[items[i - 1].ref] <= v.values[items[i].ref]);
    assert_true(v.count < (uint64_t)MOST * 15 * 6);
}

static void few_of_many_cost_little(void **state)
{
    (void)state;
    static struct adversary v;
    static struct keysort_item items[MOST];
    uint64_t random = 8;
    v.gas = UINT64_MAX;
    for (uint64_t i = 0; i < MOST; i++) {
        v.values[i] = check_random(&random) >> 1;
        items[i] = (struct keysort_item){0, i};
    }
    keysort(items, MOST, 0, 10, adversary_tie, &v);
    assert_true(v.count < MOST * 6);
}

static void doubles(void **state)
{
    (void)state;
    static const double order[] = {-INFINITY, -1e300, -2, -1,  -1e-300, -5e-324,
                                   0,         5e-324, 1,  1.5, 1e300,   INFINITY};
    for (size_t i = 1; i < sizeof order / sizeof order[0]; i++)
        assert_true(keysort_double(order[i - 1]) < keysort_double(order[i]));
    assert_true(keysort_double(-0.) == keysort_double(0.));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_and_parts),
        cmocka_unit_test(hostile_input_costs_n_log_n),
        cmocka_unit_test(few_of_many_cost_little),
        cmocka_unit_test(doubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
