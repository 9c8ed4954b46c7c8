/*
 * Sets against a naive model: an array that says of each possible member whether it is in. The form
 * that a set should have is worked out beside it, by the rules as they are written down for users.
 */
#include "unit/execute/types_fixture.h"

#include "execute/types/grave.h"
#include "execute/types/set.h"

#include <math.h>
#include <stdio.h>

enum { MEMBERS = 700, LONG_LEN = 70 };

struct model {
    struct entry *set;
    bool in[MEMBERS];
    uint64_t count;
    enum value_encoding form;
};

static char model_texts[MEMBERS][LONG_LEN + 1];

/* Small, wide and widest integers, what only looks like one, the empty text, short and long ones.
 */
static void model_name(int i)
{
    char *text = model_texts[i];
    if (i == 0)
        text[0] = '\0';
    else if (i % 7 == 1)
        snprintf(text, LONG_LEN, "%d", i * 3 - 900);
    else if (i % 7 == 2)
        snprintf(text, LONG_LEN, "%d", i * 100000 - 30000000);
    else if (i % 7 == 3)
        snprintf(text, LONG_LEN, "%lld", 9223372036854775807LL - i);
    else if (i % 7 == 4)
        snprintf(text, LONG_LEN, "0%d", i);
    else if (i % 7 == 5)
        snprintf(text, LONG_LEN + 1, "%0*d", LONG_LEN, i);
    else
        snprintf(text, LONG_LEN, "member:%d", i);
}

static bool model_is_int(int i) { return i > 0 && i % 7 >= 1 && i % 7 <= 3; }

/* Large values are freed in steps. */
static void drop(struct entry *e)
{
    entry_free(e);
    while (grave_dig()) continue;
}

static void model_member(struct set_member *m, int i)
{
    set_member_of(m, bytes_of(model_texts[i]));
}

static int model_index(struct bytes text)
{
    for (int i = 0; i < MEMBERS; i++) {
        if (bytes_equal(bytes_of(model_texts[i]), text)) return i;
    }
    fail_msg("not a member of the model: %.*s", (int)text.len, text.ptr);
    return -1;
}

/* All integers in it are short enough for a listpack. */
static bool model_ints_are_short(const struct model *m)
{
    for (int i = 0; i < MEMBERS; i++) {
        if (m->in[i] && strlen(model_texts[i]) > value_limits.set_max_listpack_value) return false;
    }
    return true;
}

static enum value_encoding model_form_after(const struct model *m, int i)
{
    bool room = m->count < value_limits.set_max_listpack_entries &&
                strlen(model_texts[i]) <= value_limits.set_max_listpack_value;
    if (m->form == ENC_INTSET && model_is_int(i))
        return m->count < value_limits.set_max_intset_entries ? ENC_INTSET : ENC_HASHTABLE;
    if (m->form == ENC_INTSET) room = room && model_ints_are_short(m);
    return m->form == ENC_HASHTABLE || !room ? ENC_HASHTABLE : ENC_LISTPACK;
}

static void model_open(struct model *m)
{
    memset(m, 0, sizeof(*m));
    m->set = type_make_entry(bytes_of("set"), TYPE_SET);
    m->form = ENC_INTSET;
}

static void model_add(struct model *m, int i)
{
    struct set_member member;
    model_member(&member, i);
    enum value_encoding form = m->in[i] ? m->form : model_form_after(m, i);
    assert_int_equal(set_add(m->set, &member), !m->in[i]);
    m->count += !m->in[i];
    m->in[i] = true;
    m->form = form;
}

static void model_remove(struct model *m, int i)
{
    struct set_member member;
    model_member(&member, i);
    assert_int_equal(set_remove(m->set, &member), m->in[i]);
    m->count -= m->in[i];
    m->in[i] = false;
}

static void model_take_any(struct model *m)
{
    struct set_member member;
    if (m->count == 0) return;
    set_random(m->set, &member);
    int i = model_index(set_member_text(&member));
    assert_true(m->in[i]);
    set_take(m->set, &member);
    m->in[i] = false;
    m->count--;
}

static void model_check_walk(const struct model *m, const struct entry *set)
{
    static bool seen[MEMBERS];
    struct set_member members[SET_WINDOW];
    uint64_t count = 0;
    memset(seen, 0, sizeof(seen));
    struct set_walk w = set_walk(set);
    for (uint32_t n; (n = set_next(&w, members, 1 + (uint32_t)types_below(SET_WINDOW))) > 0;) {
        for (uint32_t i = 0; i < n; i++) {
            int at = model_index(set_member_text(&members[i]));
            int64_t number;
            assert_true(m->in[at] && !seen[at]);
            assert_int_equal(set_member_int(&members[i], &number), model_is_int(at));
            seen[at] = true;
            count++;
        }
    }
    assert_int_equal(count, m->count);
}

static void model_check_having(const struct model *m)
{
    struct set_member members[SET_WINDOW];
    int at[SET_WINDOW];
    uint32_t asked = (uint32_t)check_random(&types_state);
    for (int i = 0; i < SET_WINDOW; i++) {
        at[i] = (int)types_below(MEMBERS);
        model_member(&members[i], at[i]);
    }
    set_prefetch(m->set, members, asked);
    uint32_t having = set_having(m->set, members, asked);
    for (int i = 0; i < SET_WINDOW; i++) {
        bool is_asked = asked >> i & 1;
        assert_int_equal(having >> i & 1, is_asked && m->in[at[i]]);
    }
}

static void model_check_copy(const struct model *m)
{
    struct entry *copy = type_make_entry(bytes_of("copy"), TYPE_SET);
    struct entry *other = type_make_entry(bytes_of("other"), TYPE_SET);
    void *root = set_ops.copy(m->set);
    set_ops.free_some(entry_encoding(copy), entry_root(copy), UINT64_MAX);
    entry_set_root(copy, entry_encoding(m->set), root);
    set_swap(copy, other);
    assert_int_equal(set_count(copy), 0);
    model_check_walk(m, other);
    drop(copy);
    drop(other);
}

static void model_check(const struct model *m)
{
    assert_int_equal(set_count(m->set), m->count);
    assert_int_equal(entry_encoding(m->set), m->form);
    model_check_walk(m, m->set);
    model_check_having(m);
    if (set_table(m->set) != NULL) table_check(set_table(m->set));
    size_t all = set_ops.bytes(m->set, 0), some = set_ops.bytes(m->set, 5);
    assert_true(some > all / 2 && some < all * 2);
}

static bool model_keep(void *ctx, struct set_member *member)
{
    struct model *m = ctx;
    int i = model_index(set_member_text(member));
    assert_true(m->in[i]);
    if (types_below(3) > 0) return true;
    m->in[i] = false;
    m->count--;
    return false;
}

static void model_to_intset(struct model *m)
{
    bool ints = m->count <= value_limits.set_max_intset_entries;
    for (int i = 0; i < MEMBERS; i++) ints = ints && (!m->in[i] || model_is_int(i));
    set_to_intset(m->set);
    if (ints) m->form = ENC_INTSET;
}

static void model_step(struct model *m, bool grow, int members)
{
    int i = (int)types_below((uint64_t)members);
    uint64_t what = types_below(100);
    if (what < 60 + (grow ? 25 : 0))
        grow || types_below(2) ? model_add(m, i) : model_remove(m, i);
    else if (what < 90)
        model_remove(m, i);
    else if (what < 98)
        model_take_any(m);
    else if (what == 98 && m->form != ENC_HASHTABLE)
        set_filter(m->set, model_keep, m);
    else
        model_to_intset(m);
}

static void limits_at_random(void)
{
    static const uint64_t entries[] = {0, 1, 5, 60, 200, UINT64_MAX / 2};
    static const uint64_t lengths[] = {0, 3, 10, 64, UINT64_MAX / 2};
    value_limits.set_max_intset_entries = entries[types_below(6)];
    value_limits.set_max_listpack_entries = entries[types_below(6)];
    value_limits.set_max_listpack_value = lengths[types_below(5)];
}

static void test_agrees_with_a_naive_model_in_every_form(void **state)
{
    (void)state;
    static struct model m;
    struct value_limits defaults = value_limits;
    int forms[16] = {0};
    for (int i = 0; i < MEMBERS; i++) model_name(i);
    for (int round = 0; round < 150; round++) {
        limits_at_random();
        model_open(&m);
        int members = 1 + (int)types_below(MEMBERS);
        for (int step = 0; step < 400; step++) {
            model_step(&m, (step / 100) % 2 == 0, members);
            forms[m.form]++;
            if (step % 20 == 0) model_check(&m);
        }
        model_check(&m);
        model_check_copy(&m);
        drop(m.set);
    }
    assert_true(forms[ENC_INTSET] > 100 && forms[ENC_LISTPACK] > 100);
    assert_true(forms[ENC_HASHTABLE] > 100);
    value_limits = defaults;
}

static void test_expecting_many_chooses_the_form_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *first;
        uint64_t count;
        enum value_encoding form;
    } rows[] = {{"1", 1, ENC_INTSET},      {"1", 512, ENC_INTSET},     {"1", 513, ENC_HASHTABLE},
                {"a", 1, ENC_LISTPACK},    {"a", 128, ENC_LISTPACK},   {"a", 129, ENC_HASHTABLE},
                {"01", 128, ENC_LISTPACK}, {"01", 129, ENC_HASHTABLE}, {"-0", 1, ENC_LISTPACK}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct entry *e = type_make_entry(bytes_of("set"), TYPE_SET);
        set_expect(e, bytes_of(rows[i].first), rows[i].count);
        assert_int_equal(entry_encoding(e), rows[i].form);
        drop(e);
    }
    struct entry *e = type_make_entry(bytes_of("set"), TYPE_SET);
    struct set_member m;
    set_member_of(&m, bytes_of("7"));
    assert_true(set_add(e, &m));
    set_expect(e, bytes_of("a"), 512);
    assert_int_equal(entry_encoding(e), ENC_INTSET);
    set_expect(e, bytes_of("a"), 513);
    assert_int_equal(entry_encoding(e), ENC_HASHTABLE);
    assert_true(set_has(e, &m));
    drop(e);
}

static void set_of_numbers(struct entry *e, const char *prefix, int count)
{
    for (int i = 0; i < count; i++) {
        char text[32];
        snprintf(text, sizeof(text), "%s%d", prefix, i);
        struct set_member m;
        set_member_of(&m, bytes_of(text));
        assert_true(set_add(e, &m));
    }
}

/* The sum of squared deviations over the expected number, which is about `kinds` for even draws;
 * twelve standard deviations more would be met once in the age of the universe. */
static void expect_even(const uint32_t *drawn, int kinds, uint64_t draws)
{
    double expected = (double)draws / kinds, chi = 0;
    for (int i = 0; i < kinds; i++) {
        chi += (drawn[i] - expected) * (drawn[i] - expected) / expected;
    }
    assert_true(chi < kinds + 12 * sqrt(2.0 * kinds));
    assert_true(chi > 0);
}

static void check_draws(const char *prefix, int from, int kinds)
{
    enum { DRAWS = 40000 };
    static uint32_t drawn[100];
    struct entry *e = type_make_entry(bytes_of("set"), TYPE_SET);
    set_of_numbers(e, prefix, from);
    for (int i = kinds; i < from; i++) {
        char text[32];
        snprintf(text, sizeof(text), "%s%d", prefix, i);
        struct set_member m;
        set_member_of(&m, bytes_of(text));
        assert_true(set_remove(e, &m));
    }
    memset(drawn, 0, sizeof(drawn));
    for (int i = 0; i < DRAWS; i++) {
        struct set_member m;
        set_random(e, &m);
        char text[32] = {0};
        memcpy(text, set_member_text(&m).ptr, set_member_text(&m).len);
        int at = atoi(text + strlen(prefix));
        assert_in_range(at, 0, kinds - 1);
        drawn[at]++;
    }
    expect_even(drawn, kinds, DRAWS);
    drop(e);
}

static void test_draws_are_even_in_every_form(void **state)
{
    (void)state;
    check_draws("", 20, 20);
    check_draws("m", 20, 20);
    check_draws("m", 200, 100);
}

/* A table that lost nearly all of its members draws from what is left, as evenly and as fast. */
static void test_draws_are_even_after_the_table_shrank(void **state)
{
    (void)state;
    check_draws("m", 100000, 30);
}

static void test_a_large_set_is_freed_in_steps(void **state)
{
    (void)state;
    struct entry *e = type_make_entry(bytes_of("set"), TYPE_SET);
    size_t before = heap_used();
    set_of_numbers(e, "member:", 50000);
    assert_int_equal(set_ops.free_cost(entry_encoding(e), entry_root(e)), 50000);
    int steps = 1;
    while (!set_ops.free_some(entry_encoding(e), entry_root(e), 512)) steps++;
    assert_in_range(steps, 50, 110);
    entry_set_root(e, ENC_INTSET, NULL);
    set_ops.make(e);
    assert_true(heap_used() <= before);
    drop(e);
}

int main(void)
{
    hash_open_with(7);
    const struct CMUnitTest tests[] = {
        TYPES_TEST(test_agrees_with_a_naive_model_in_every_form),
        TYPES_TEST(test_expecting_many_chooses_the_form_at_once),
        TYPES_TEST(test_draws_are_even_in_every_form),
        TYPES_TEST(test_draws_are_even_after_the_table_shrank),
        TYPES_TEST(test_a_large_set_is_freed_in_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
