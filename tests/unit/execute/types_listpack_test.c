/*
 * Listpacks: the bytes that redis-server writes, and random changes against a naive model, an array
 * of texts, with texts and integers at both sides of every border of the encoding.
 */
#include "unit/execute/types_fixture.h"

#include "codec/number.h"
#include "execute/types/listpack.h"

#define MODEL_MAX 400

/* ---- The model ---- */

static struct bytes model[MODEL_MAX];
static size_t model_count;

static char *plain(struct bytes b)
{
    union {
        const char *given;
        char *owned;
    } p = {b.ptr};
    return p.owned;
}

static void model_insert(size_t index, struct bytes text)
{
    assert_true(model_count < MODEL_MAX && index <= model_count);
    memmove(model + index + 1, model + index, (model_count - index) * sizeof(model[0]));
    char *copy = malloc(text.len + 1);
    if (text.len > 0) memcpy(copy, text.ptr, text.len);
    model[index] = bytes_make(copy, text.len);
    model_count++;
}

static void model_delete(size_t index, size_t count)
{
    for (size_t i = 0; i < count; i++) free(plain(model[index + i]));
    model_count -= count;
    memmove(model + index, model + index + count, (model_count - index) * sizeof(model[0]));
}

static char random_room[70000];

/* A length near a border of the encoding or of the way back; the long ones are rare. */
static size_t random_len(void)
{
    static const size_t lens[] = {0, 62, 124, 4094, 16376};
    uint64_t what = types_below(100);
    size_t most = what < 2 ? 5 : what < 6 ? 4 : 3;
    return what < 40 ? types_below(12) : lens[types_below(most)] + types_below(5);
}

/* Good until the next call. */
static struct bytes random_text(void)
{
    switch (types_below(5)) {
    case 0:
    case 1: return bytes_make(random_room, number_print_int(random_room, types_border()));
    case 2: {
        static const char *const near[] = {"-0", "00", "+1",  "-",  " 1",
                                           "1 ", "01", "1.0", "0x", "9223372036854775808"};
        return bytes_of(near[types_below(sizeof(near) / sizeof(near[0]))]);
    }
    default: {
        size_t len = random_len();
        memset(random_room, 'a' + (int)types_below(3), len);
        return bytes_make(random_room, len);
    }
    }
}

static void assert_text(const uint8_t *at, struct bytes want)
{
    char scratch[LISTPACK_INT_CHARS];
    struct bytes text;
    int64_t number = 0, wanted = 0;
    bool reads_as_int = number_int(want, &wanted);
    assert_non_null(at);
    assert_true(bytes_equal(listpack_text(at, scratch), want));
    assert_int_equal(listpack_get(at, &text, &number), reads_as_int);
    if (reads_as_int)
        assert_int_equal(number, wanted);
    else
        assert_true(bytes_equal(text, want));
    assert_int_equal(listpack_int(at, &number), reads_as_int);
    assert_int_equal(number, wanted);
    assert_true(listpack_equals(at, want));
    assert_false(listpack_equals(at, bytes_make(want.ptr, want.len + 1)));
    assert_true(listpack_size_at(at) <= listpack_cost(want.len));
}

static void model_compare(const uint8_t *lp)
{
    uint32_t count = 0;
    size_t bytes = LISTPACK_EMPTY;
    assert_true(listpack_is_valid(lp, listpack_bytes(lp), &count));
    assert_int_equal(count, model_count);
    assert_int_equal(listpack_count(lp), model_count);
    const uint8_t *at = listpack_first(lp), *before = NULL;
    for (size_t i = 0; i < model_count; i++) {
        assert_text(at, model[i]);
        assert_ptr_equal(listpack_prev(lp, at), before);
        bytes += listpack_size_at(at);
        before = at;
        at = listpack_next(lp, at);
    }
    assert_null(at);
    assert_ptr_equal(listpack_last(lp), before);
    assert_int_equal(listpack_bytes(lp), bytes);
}

static void model_compare_seek(const uint8_t *lp)
{
    int64_t count = (int64_t)model_count, at = (int64_t)types_below(model_count + 2);
    for (int64_t index = -count - 1; index <= count; index += 1 + (int64_t)types_below(30)) {
        uint8_t *place = listpack_seek(lp, index);
        bool there = index >= -count && index < count;
        assert_int_equal(place != NULL, there);
        if (there) assert_text(place, model[index < 0 ? index + count : index]);
    }
    assert_int_equal(listpack_seek(lp, at) != NULL, at < count);
    assert_null(listpack_seek(lp, INT64_MAX));
    assert_null(listpack_seek(lp, INT64_MIN));
}

static void model_compare_find(const uint8_t *lp)
{
    struct bytes text =
        model_count > 0 && types_below(2) ? model[types_below(model_count)] : random_text();
    size_t from = types_below(model_count + 1);
    unsigned skip = (unsigned)types_below(3);
    size_t found = from;
    while (found < model_count && !bytes_equal(model[found], text)) found += skip + 1;
    const uint8_t *want = found < model_count ? listpack_seek(lp, (int64_t)found) : NULL;
    const uint8_t *start = from < model_count ? listpack_seek(lp, (int64_t)from) : NULL;
    assert_ptr_equal(listpack_find(lp, start, text, skip), want);
}

/* ---- Random changes ---- */

static uint8_t *step_insert(uint8_t *lp)
{
    struct bytes text = random_text();
    size_t index = types_below(model_count + 1);
    assert_true(listpack_fits(lp, text.len));
    uint8_t *at = index < model_count ? listpack_seek(lp, (int64_t)index) : NULL;
    lp = listpack_insert(lp, &at, text);
    model_insert(index, text);
    assert_ptr_equal(at, listpack_seek(lp, (int64_t)index));
    return lp;
}

static uint8_t *step_end(uint8_t *lp)
{
    struct bytes text = random_text();
    int64_t number;
    if (types_below(2)) {
        model_insert(0, text);
        return listpack_prepend(lp, text);
    }
    model_insert(model_count, text);
    return number_int(text, &number) ? listpack_append_int(lp, number) : listpack_append(lp, text);
}

static uint8_t *step_replace(uint8_t *lp)
{
    if (model_count == 0) return lp;
    size_t index = types_below(model_count);
    uint8_t *at = listpack_seek(lp, (int64_t)index);
    struct bytes text = random_text();
    int64_t number;
    if (types_below(2) && number_int(text, &number))
        lp = listpack_replace_int(lp, &at, number);
    else
        lp = listpack_replace(lp, &at, text);
    model_delete(index, 1);
    model_insert(index, text);
    assert_ptr_equal(at, listpack_seek(lp, (int64_t)index));
    return lp;
}

static uint8_t *step_delete(uint8_t *lp)
{
    if (model_count == 0) return lp;
    size_t index = types_below(model_count), count = types_below(4);
    if (types_below(60) == 0) count = MODEL_MAX;
    uint8_t *at = listpack_seek(lp, (int64_t)index);
    lp = listpack_delete(lp, &at, (uint32_t)count);
    if (count > model_count - index) count = model_count - index;
    model_delete(index, count);
    assert_ptr_equal(at, index < model_count ? listpack_seek(lp, (int64_t)index) : NULL);
    return lp;
}

/* Cuts the tail off into another one and joins them again. */
static uint8_t *step_cut_and_join(uint8_t *lp)
{
    uint8_t *other = listpack_copy(lp);
    assert_memory_equal(other, lp, listpack_bytes(lp));
    if (model_count > 0) {
        size_t index = types_below(model_count);
        uint8_t *at = listpack_seek(lp, (int64_t)index), *first = listpack_first(other);
        lp = listpack_delete(lp, &at, UINT32_MAX);
        other = listpack_delete(other, &first, (uint32_t)index);
        lp = listpack_join(lp, other);
    }
    heap_free(other);
    return listpack_trim(lp);
}

static uint8_t *step(uint8_t *lp)
{
    uint64_t what = types_below(100);
    if (model_count > MODEL_MAX - 10) what = 99;
    if (what < 30) return step_insert(lp);
    if (what < 45) return step_end(lp);
    if (what < 70) return step_replace(lp);
    if (what < 75) return step_cut_and_join(lp);
    return step_delete(lp);
}

static void test_random_changes_agree_with_the_model(void **state)
{
    (void)state;
    uint8_t *lp = listpack_make(0);
    for (int n = 0; n < 20000; n++) {
        lp = step(lp);
        model_compare_find(lp);
        if (n % 16 == 0) model_compare_seek(lp);
        if (n % 4 == 0) model_compare(lp);
    }
    model_compare(lp);
    model_delete(0, model_count);
    heap_free(lp);
}

/* ---- The format ---- */

static uint8_t *made_of(const char *const *texts, size_t count)
{
    uint8_t *lp = listpack_make(0);
    for (size_t i = 0; i < count; i++) lp = listpack_append(lp, bytes_of(texts[i]));
    return lp;
}

static void test_bytes_are_those_of_redis(void **state)
{
    (void)state;
    /* From DUMP of redis-server 7.0.15: a hash, and a sorted set. */
    static const char *const hash[] = {
        "f", "0",          "g", "127",        "h", "128",
        "i", "-1",         "j", "4095",       "k", "4096",
        "l", "-4096",      "m", "-4097",      "n", "32767",
        "o", "32768",      "p", "-32768",     "q", "8388607",
        "r", "8388608",    "s", "-8388608",   "t", "-8388609",
        "u", "2147483647", "v", "2147483648", "w", "-9223372036854775808",
        "x", "hello",      "y", "",           "z", "01"};
    static const char *const zset[] = {"c", "-inf", "a", "1", "b", "2.5"};
    uint8_t *lp = made_of(hash, sizeof(hash) / sizeof(hash[0]));
    types_assert_hex(
        lp, listpack_bytes(lp),
        "a80000002a0081660200018167027f01816802c08002816902dfff02816a02cfff02816b02f1001003816c02d0"
        "0002816d02f1ffef03816e02f1ff7f03816f02f200800004817002f1008003817102f2ffff7f04817202f30000"
        "800005817302f200008004817402f3ffff7fff05817502f3ffffff7f05817602f4000000800000000009817702"
        "f40000000000000080098178028568656c6c6f068179028001817a0282303103ff");
    heap_free(lp);
    lp = made_of(zset, sizeof(zset) / sizeof(zset[0]));
    types_assert_hex(lp, listpack_bytes(lp),
                     "1d0000000600816302842d696e6605816102010181620283322e3504ff");
    heap_free(lp);
}

/* The head, and the way back from the end, of a text of 'x' alone. */
static void assert_frame(size_t len, const char *head, const char *back)
{
    char *text = malloc(len);
    memset(text, 'x', len);
    uint8_t *lp = listpack_append(listpack_make(0), bytes_make(text, len));
    size_t head_len = strlen(head) / 2, back_len = strlen(back) / 2;
    assert_int_equal(listpack_bytes(lp), LISTPACK_EMPTY + head_len + len + back_len);
    types_assert_hex(lp + 6, head_len, head);
    types_assert_hex(lp + 6 + head_len + len, back_len, back);
    assert_text(listpack_last(lp), bytes_make(text, len));
    assert_int_equal(listpack_cost(len), head_len + len + back_len);
    heap_free(lp);
    free(text);
}

static void test_borders_of_lengths_are_those_of_redis(void **state)
{
    (void)state;
    assert_frame(63, "bf", "40");
    assert_frame(64, "e040", "42");
    assert_frame(125, "e07d", "7f");
    assert_frame(126, "e07e", "0180");
    assert_frame(4095, "efff", "2081");
    assert_frame(4096, "f000100000", "2085");
    assert_frame(16377, "f0f93f0000", "7ffe");
    assert_frame(16378, "f0fa3f0000", "00ffff");
    assert_frame(2097145, "f0f9ff1f00", "7ffffe");
    assert_frame(2097146, "f0faff1f00", "00ffffff");
}

static void test_an_integer_takes_the_narrowest_kind(void **state)
{
    (void)state;
    static const struct {
        int64_t most;
        size_t size;
    } kinds[] = {{4095, 3}, {INT16_MAX, 4}, {(1 << 23) - 1, 5}, {INT32_MAX, 6}, {INT64_MAX, 10}};
    uint8_t *lp = listpack_append_int(listpack_make(0), 127);
    assert_int_equal(listpack_size_at(listpack_last(lp)), 2);
    lp = listpack_append_int(lp, 128);
    assert_int_equal(listpack_size_at(listpack_last(lp)), 3);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        lp = listpack_append_int(lp, kinds[i].most);
        assert_int_equal(listpack_size_at(listpack_last(lp)), kinds[i].size);
        lp = listpack_append_int(lp, -kinds[i].most - 1);
        assert_int_equal(listpack_size_at(listpack_last(lp)), kinds[i].size);
        if (kinds[i].most == INT64_MAX) break;
        lp = listpack_append_int(lp, kinds[i].most + 1);
        assert_int_equal(listpack_size_at(listpack_last(lp)), kinds[i + 1].size);
        lp = listpack_append_int(lp, -kinds[i].most - 2);
        assert_int_equal(listpack_size_at(listpack_last(lp)), kinds[i + 1].size);
    }
    heap_free(lp);
}

static void test_many_elements_are_counted_by_walking(void **state)
{
    (void)state;
    uint8_t *lp = listpack_make(0);
    for (int64_t i = 0; i < 65534; i++) lp = listpack_append_int(lp, i);
    types_assert_hex(lp + 4, 2, "feff");
    assert_int_equal(listpack_count(lp), 65534);
    for (int64_t i = 65534; i < 65600; i++) {
        lp = listpack_append_int(lp, i);
        types_assert_hex(lp + 4, 2, "ffff");
        assert_int_equal(listpack_count(lp), i + 1);
    }
    int64_t number;
    assert_true(listpack_int(listpack_seek(lp, 65599), &number) && number == 65599);
    assert_true(listpack_int(listpack_seek(lp, -65600), &number) && number == 0);
    assert_null(listpack_seek(lp, 65600));
    assert_null(listpack_seek(lp, -65601));
    uint32_t count;
    assert_true(listpack_is_valid(lp, listpack_bytes(lp), &count) && count == 65600);

    /* Nobody counts again when there are fewer: the field stays. */
    uint8_t *at = listpack_seek(lp, 10);
    lp = listpack_delete(lp, &at, 70);
    types_assert_hex(lp + 4, 2, "ffff");
    assert_int_equal(listpack_count(lp), 65530);
    lp = listpack_delete(lp, &at, 65510);
    types_assert_hex(lp + 4, 2, "ffff");
    assert_int_equal(listpack_count(lp), 20);
    assert_true(listpack_is_valid(lp, listpack_bytes(lp), &count) && count == 20);
    assert_true(listpack_int(listpack_seek(lp, -10), &number) && number == 65590);

    uint8_t *other = listpack_join(listpack_append_int(listpack_make(0), 7), lp);
    types_assert_hex(other + 4, 2, "ffff");
    assert_int_equal(listpack_count(other), 21);
    heap_free(other);
    heap_free(lp);
}

static void test_joined_counts_become_unknown_at_65535(void **state)
{
    (void)state;
    uint8_t *lp = listpack_make(0);
    for (int64_t i = 0; i < 32767; i++) lp = listpack_append_int(lp, i);
    uint8_t *copy = listpack_copy(lp);
    lp = listpack_join(lp, copy);
    types_assert_hex(lp + 4, 2, "feff");
    copy = listpack_append_int(copy, 1);
    lp = listpack_join(lp, copy);
    types_assert_hex(lp + 4, 2, "ffff");
    assert_int_equal(listpack_count(lp), 3 * 32767 + 1);
    heap_free(copy);
    heap_free(lp);
}

/* ---- What came from outside ---- */

static bool is_valid_hex(const char *hex)
{
    size_t len;
    uint32_t count;
    uint8_t *bytes = types_hex(hex, &len);
    bool valid = listpack_is_valid(bytes, len, &count);
    free(bytes);
    return valid;
}

static void test_what_is_no_listpack_is_refused(void **state)
{
    (void)state;
    assert_true(is_valid_hex("070000000000ff"));
    assert_true(is_valid_hex("070000000f00ff") == false); /* count */
    assert_true(is_valid_hex("07000000ffffff"));          /* count not known */
    assert_false(is_valid_hex("0700000000ff"));           /* shorter than a header */
    assert_false(is_valid_hex("08000000000000"));
    assert_false(is_valid_hex("070000000000ff00"));
    assert_false(is_valid_hex("070000000000fe")); /* no end */
    assert_true(is_valid_hex("0900000001000101ff"));
    assert_false(is_valid_hex("0900000001000102ff"));   /* another way back */
    assert_false(is_valid_hex("090000000100ff01ff"));   /* an end within */
    assert_false(is_valid_hex("0a0000000100018001ff")); /* a longer way back than needed */
    assert_false(is_valid_hex("090000000100f501ff"));   /* no such kind */
    assert_false(is_valid_hex("080000000100bfff"));     /* over the end */
    assert_false(is_valid_hex("080000000100e0ff"));
    assert_false(is_valid_hex("110000000100f5000000000000000009ff"));
    assert_true(is_valid_hex("110000000100f4000000000000000009ff"));
    assert_false(is_valid_hex("080000000100f0ff"));
    assert_false(is_valid_hex("0b0000000100f0ffffffff"));
    assert_false(is_valid_hex("0c0000000100f0ffffffffff"));
    assert_false(is_valid_hex("080000000100f4ff"));
}

static void test_what_is_cut_is_refused(void **state)
{
    (void)state;
    uint8_t *lp = listpack_make(0);
    for (int i = 0; i < 40; i++) lp = listpack_append(lp, random_text());
    uint32_t count;
    size_t bytes = listpack_bytes(lp);
    assert_true(listpack_is_valid(lp, bytes, &count));
    for (size_t len = 0; len < bytes; len++) {
        uint8_t *cut = malloc(len + 1);
        memcpy(cut, lp, len);
        assert_false(listpack_is_valid(cut, len, &count));
        if (len >= LISTPACK_EMPTY) { /* with a length and an end that agree */
            for (int i = 0; i < 4; i++) cut[i] = (uint8_t)(len >> 8 * i);
            cut[len - 1] = 0xff;
            assert_false(listpack_is_valid(cut, len, &count));
        }
        free(cut);
    }
    heap_free(lp);
}

/* The way back over 255 bytes ends in the very byte that ends a listpack. */
static void test_the_end_is_no_way_back(void **state)
{
    (void)state;
    uint32_t count;
    memset(random_room, 'x', 253);
    uint8_t *lp = listpack_append(listpack_make(0), bytes_make(random_room, 253));
    size_t bytes = listpack_bytes(lp);
    assert_true(listpack_is_valid(lp, bytes, &count));
    lp[0]--;
    assert_int_equal(lp[bytes - 2], 0xff);
    assert_false(listpack_is_valid(lp, bytes - 1, &count));
    heap_free(lp);
}

/* Redis's own writer never makes these, but its reader takes them, and so a RESTORE may. */
static void test_wider_encodings_than_needed_read_alike(void **state)
{
    (void)state;
    size_t len;
    uint32_t count;
    int64_t number;
    /* 5 as 16 bits, "5" as text, "a" with 32 bits of length */
    uint8_t *bytes = types_hex("160000000300f10500038135"
                               "02f0010000006106ff",
                               &len);
    bytes[0] = (uint8_t)len;
    assert_true(listpack_is_valid(bytes, len, &count) && count == 3);
    const uint8_t *first = listpack_first(bytes), *second = listpack_next(bytes, first);
    assert_true(listpack_equals(first, bytes_of("5")) && listpack_equals(second, bytes_of("5")));
    assert_true(listpack_int(second, &number) && number == 5);
    assert_ptr_equal(listpack_find(bytes, first, bytes_of("5"), 0), first);
    assert_ptr_equal(listpack_find(bytes, second, bytes_of("5"), 0), second);
    assert_ptr_equal(listpack_find(bytes, first, bytes_of("a"), 0), listpack_last(bytes));
    free(bytes);
}

/* ---- Room ---- */

static void test_the_limit_of_a_listpack(void **state)
{
    (void)state;
    uint8_t *lp = listpack_make(0);
    size_t most = LISTPACK_MAX - LISTPACK_EMPTY - 10;
    assert_true(listpack_fits(lp, most));
    assert_false(listpack_fits(lp, most + 1));
    assert_false(listpack_fits(lp, LISTPACK_MAX));
    assert_false(listpack_fits(lp, SIZE_MAX));
    lp = listpack_append(lp, bytes_of("x"));
    assert_true(listpack_fits(lp, most - 3));
    assert_false(listpack_fits(lp, most - 2));
    heap_free(lp);
}

static void test_room_that_was_asked_for_is_used(void **state)
{
    (void)state;
    uint8_t *lp = listpack_make(1000);
    const uint8_t *before = lp;
    for (int i = 0; i < 300; i++) lp = listpack_append_int(lp, i % 100);
    assert_ptr_equal(lp, before);
    assert_true(arena_usable(lp) >= 1000);
    lp = listpack_trim(lp);
    assert_true(arena_usable(lp) < 1000);
    heap_free(lp);
}

static void test_deleting_gives_memory_back(void **state)
{
    (void)state;
    uint8_t *lp = listpack_make(0);
    for (int i = 0; i < 10000; i++) lp = listpack_append_int(lp, 100000 + i);
    while (listpack_first(lp) != NULL) {
        uint8_t *at = listpack_first(lp);
        lp = listpack_delete(lp, &at, 1);
        assert_true(arena_usable(lp) <= 2 * listpack_bytes(lp) + 16);
    }
    assert_int_equal(listpack_bytes(lp), LISTPACK_EMPTY);
    heap_free(lp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TYPES_TEST(test_random_changes_agree_with_the_model),
        TYPES_TEST(test_bytes_are_those_of_redis),
        TYPES_TEST(test_borders_of_lengths_are_those_of_redis),
        TYPES_TEST(test_an_integer_takes_the_narrowest_kind),
        TYPES_TEST(test_many_elements_are_counted_by_walking),
        TYPES_TEST(test_joined_counts_become_unknown_at_65535),
        TYPES_TEST(test_what_is_no_listpack_is_refused),
        TYPES_TEST(test_what_is_cut_is_refused),
        TYPES_TEST(test_the_end_is_no_way_back),
        TYPES_TEST(test_wider_encodings_than_needed_read_alike),
        TYPES_TEST(test_the_limit_of_a_listpack),
        TYPES_TEST(test_room_that_was_asked_for_is_used),
        TYPES_TEST(test_deleting_gives_memory_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
