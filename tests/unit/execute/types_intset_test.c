/* Intsets: the bytes that redis-server writes, and random changes against a sorted array. */
#include "unit/execute/types_fixture.h"

#include "execute/types/intset.h"

#define MODEL_MAX 600

static int64_t model[MODEL_MAX];
static uint32_t model_count;
static uint32_t model_width;

/* Where it is or belongs. */
static uint32_t model_index(int64_t number)
{
    uint32_t i = 0;
    while (i < model_count && model[i] < number) i++;
    return i;
}

static bool model_has(int64_t number)
{
    uint32_t i = model_index(number);
    return i < model_count && model[i] == number;
}

static void model_cut(uint32_t index, uint32_t count)
{
    model_count -= count;
    memmove(model + index, model + index + count, (model_count - index) * sizeof(model[0]));
}

static void model_add(int64_t number)
{
    uint32_t i = model_index(number);
    uint32_t width = number == (int16_t)number ? 2 : number == (int32_t)number ? 4 : 8;
    memmove(model + i + 1, model + i, (model_count - i) * sizeof(model[0]));
    model[i] = number;
    model_count++;
    if (width > model_width) model_width = width;
}

static void model_compare(const uint8_t *is)
{
    assert_int_equal(intset_count(is), model_count);
    assert_int_equal(intset_bytes(is), INTSET_HEADER + (size_t)model_count * model_width);
    assert_int_equal(is[0], model_width);
    assert_true(intset_is_valid(is, intset_bytes(is)));
    for (uint32_t i = 0; i < model_count; i++) assert_int_equal(intset_get(is, i), model[i]);
}

static int64_t random_number(unsigned bits)
{
    int64_t number = types_below(2) ? types_border() : (int64_t)check_random(&types_state);
    return bits >= 64 ? number : (int64_t)((uint64_t)number << (64 - bits)) >> (64 - bits);
}

static uint8_t *step(uint8_t *is, unsigned bits)
{
    int64_t number = random_number(bits);
    if (model_count > 0 && types_below(3) == 0) number = model[types_below(model_count)];
    bool there = model_has(number), changed;
    uint32_t index = UINT32_MAX;
    assert_int_equal(intset_find(is, number, &index), there);
    assert_int_equal(index, model_index(number));
    uint64_t what = types_below(200);
    if (what == 0 && model_count > 0) {
        uint32_t from = (uint32_t)types_below(model_count);
        uint32_t count = (uint32_t)types_below(model_count - from + 1);
        model_cut(from, count);
        return intset_cut(is, from, count);
    }
    if (what < 90 || model_count == MODEL_MAX) {
        is = intset_remove(is, number, &changed);
        assert_int_equal(changed, there);
        if (there) model_cut(index, 1);
        return is;
    }
    is = intset_add(is, number, &changed);
    assert_int_equal(changed, !there);
    if (!there) model_add(number);
    return is;
}

static void test_random_changes_agree_with_the_model(void **state)
{
    (void)state;
    static const unsigned bits[] = {4, 10, 16, 17, 20, 32, 33, 48, 64};
    for (size_t round = 0; round < 4 * sizeof(bits) / sizeof(bits[0]); round++) {
        uint8_t *is = intset_make();
        model_count = 0;
        model_width = 2;
        for (size_t n = 0; n < 1500; n++) {
            /* Mostly narrow, so that widening meets sets of any size. */
            unsigned most = bits[round % 9];
            is = step(is, n % 400 < 399 && most > 16 ? 16 + (unsigned)(n / 750) : most);
            if (n % 8 == 0) model_compare(is);
        }
        model_compare(is);
        uint8_t *copy = intset_copy(is);
        model_compare(copy);
        heap_free(copy);
        heap_free(is);
    }
}

static void assert_bytes(const int64_t *numbers, size_t count, const char *hex)
{
    uint8_t *is = intset_make();
    for (size_t i = 0; i < count; i++) {
        bool added;
        is = intset_add(is, numbers[i], &added);
        assert_true(added);
    }
    types_assert_hex(is, intset_bytes(is), hex);
    heap_free(is);
}

static void test_bytes_are_those_of_redis(void **state)
{
    (void)state;
    /* From DUMP of redis-server 7.0.15. */
    assert_bytes((int64_t[]){1, 2, 3}, 3, "0200000003000000010002000300");
    assert_bytes((int64_t[]){5, -1, 70000}, 3, "0400000003000000ffffffff0500000070110100");
    assert_bytes((int64_t[]){1LL << 40, -(1LL << 40), 7}, 3,
                 "08000000030000000000000000ffffff07000000000000000000000000010000");
}

static void test_the_width_stays_when_the_widest_goes(void **state)
{
    (void)state;
    bool changed;
    uint8_t *is = intset_make();
    is = intset_add(is, 70000, &changed);
    is = intset_add(is, 1, &changed);
    is = intset_remove(is, 70000, &changed);
    types_assert_hex(is, intset_bytes(is), "040000000100000001000000");
    heap_free(is);
}

static void test_each_width_begins_at_its_border(void **state)
{
    (void)state;
    static const struct {
        int64_t number;
        uint8_t width;
    } borders[] = {{INT16_MAX, 2}, {INT16_MAX + 1, 4},   {INT16_MIN, 2}, {INT16_MIN - 1, 4},
                   {INT32_MAX, 4}, {INT32_MAX + 1LL, 8}, {INT32_MIN, 4}, {INT32_MIN - 1LL, 8},
                   {INT64_MAX, 8}, {INT64_MIN, 8},       {0, 2}};
    for (size_t i = 0; i < sizeof(borders) / sizeof(borders[0]); i++) {
        bool added;
        uint32_t index;
        uint8_t *is = intset_add(intset_make(), 3, &added);
        is = intset_add(is, borders[i].number, &added);
        assert_true(added);
        assert_int_equal(is[0], borders[i].width);
        assert_true(intset_find(is, borders[i].number, &index));
        assert_int_equal(index, borders[i].number > 3);
        assert_true(intset_find(is, 3, &index));
        heap_free(is);
    }
}

static bool is_valid_hex(const char *hex)
{
    size_t len;
    uint8_t *bytes = types_hex(hex, &len);
    bool valid = intset_is_valid(bytes, len);
    free(bytes);
    return valid;
}

static void test_what_is_no_intset_is_refused(void **state)
{
    (void)state;
    assert_true(is_valid_hex("0200000000000000"));
    assert_true(is_valid_hex("0200000002000000ffff0000"));
    assert_false(is_valid_hex(""));
    assert_false(is_valid_hex("02000000000000"));
    assert_false(is_valid_hex("0300000000000000"));
    assert_false(is_valid_hex("0000000000000000"));
    assert_false(is_valid_hex("0200000002000000ffff00"));     /* too short */
    assert_false(is_valid_hex("0200000002000000ffff000000")); /* too long */
    assert_false(is_valid_hex("02000000020000000000ffff"));   /* 0, -1 */
    assert_false(is_valid_hex("020000000200000001000100"));   /* a duplicate */
    assert_false(is_valid_hex("08000000ffffffff0000000000000000"));
    assert_false(is_valid_hex("08000000010000200000000000000000")); /* 8 * count is 8 in 32 bits */
}

static void test_removing_gives_memory_back(void **state)
{
    (void)state;
    bool changed;
    uint8_t *is = intset_make();
    for (int64_t i = 0; i < 10000; i++) is = intset_add(is, i * 100, &changed);
    for (int64_t i = 0; i < 10000; i++) {
        is = intset_remove(is, i * 100, &changed);
        assert_true(changed);
        assert_true(arena_usable(is) <= 2 * intset_bytes(is) + 16);
    }
    assert_int_equal(intset_count(is), 0);
    heap_free(is);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TYPES_TEST(test_random_changes_agree_with_the_model),
        TYPES_TEST(test_bytes_are_those_of_redis),
        TYPES_TEST(test_the_width_stays_when_the_widest_goes),
        TYPES_TEST(test_each_width_begins_at_its_border),
        TYPES_TEST(test_what_is_no_intset_is_refused),
        TYPES_TEST(test_removing_gives_memory_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
