/*
 * HyperLogLogs: the bytes that redis-server 7.0.15 makes of the same elements (their SHA-1), random
 * changes against plain registers, broken values, and the vector code against the plain one.
 */
#include "unit/check.h"

#include "codec/hll.h"
#include "codec/sha1.h"

#include <stdio.h>
#include <stdlib.h>

static struct bytes value_of(const struct hll *h) { return bytes_make(h->bytes, h->len); }

static void add(struct hll *h, struct bytes element, size_t sparse_max)
{
    enum hll_raised raised =
        hll_raise(h, hll_spot_of(element), sparse_max, &(struct hll_cursor){0});
    assert_int_not_equal(raised, HLL_BROKEN);
}

/* "0", "1", ... up to n elements, as PFADD adds them one by one. */
static void fill(struct hll *h, uint32_t n, size_t sparse_max)
{
    hll_init(h);
    for (uint32_t i = 0; i < n; i++) {
        char text[16];
        add(h, bytes_make(text, (size_t)snprintf(text, sizeof text, "%u", i)), sparse_max);
    }
    hll_drop_cached(h->bytes);
}

static void the_bytes_are_those_of_redis(void **state)
{
    (void)state;
    static const struct {
        uint32_t elements, sparse_max;
        size_t len;
        uint64_t estimate;
        const char *sum;
    } rows[] = {
        {1, 3000, 21, 1, "120dd8713612b3f707ebf840484a86f59ff70a64"},
        {10, 3000, 48, 10, "5f877d9d0162bfb2730496659172bc7456679d3d"},
        {100, 3000, 287, 100, "e448ecf5da41d8cbef3dfc98b83246a059f244da"},
        {1000, 3000, 1923, 1001, "4b303e06b0d6db03a3a76f2ec573cd3e169405e7"},
        {1400, 3000, 2604, 1411, "1eedd95aca8b6da0a6a739f2a955d7b9836b6604"},
        {5000, 3000, 12304, 4985, "3fa160b43f67d7e004731fa9d341262846fbaf66"},
        {5000, 12000, 7226, 4985, "a4d5e5c37f825c048728273e4d565fd54d3f3b4c"},
        {9000, 14000, 10159, 8966, "da2e4bbcf681e1c93a92a35233368b69b09a18c1"},
        {100000, 3000, 12304, 99565, "ab6973d0a02ad01492516665fac6473e86680977"},
    };
    static struct hll h;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fill(&h, rows[i].elements, rows[i].sparse_max);
        assert_int_equal(h.len, rows[i].len);
        uint8_t sum[SHA1_BYTES];
        char hex[SHA1_HEX_CHARS + 1];
        sha1(value_of(&h), sum);
        sha1_print(sum, hex);
        assert_string_equal(hex, rows[i].sum);
        uint64_t estimate;
        assert_true(hll_estimate(value_of(&h), &estimate));
        assert_int_equal(estimate, rows[i].estimate);
    }
}

static void expect_ranks(const struct hll *h, const uint8_t ranks[HLL_REGISTERS])
{
    static uint8_t got[HLL_REGISTERS];
    memset(got, 0, sizeof got);
    assert_true(hll_merge_into(got, value_of(h)));
    assert_memory_equal(got, ranks, sizeof got);
}

/* Spots around a few places, so that runs of every kind meet; ranks up to `top`. */
static void random_round(uint64_t *random, size_t sparse_max, uint8_t top)
{
    static struct hll h;
    static uint8_t ranks[HLL_REGISTERS];
    memset(ranks, 0, sizeof ranks);
    hll_init(&h);
    bool was_dense = false;
    for (int i = 0; i < 3000; i++) {
        uint32_t near = (uint32_t)(check_random(random) % 3 * 8191);
        struct hll_spot spot = {(near + (uint32_t)(check_random(random) % 300)) % HLL_REGISTERS,
                                (uint8_t)(1 + check_random(random) % top)};
        size_t len = h.len;
        bool higher = spot.rank > ranks[spot.index];
        enum hll_raised raised = hll_raise(&h, spot, sparse_max, &(struct hll_cursor){0});
        assert_int_equal(raised, higher ? HLL_RAISED : HLL_SAME);
        if (higher) ranks[spot.index] = spot.rank;
        bool dense = hll_form(value_of(&h)) == HLL_DENSE;
        if (dense)
            assert_int_equal(h.len, HLL_DENSE_BYTES);
        else
            assert_true(h.len <= sparse_max || h.len <= len);
        if (dense != was_dense || i % 100 == 0) expect_ranks(&h, ranks);
        was_dense = dense;
    }
    expect_ranks(&h, ranks);
    assert_int_equal(was_dense, top > 32 || sparse_max < 600);
}

static void random_changes_agree_with_plain_registers(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (int round = 0; round < 10; round++) {
        random_round(&random, 300, 32);
        random_round(&random, 3000, 32);
        random_round(&random, 3000, 3);
        random_round(&random, 3000, 51);
    }
}

/* A cursor finds what a walk from the start finds. */
static void a_row_of_registers_by_cursor(void **state)
{
    (void)state;
    static struct hll with, without;
    uint64_t random = 9;
    for (int round = 0; round < 50; round++) {
        struct hll_cursor cursor = {0};
        fill(&with, (uint32_t)(check_random(&random) % 500), HLL_SPARSE_BYTES);
        without = with;
        for (uint32_t i = 0; i < HLL_REGISTERS; i += 1 + (uint32_t)(check_random(&random) % 40)) {
            struct hll_spot spot = {i, (uint8_t)(1 + check_random(&random) % 4)};
            enum hll_raised a = hll_raise(&with, spot, HLL_SPARSE_BYTES, &cursor);
            enum hll_raised b =
                hll_raise(&without, spot, HLL_SPARSE_BYTES, &(struct hll_cursor){0});
            assert_int_equal(a, b);
        }
        assert_int_equal(with.len, without.len);
        assert_memory_equal(with.bytes, without.bytes, with.len);
    }
}

static void vectors_and_plain_code_agree(void **state)
{
    (void)state;
    static uint8_t ranks[2][HLL_REGISTERS];
    static struct {
        uint8_t before[HLL_HEADER], packed[HLL_PACKED_BYTES];
    } a, b;
    uint32_t counts[2][HLL_RANK_LIMIT];
    uint64_t random = 3;
    for (int round = 0; round < 40; round++) {
        uint8_t top = round % 3 == 0 ? 64 : (uint8_t)(1 + check_random(&random) % 20);
        for (uint32_t i = 0; i < HLL_REGISTERS; i++)
            ranks[0][i] = (uint8_t)(check_random(&random) % top);
        hll_registers_pack(a.packed, ranks[0]);
        hll_registers_pack_plain(b.packed, ranks[0]);
        assert_memory_equal(a.packed, b.packed, sizeof a.packed);
        for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
            assert_int_equal(hll_registers_get(a.packed, i), ranks[0][i]);
            ranks[0][i] = ranks[1][i] = (uint8_t)(check_random(&random) % top);
        }
        hll_registers_raise(ranks[0], a.packed);
        hll_registers_raise_plain(ranks[1], a.packed);
        assert_memory_equal(ranks[0], ranks[1], sizeof ranks[0]);
        hll_registers_histogram(ranks[0], counts[0]);
        hll_registers_histogram_plain(ranks[1], counts[1]);
        assert_memory_equal(counts[0], counts[1], sizeof counts[0]);
    }
}

static void expect_broken(const struct hll *h)
{
    static uint8_t ranks[HLL_REGISTERS];
    static struct hll copy;
    uint64_t estimate;
    assert_int_equal(hll_form(value_of(h)), HLL_SPARSE);
    assert_false(hll_merge_into(ranks, value_of(h)));
    assert_false(hll_estimate(value_of(h), &estimate));
    copy = *h;
    assert_false(hll_densify(&copy));
    assert_int_equal(copy.len, h->len);
    assert_memory_equal(copy.bytes, h->bytes, h->len);
}

static void broken_runs_are_refused(void **state)
{
    (void)state;
    static struct hll h;
    static char many[HLL_HEADER + 2 * 131073];
    fill(&h, 300, 3000);
    h.bytes[h.len++] = 0; /* one register too many */
    expect_broken(&h);
    h.len -= 2; /* some too few */
    expect_broken(&h);
    hll_init(&h);
    h.len--; /* half of a run */
    expect_broken(&h);
    h.len--; /* none at all */
    expect_broken(&h);
    struct hll_spot last = {HLL_REGISTERS - 1, 5};
    assert_int_equal(hll_raise(&h, last, 3000, &(struct hll_cursor){0}), HLL_BROKEN);

    /* The sum of the runs passes 2^31. */
    hll_init(&h);
    memcpy(many, h.bytes, HLL_HEADER);
    for (size_t i = HLL_HEADER; i < sizeof many; i += 2) memcpy(many + i, "\x7f\xff", 2);
    uint64_t estimate;
    uint8_t ranks[HLL_REGISTERS];
    assert_false(hll_estimate(bytes_make(many, sizeof many), &estimate));
    assert_false(hll_merge_into(ranks, bytes_make(many, sizeof many)));
    assert_false(hll_copy(&h, bytes_make(many, sizeof many)));
}

static void headers(void **state)
{
    (void)state;
    static struct hll h;
    hll_init(&h);
    assert_int_equal(hll_form(bytes_make(h.bytes, HLL_HEADER - 1)), HLL_NEITHER);
    assert_int_equal(hll_form(bytes_of("")), HLL_NEITHER);
    assert_true(hll_densify(&h));
    assert_int_equal(hll_form(value_of(&h)), HLL_DENSE);
    assert_int_equal(hll_form(bytes_make(h.bytes, h.len - 1)), HLL_NEITHER);
    assert_int_equal(hll_form(bytes_make(h.bytes, h.len + 1)), HLL_NEITHER);
    h.bytes[HLL_AT_FORM] = 2;
    assert_int_equal(hll_form(value_of(&h)), HLL_NEITHER);
    h.bytes[HLL_AT_FORM] = HLL_DENSE;
    h.bytes[0] = 'h';
    assert_int_equal(hll_form(value_of(&h)), HLL_NEITHER);
}

static void the_estimate_is_kept_until_dropped(void **state)
{
    (void)state;
    static struct hll h;
    uint64_t estimate;
    hll_init(&h);
    assert_true(hll_cached(value_of(&h), &estimate));
    assert_int_equal(estimate, 0);
    hll_set_cached(h.bytes, UINT64_C(0x1234567890));
    assert_memory_equal(h.bytes + 8, "\x90\x78\x56\x34\x12\0\0\0", 8);
    assert_true(hll_cached(value_of(&h), &estimate));
    assert_int_equal(estimate, UINT64_C(0x1234567890));
    hll_drop_cached(h.bytes);
    assert_memory_equal(h.bytes + 8, "\x90\x78\x56\x34\x12\0\0\x80", 8);
    assert_false(hll_cached(value_of(&h), &estimate));
}

static void estimates_at_the_ends(void **state)
{
    (void)state;
    static uint8_t ranks[HLL_REGISTERS];
    assert_int_equal(hll_estimate_ranks(ranks), 0);
    memset(ranks, 63, sizeof ranks); /* no hash gives this rank */
    assert_int_equal(hll_estimate_ranks(ranks), INT64_MAX);
    memset(ranks, 50, sizeof ranks);
    assert_true(hll_estimate_ranks(ranks) > UINT64_C(1) << 62);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_those_of_redis),
        cmocka_unit_test(random_changes_agree_with_plain_registers),
        cmocka_unit_test(a_row_of_registers_by_cursor),
        cmocka_unit_test(vectors_and_plain_code_agree),
        cmocka_unit_test(broken_runs_are_refused),
        cmocka_unit_test(headers),
        cmocka_unit_test(the_estimate_is_kept_until_dropped),
        cmocka_unit_test(estimates_at_the_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
