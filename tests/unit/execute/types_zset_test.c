/*
 * Sorted sets against a naive model: random additions under every rule, removals, cuts and ranges
 * on sets that pass the border between the forms again and again, then copies, sets that were built
 * aside, and freeing in steps.
 */
#include "unit/check.h"

#include <math.h>
#include <stdio.h>

#include "base/random.h"
#include "execute/types/heap.h"
#include "execute/types/table.h"
#include "execute/types/zset.h"

#define NAMES 200
#define STEPS 60000

struct item {
    struct bytes name;
    double score;
};

static struct random rng;
static char texts[NAMES][80];
static struct item model[NAMES]; /* in order */
static uint64_t model_count;
static struct entry *set;
static uint64_t became_large;

static uint64_t below(uint64_t n) { return random_below(&rng, n); }

static struct bytes name_at(uint64_t i) { return bytes_of(texts[i]); }

static int item_compare(struct item a, struct item b)
{
    if (a.score != b.score) return a.score < b.score ? -1 : 1;
    return bytes_compare(a.name, b.name);
}

static double random_score(void)
{
    static const double some[] = {0,     -0.0,   INFINITY,           -INFINITY, 1.5, 0.1,  -3,
                                  1e300, 5e-324, 9007199254740993.0, -1e17,     127, 4096, -32768};
    if (below(2) == 0) return some[below(sizeof(some) / sizeof(some[0]))];
    return below(2) ? (double)below(50) : (double)below(100000) / 7;
}

static void make_set(void) { set = type_make_entry(bytes_of("key"), TYPE_ZSET); }

static int setup(void **state)
{
    (void)state;
    static bool is_open;
    if (!is_open) heap_use(arena_open("test"));
    is_open = true;
    random_seed(&rng, 11);
    for (int i = 0; i < NAMES; i++) {
        if (i % 3 == 0)
            snprintf(texts[i], sizeof(texts[i]), "%d", i * 1000 - 50000);
        else
            snprintf(texts[i], sizeof(texts[i]), "member:%0*d", i % 50 == 1 ? 64 : i % 7, i);
    }
    value_limits.zset_max_listpack_entries = 24;
    value_limits.zset_max_listpack_value = 64;
    model_count = 0;
    make_set();
    return 0;
}

static void free_set(struct entry *e)
{
    const struct type_ops *ops = type_of(e);
    enum value_encoding enc = entry_encoding(e);
    while (!ops->free_some(enc, entry_root(e), 1 + below(20))) continue;
    heap_free(e);
}

static int teardown(void **state)
{
    (void)state;
    free_set(set);
    assert_int_equal(heap_used(), 0);
    return 0;
}

static void renew(void)
{
    free_set(set);
    make_set();
    model_count = 0;
}

/* ---- The model ---- */

static int64_t model_find(struct bytes name)
{
    for (uint64_t i = 0; i < model_count; i++)
        if (bytes_equal(model[i].name, name)) return (int64_t)i;
    return -1;
}

static void model_remove(uint64_t at, uint64_t count)
{
    memmove(model + at, model + at + count, (model_count - at - count) * sizeof(model[0]));
    model_count -= count;
}

static void model_insert(struct item it)
{
    uint64_t at = 0;
    while (at < model_count && item_compare(model[at], it) < 0) at++;
    memmove(model + at + 1, model + at, (model_count - at) * sizeof(it));
    model[at] = it;
    model_count++;
}

static enum zset_change model_add(struct bytes name, double *score, unsigned rules)
{
    int64_t at = model_find(name);
    if (at < 0 && (rules & ZSET_XX)) return ZSET_REFUSED;
    if (at < 0) {
        model_insert((struct item){name, *score});
        return ZSET_ADDED;
    }
    if (rules & ZSET_NX) return ZSET_REFUSED;
    double old = model[at].score, to = rules & ZSET_INCR ? old + *score : *score;
    if (isnan(to)) return ZSET_NAN;
    if ((rules & ZSET_GT) && !(to > old)) return ZSET_REFUSED;
    if ((rules & ZSET_LT) && !(to < old)) return ZSET_REFUSED;
    *score = to;
    if (to == old) return ZSET_SAME;
    model_remove((uint64_t)at, 1);
    model_insert((struct item){name, to});
    return ZSET_UPDATED;
}

/* ---- Comparing ---- */

static void compare_items(struct entry *e)
{
    assert_int_equal(zset_count(e), model_count);
    assert_int_equal(type_count(e), model_count);
    struct zset_cursor c;
    bool more = zset_seek(e, 0, &c);
    for (uint64_t i = 0; i < model_count; i++, more = zset_next(&c)) {
        assert_true(more);
        struct zset_item it = zset_item(&c);
        assert_true(bytes_equal(it.member, model[i].name));
        assert_true(it.score == model[i].score);
    }
    assert_false(more);
    more = model_count > 0 && zset_seek(e, model_count - 1, &c);
    for (uint64_t i = model_count; i-- > 0; more = zset_prev(&c)) {
        assert_true(more);
        assert_true(bytes_equal(zset_item(&c).member, model[i].name));
    }
    assert_false(more);
}

static void compare_bound(void)
{
    double score = random_score();
    struct bytes name = name_at(below(NAMES));
    bool after = below(2);
    uint64_t by_score = 0, by_pair = 0;
    for (uint64_t i = 0; i < model_count; i++) {
        by_score += after ? model[i].score <= score : model[i].score < score;
        int c = item_compare(model[i], (struct item){name, score});
        by_pair += after ? c <= 0 : c < 0;
    }
    struct rank_bound b = {RANK_BY_SCORE, after, score, name};
    assert_int_equal(zset_below(set, &b), by_score);
    b.by = RANK_BY_PAIR;
    assert_int_equal(zset_below(set, &b), by_pair);
}

static void compare_member(struct bytes name)
{
    int64_t at = model_find(name);
    uint64_t rank = 0;
    double score = 7, again = 7;
    assert_int_equal(zset_score(set, name, &score), at >= 0);
    assert_int_equal(zset_rank(set, name, &rank, &again), at >= 0);
    if (at < 0) return;
    assert_int_equal(rank, at);
    assert_true(score == model[at].score && again == score);
}

/* ---- Tests ---- */

static void add_one(struct bytes name)
{
    static const unsigned rules[] = {0,         0,
                                     0,         ZSET_NX,
                                     ZSET_XX,   ZSET_GT,
                                     ZSET_LT,   ZSET_XX | ZSET_GT,
                                     ZSET_INCR, ZSET_INCR | ZSET_GT};
    unsigned rule = rules[below(sizeof(rules) / sizeof(rules[0]))];
    double mine = random_score(), theirs = mine;
    bool was_small = entry_encoding(set) == ENC_LISTPACK;
    uint64_t had = model_count;
    enum zset_change want = model_add(name, &mine, rule);
    assert_int_equal(zset_add(set, name, &theirs, rule), want);
    if (want <= ZSET_SAME) assert_true(mine == theirs);
    bool is_small = entry_encoding(set) == ENC_LISTPACK;
    bool fits = had < value_limits.zset_max_listpack_entries &&
                name.len <= value_limits.zset_max_listpack_value;
    assert_int_equal(is_small, was_small && (want != ZSET_ADDED || fits));
    became_large += was_small && !is_small;
}

static void random_operations(void **state)
{
    (void)state;
    became_large = 0;
    for (int i = 0; i < STEPS; i++) {
        uint64_t span = i % 4000 < 2000 ? 30 : NAMES;
        struct bytes name = name_at(below(span));
        uint64_t what = below(100);
        if (what < 60) {
            add_one(name);
        } else if (what < 90) {
            int64_t at = model_find(name);
            assert_int_equal(zset_remove(set, name), at >= 0);
            if (at >= 0) model_remove((uint64_t)at, 1);
        } else if (what < 97 && model_count > 0) {
            uint64_t rank = below(model_count), count = below(model_count - rank + 1);
            if (count > 5) count = 5;
            zset_cut(set, rank, count);
            model_remove(rank, count);
        } else if (below(20) == 0) {
            renew();
        }
        compare_member(name);
        compare_bound();
        if (i % 50 == 0) compare_items(set);
        if (i % 200 == 0) zset_check(set);
    }
    assert_in_range(became_large, 20, STEPS);
}

static void lex_bounds(void **state)
{
    (void)state;
    value_limits.zset_max_listpack_value = 100;
    for (int large = 0; large < 2; large++) {
        double score = 0;
        uint64_t count = large ? NAMES : 20;
        for (uint64_t i = 0; i < count; i++) {
            zset_add(set, name_at(i), &score, 0);
            model_insert((struct item){name_at(i), 0});
        }
        assert_int_equal(entry_encoding(set), large ? ENC_SKIPLIST : ENC_LISTPACK);
        for (uint64_t i = 0; i < NAMES; i++) {
            struct rank_bound b = {.by = RANK_BY_MEMBER, .member = name_at(i)};
            uint64_t smaller = 0;
            for (uint64_t k = 0; k < model_count; k++)
                smaller += bytes_compare(model[k].name, name_at(i)) < 0;
            assert_int_equal(zset_below(set, &b), smaller);
            b.after = true;
            assert_int_equal(zset_below(set, &b), smaller + (i < count));
        }
        renew();
    }
}

static void copies(void **state)
{
    (void)state;
    for (int round = 0; round < 40; round++) {
        uint64_t count = 1 + below(round % 2 ? 20 : NAMES);
        for (uint64_t i = 0; i < count; i++) add_one(name_at(i));
        struct entry *copy = type_make_entry(bytes_of("copy"), TYPE_ZSET);
        heap_free(entry_root(copy));
        entry_set_root(copy, entry_encoding(set), type_of(set)->copy(set));
        compare_items(copy);
        zset_check(copy);
        /* Two sets, nothing shared. */
        double score = 5;
        zset_add(copy, bytes_of("only here"), &score, 0);
        compare_items(set);
        free_set(copy);
        renew();
    }
}

static void built_aside(void **state)
{
    (void)state;
    for (int round = 0; round < 60; round++) {
        struct zset_build b;
        zset_build_begin(&b);
        bool longest = false;
        for (uint64_t i = 0, tries = below(round % 3 ? 30 : NAMES); i < tries; i++) {
            struct key key = key_make(name_at(below(NAMES)));
            double score = round % 5 == 0 ? (double)i : random_score();
            double *have = zset_build_find(&b, key);
            int64_t at = model_find(key.name);
            assert_int_equal(have != NULL, at >= 0);
            if (have != NULL) {
                *have = score;
                model_remove((uint64_t)at, 1);
            } else {
                zset_build_add(&b, key, score);
            }
            longest |= key.name.len > 64;
            model_insert((struct item){key.name, score});
        }
        if (round % 7 == 0) {
            const struct rank_pair *pairs = zset_build_order(&b);
            for (uint64_t i = 0; i < model_count; i++) {
                assert_true(bytes_equal(entry_name(pairs[i].member), model[i].name));
                assert_true(pairs[i].score == model[i].score);
            }
            zset_build_drop(&b);
            model_count = 0;
            continue;
        }
        struct entry *e = zset_build_end(&b, bytes_of("built"));
        assert_int_equal(e != NULL, model_count > 0);
        if (e == NULL) continue;
        assert_int_equal(entry_encoding(e),
                         model_count <= 24 && !longest ? ENC_LISTPACK : ENC_SKIPLIST);
        compare_items(e);
        zset_check(e);
        free_set(e);
        model_count = 0;
    }
}

static void memory_is_told(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < NAMES; i++) {
        size_t before = heap_used() - arena_usable(set);
        assert_int_equal(type_of(set)->bytes(set, 0), before);
        double score = (double)i;
        zset_add(set, name_at(i), &score, 0);
    }
    size_t exact = type_of(set)->bytes(set, 0), guess = type_of(set)->bytes(set, 20);
    assert_in_range(guess, exact / 2, exact * 2);
}

static void none_or_all_small(void **state)
{
    (void)state;
    double score = 1;
    value_limits.zset_max_listpack_entries = 0;
    zset_add(set, name_at(0), &score, 0);
    assert_int_equal(entry_encoding(set), ENC_SKIPLIST);
    renew();
    value_limits.zset_max_listpack_entries = 1000;
    for (uint64_t i = 0; i < NAMES; i++) add_one(name_at(i));
    compare_items(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_operations, setup, teardown),
        cmocka_unit_test_setup_teardown(lex_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(copies, setup, teardown),
        cmocka_unit_test_setup_teardown(built_aside, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(none_or_all_small, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
