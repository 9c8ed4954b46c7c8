/*
 * The rank tree against a sorted array: random insertions, removals and changes of scores with many
 * equal scores and the extremes, then every way to find, walk, cut, build and free.
 */
#include "unit/check.h"

#include <math.h>
#include <stdio.h>

#include "base/random.h"
#include "execute/types/entry.h"
#include "execute/types/heap.h"
#include "execute/types/rank_tree.h"

#define STEPS 100000
#define MEMBERS 6000

struct item {
    struct entry *member;
    double score;
    bool is_in;
};

static struct random rng;
static struct item items[MEMBERS];
static struct rank_pair model[MEMBERS]; /* in order */
static size_t model_count;
static struct rank_tree tree;

static uint64_t below(uint64_t n) { return random_below(&rng, n); }

static struct bytes name_of(const struct entry *e)
{
    return bytes_make(entry_name_at(e), entry_name_len(e));
}

static int pair_compare(struct rank_pair a, struct rank_pair b)
{
    if (a.score != b.score) return a.score < b.score ? -1 : 1;
    return bytes_compare(name_of(a.member), name_of(b.member));
}

/* Index of the first in the model that is not smaller. */
static size_t model_place(struct rank_pair p)
{
    size_t low = 0, high = model_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (pair_compare(model[middle], p) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void model_insert(struct rank_pair p)
{
    size_t at = model_place(p);
    memmove(model + at + 1, model + at, (model_count - at) * sizeof(p));
    model[at] = p;
    model_count++;
}

static void model_remove(size_t at, size_t count)
{
    memmove(model + at, model + at + count, (model_count - at - count) * sizeof(model[0]));
    model_count -= count;
}

static double random_score(void)
{
    switch (below(8)) {
    case 0: return INFINITY;
    case 1: return -INFINITY;
    case 2: return -0.0;
    case 3: return 0.0;
    case 4: return (double)below(5);
    case 5: return -(double)below(1000) / 7;
    default: return (double)below(100000);
    }
}

static int setup(void **state)
{
    (void)state;
    static bool is_open;
    if (!is_open) heap_use(arena_open("test"));
    is_open = true;
    random_seed(&rng, 7);
    for (size_t i = 0; i < MEMBERS; i++) {
        char name[300];
        memset(name, 'x', sizeof(name));
        int len = snprintf(name, sizeof(name), "%s%zu", i % 2 ? "m" : "", i * 2654435761 % 100000);
        if (i % 100 == 0) name[len] = 'y';
        size_t whole = i == 0 ? 0 : i % 100 == 0 ? 290 : (size_t)len;
        items[i].member = entry_make(bytes_make(name, whole), 0, ENTRY_WORD, 0);
        items[i].is_in = false;
    }
    model_count = 0;
    tree = rank_tree_empty();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    while (rank_tree_free_some(&tree, 3)) {}
    assert_int_equal(tree.bytes, 0);
    for (size_t i = 0; i < MEMBERS; i++) entry_free(items[i].member);
    assert_int_equal(heap_used(), 0);
    return 0;
}

static void step(struct item *it, double score)
{
    struct rank_pair old = {it->score, it->member}, new = {score, it->member};
    if (!it->is_in) {
        rank_tree_insert(&tree, score, it->member);
        model_insert(new);
        it->is_in = true;
    } else if (below(2) == 0) {
        rank_tree_rescore(&tree, old.score, it->member, score);
        model_remove(model_place(old), 1);
        model_insert(new);
    } else {
        rank_tree_remove(&tree, it->score, it->member);
        model_remove(model_place(old), 1);
        it->is_in = false;
    }
    it->score = score;
}

static void compare_walk(void)
{
    struct rank_cursor c;
    assert_false(rank_tree_seek(&tree, model_count, &c));
    if (model_count == 0) return;
    assert_true(rank_tree_seek(&tree, 0, &c));
    for (size_t i = 0; i < model_count; i++) {
        struct rank_pair p = rank_cursor_pair(&c);
        assert_true(p.member == model[i].member && p.score == model[i].score);
        assert_int_equal(rank_cursor_next(&c), i + 1 < model_count);
    }
    assert_true(rank_tree_seek(&tree, model_count - 1, &c));
    for (size_t i = model_count; i-- > 0;) {
        assert_true(rank_cursor_pair(&c).member == model[i].member);
        assert_int_equal(rank_cursor_prev(&c), i > 0);
    }
}

/* A bound by score and one by pair, whether what they name is there or not. */
static void compare_bounds(double score)
{
    size_t smaller = 0, not_greater = 0;
    while (smaller < model_count && model[smaller].score < score) smaller++;
    for (not_greater = smaller; not_greater < model_count; not_greater++)
        if (model[not_greater].score != score) break;
    struct rank_bound b = {.by = RANK_BY_SCORE, .score = score};
    assert_int_equal(rank_tree_below(&tree, &b), smaller);
    b.after = true;
    assert_int_equal(rank_tree_below(&tree, &b), not_greater);

    struct item *it = &items[below(MEMBERS)];
    struct rank_pair p = {score, it->member};
    size_t place = model_place(p);
    bool is_there = place < model_count && pair_compare(model[place], p) == 0;
    b = (struct rank_bound){RANK_BY_PAIR, false, score, name_of(it->member)};
    assert_int_equal(rank_tree_below(&tree, &b), place);
    b.after = true;
    assert_int_equal(rank_tree_below(&tree, &b), place + is_there);
}

static void compare_place(void)
{
    if (model_count == 0) return;
    size_t rank = below(model_count);
    struct rank_cursor c;
    assert_true(rank_tree_seek(&tree, rank, &c));
    assert_true(rank_cursor_pair(&c).member == model[rank].member);
    struct rank_bound b = {RANK_BY_PAIR, false, model[rank].score, name_of(model[rank].member)};
    assert_int_equal(rank_tree_below(&tree, &b), rank);
}

static void random_operations(void **state)
{
    (void)state;
    uint64_t names = 60;
    for (size_t i = 0; i < STEPS; i++) {
        if (i % 10000 == 0) names = i / 10000 % 3 == 0 ? 60 : i / 10000 % 3 == 1 ? 700 : MEMBERS;
        struct item *it = &items[below(names)];
        step(it, below(20) == 0 && it->is_in ? it->score : random_score());
        assert_int_equal(tree.count, model_count);
        compare_place();
        if (i % 50 == 0) compare_bounds(random_score());
        if (i % 200 == 0) rank_tree_check(&tree);
        if (i % 1000 == 0) compare_walk();
    }
}

static void equal_scores_are_ordered_by_member(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEMBERS; i++) step(&items[i], i % 2 ? 0.0 : -0.0);
    rank_tree_check(&tree);
    for (size_t i = 0; i < 2000; i++) {
        const struct entry *e = items[below(MEMBERS)].member;
        struct rank_bound b = {.by = RANK_BY_MEMBER, .member = name_of(e)};
        uint64_t rank = rank_tree_below(&tree, &b);
        assert_true(model[rank].member == e);
        b.after = true;
        assert_int_equal(rank_tree_below(&tree, &b), rank + 1);
        b.member = bytes_of("mzzz");
        assert_int_equal(rank_tree_below(&tree, &b), MEMBERS);
        b.member = bytes_of("a"); /* behind the digits */
        assert_int_equal(rank_tree_below(&tree, &b), MEMBERS / 2);
    }
}

static void scores_in_order(void **state)
{
    for (int down = 0; down < 2; down++) {
        for (size_t i = 0; i < MEMBERS; i++) step(&items[i], down ? -(double)i : (double)i);
        rank_tree_check(&tree);
        compare_walk();
        /* What comes in order fills its nodes. */
        assert_in_range(tree.bytes, 16 * MEMBERS, 19 * MEMBERS);
        teardown(state);
        setup(state);
    }
}

static void memory_of_random_scores(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEMBERS; i++) step(&items[i], (double)below(UINT32_MAX));
    assert_in_range(tree.bytes, 16 * MEMBERS, 24 * MEMBERS);
}

static void cuts(void **state)
{
    for (int round = 0; round < 40; round++) {
        uint64_t count = 1 + below(MEMBERS - 1);
        for (size_t i = 0; i < count; i++) step(&items[i], random_score());
        uint64_t rank = below(count), left = 1 + below(count - rank);
        while (left > 0) {
            struct rank_pair out[64];
            uint32_t got = rank_tree_cut(&tree, rank, left < 64 ? (uint32_t)left : 64, out);
            assert_in_range(got, 1, left < 64 ? left : 64);
            for (uint32_t i = 0; i < got; i++) assert_true(out[i].member == model[rank + i].member);
            model_remove(rank, got);
            left -= got;
            rank_tree_check(&tree);
        }
        compare_walk();
        teardown(state);
        setup(state);
        for (int i = 0; i < round; i++) below(2);
    }
}

static void first_and_last_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < MEMBERS; i++) step(&items[i], random_score());
    while (model_count > 0) {
        struct rank_pair out;
        size_t rank = below(3) == 0 ? model_count - 1 : 0;
        assert_int_equal(rank_tree_cut(&tree, rank, 1, &out), 1);
        assert_true(out.member == model[rank].member && out.score == model[rank].score);
        model_remove(rank, 1);
        if (model_count % 64 == 0) rank_tree_check(&tree);
    }
    assert_null(tree.root);
    assert_int_equal(tree.bytes, 0);
}

static void built_from_order(void **state)
{
    for (size_t count = 0; count <= MEMBERS; count = count < 200 ? count + 1 : count * 2 + 1) {
        for (size_t i = 0; i < count; i++)
            model_insert((struct rank_pair){random_score(), items[i].member});
        rank_tree_build(&tree, model, count);
        rank_tree_check(&tree);
        assert_int_equal(tree.count, count);
        compare_walk();
        /* ... and it goes on from there. */
        for (size_t i = 0; i < count; i++) {
            items[i].is_in = true;
            for (size_t j = 0; j < count && count < 200; j++)
                if (model[j].member == items[i].member) items[i].score = model[j].score;
        }
        for (size_t i = 0; i < 300 && count > 0 && count < 200; i++)
            step(&items[below(count)], random_score());
        rank_tree_check(&tree);
        teardown(state);
        setup(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_operations, setup, teardown),
        cmocka_unit_test_setup_teardown(equal_scores_are_ordered_by_member, setup, teardown),
        cmocka_unit_test_setup_teardown(scores_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_of_random_scores, setup, teardown),
        cmocka_unit_test_setup_teardown(cuts, setup, teardown),
        cmocka_unit_test_setup_teardown(first_and_last_are_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(built_from_order, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
