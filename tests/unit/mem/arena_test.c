/* Arenas: exact accounting, content kept, arenas apart, and use from changing threads. */
#include "unit/check.h"

#include "mem/arena.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void used_is_what_allocations_occupy(void **state)
{
    (void)state;
    struct arena *a = arena_open("one");
    size_t before = mem_used();
    assert_string_equal(arena_name(a), "one");
    assert_int_equal(arena_used(a), 0);
    size_t sum = 0;
    void *blocks[200];
    for (size_t i = 0; i < 200; i++) {
        size_t len = i < 100 ? i : i * i * 3;
        blocks[i] = arena_alloc(a, len);
        memset(blocks[i], (int)i, len);
        assert_true(arena_usable(blocks[i]) >= len);
        if (len < 4096) assert_int_equal(arena_usable(blocks[i]), arena_rounded(len));
        sum += arena_usable(blocks[i]);
        assert_int_equal(arena_used(a), sum);
    }
    assert_int_equal(mem_used(), before + sum);
    assert_int_equal(arena_peak(a), sum);
    for (size_t i = 0; i < 200; i++) {
        sum -= arena_usable(blocks[i]);
        arena_free(a, blocks[i]);
        assert_int_equal(arena_used(a), sum);
    }
    arena_free(a, NULL);
    assert_int_equal(arena_used(a), 0);
    assert_true(arena_peak(a) > 0);
    arena_close(a);
    assert_int_equal(mem_used(), before);
}

static void zalloc_gives_zeros(void **state)
{
    (void)state;
    struct arena *a = arena_open("zeros");
    for (int round = 0; round < 50; round++) {
        size_t len = 1 + (size_t)round * 997;
        unsigned char *p = arena_zalloc(a, len);
        for (size_t i = 0; i < len; i++) assert_int_equal(p[i], 0);
        memset(p, 255, len);
        arena_free(a, p);
    }
    assert_int_equal(arena_used(a), 0);
    arena_close(a);
}

static void realloc_keeps_the_bytes(void **state)
{
    (void)state;
    struct arena *a = arena_open("moves");
    uint64_t seed = 3;
    size_t len = 0;
    unsigned char *p = arena_realloc(a, NULL, 0);
    for (int round = 0; round < 300; round++) {
        size_t next = check_random(&seed) % (round % 10 == 0 ? 3000000 : 3000);
        p = arena_realloc(a, p, next);
        size_t kept = len < next ? len : next;
        for (size_t i = 0; i < kept; i += 1 + kept / 64) assert_int_equal(p[i], i & 255);
        for (size_t i = 0; i < next; i++) p[i] = (unsigned char)i;
        len = next;
        assert_int_equal(arena_used(a), arena_usable(p));
    }
    arena_free(a, p);
    assert_int_equal(arena_used(a), 0);
    arena_close(a);
}

static void arenas_are_apart(void **state)
{
    (void)state;
    struct arena *a = arena_open("a"), *b = arena_open("b");
    assert_ptr_not_equal(a, b);
    void *p = arena_alloc(a, 100);
    assert_int_equal(arena_used(b), 0);
    void *q = arena_alloc(b, 1000);
    arena_free(a, p);
    assert_int_equal(arena_used(a), 0);
    assert_int_equal(arena_used(b), arena_usable(q));
    arena_free(b, q);
    arena_close(a);
    arena_close(b);
    struct arena *again = arena_open("again");
    assert_int_equal(arena_used(again), 0);
    assert_int_equal(arena_peak(again), 0);
    arena_close(again);
}

static void *grow_abroad(void *arg)
{
    struct arena *a = arg;
    char *p = arena_alloc_abroad(a, 40000);
    memset(p, 'a', 40000);
    p = arena_realloc_abroad(a, p, 3000000);
    for (int i = 0; i < 40000; i++) assert_int_equal(p[i], 'a');
    arena_free_abroad(a, arena_realloc_abroad(a, NULL, 50000));
    arena_free_abroad(a, NULL);
    return p;
}

/* What others took from an arena is counted there, whoever frees it. */
static void others_may_take_large_pieces(void **state)
{
    (void)state;
    struct arena *a = arena_open("home");
    pthread_t thread;
    void *theirs, *ours = arena_alloc(a, 100000);
    assert_int_equal(pthread_create(&thread, NULL, grow_abroad, a), 0);
    pthread_join(thread, &theirs);
    assert_int_equal(arena_used(a), arena_usable(ours) + arena_usable(theirs));
    arena_free(a, theirs);
    assert_int_equal(arena_used(a), arena_usable(ours));
    arena_free_abroad(a, ours);
    assert_int_equal(arena_used(a), 0);
    void *more = arena_alloc(a, 100);
    assert_int_equal(arena_used(a), arena_usable(more));
    arena_free(a, more);
    arena_close(a);
}

struct turn {
    struct arena *arena;
    void **blocks;
    size_t count;
};

static void *take_turn(void *arg)
{
    struct turn *t = arg;
    for (size_t i = 0; i < t->count; i++) {
        if (i % 3 == 0) {
            arena_free(t->arena, t->blocks[i]);
            t->blocks[i] = NULL;
        } else {
            t->blocks[i] = arena_realloc(t->arena, t->blocks[i], 16 + i % 500);
        }
    }
    return NULL;
}

/* One stage, many threads, one after another: as lending does it. */
static void any_thread_may_hold_the_token(void **state)
{
    (void)state;
    void *blocks[1000] = {0};
    struct turn turn = {arena_open("lent"), blocks, 1000};
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, take_turn, &turn), 0);
        pthread_join(thread, NULL);
        size_t sum = 0;
        for (size_t k = 0; k < 1000; k++) sum += blocks[k] == NULL ? 0 : arena_usable(blocks[k]);
        assert_int_equal(arena_used(turn.arena), sum);
    }
    for (size_t k = 0; k < 1000; k++) arena_free(turn.arena, blocks[k]);
    assert_int_equal(arena_used(turn.arena), 0);
    arena_close(turn.arena);
}

static void count_text(void *ctx, const char *text) { *(size_t *)ctx += strlen(text); }

static void the_process_is_measured(void **state)
{
    (void)state;
    struct arena *a = arena_open("measured");
    size_t rss = mem_rss();
    assert_in_range(rss, 500000, (size_t)8 << 30);
    unsigned char *p = arena_alloc(a, 64 << 20);
    memset(p, 1, 64 << 20);
    assert_true(mem_rss() > rss + (48 << 20));
    struct mem_totals totals;
    mem_totals_read(&totals);
    assert_true(totals.allocated >= 64 << 20);
    assert_true(totals.active >= 64 << 20 && totals.resident >= 64 << 20 &&
                totals.mapped >= 64 << 20);
    size_t reported = 0;
    mem_report(count_text, &reported);
    assert_true(reported > 20);
    arena_free(a, p);
    mem_purge();
#ifdef BATON_LIBC_MALLOC
    assert_string_equal(mem_allocator(), "libc");
#else
    assert_true(mem_rss() < rss + (48 << 20));
    assert_int_equal(strncmp(mem_allocator(), "jemalloc-5.", 11), 0);
    assert_null(strchr(mem_allocator() + 9, '-'));
#endif
    arena_close(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(used_is_what_allocations_occupy),
        cmocka_unit_test(zalloc_gives_zeros),
        cmocka_unit_test(realloc_keeps_the_bytes),
        cmocka_unit_test(others_may_take_large_pieces),
        cmocka_unit_test(arenas_are_apart),
        cmocka_unit_test(any_thread_may_hold_the_token),
        cmocka_unit_test(the_process_is_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
