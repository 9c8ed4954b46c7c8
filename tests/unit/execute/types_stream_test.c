/* Streams against a plain array: appended, deleted, trimmed, walked both ways, copied and freed in
 * steps, with nodes of all limits, and texts of all kinds. */
#include "unit/execute/keyspace_fixture.h"

#include "execute/types/stream.h"
#include "execute/types/stream_group.h"

#define MOST 3000
#define PAIRS_MAX 6
#define TEXT_MAX 70000

struct model_entry {
    struct stream_id id;
    uint32_t count;
    uint32_t texts[2 * PAIRS_MAX]; /* indexes into pool */
};

static struct bytes pool[64];
static uint32_t pool_count;
static struct model_entry model[MOST];
static uint32_t model_count;
static struct stream_id model_last, model_deleted;
static uint64_t model_added;

static void pool_add(const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    memcpy(copy, text, len);
    pool[pool_count++] = bytes_make(copy, len);
}

static void pool_open(void)
{
    static const char *const texts[] = {"",
                                        "a",
                                        "field",
                                        "-",
                                        "0",
                                        "127",
                                        "128",
                                        "-1",
                                        "-128",
                                        "-129",
                                        "32767",
                                        "32768",
                                        "-32769",
                                        "8388607",
                                        "1e3",
                                        "00",
                                        "-0",
                                        "+1",
                                        "8388608",
                                        "-8388609",
                                        "2147483648",
                                        " 1",
                                        "12345",
                                        "f2",
                                        "-2147483649",
                                        "549755813888",
                                        "9223372036854775807",
                                        "-9223372036854775808",
                                        "9223372036854775808",
                                        "140737488355328",
                                        "36028797018963968"};
    static const size_t lens[] = {62, 63, 64, 65, 255, 256, 257, 65535, 65536, TEXT_MAX};
    static char filler[TEXT_MAX];
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        pool_add(texts[i], strlen(texts[i]));
    for (size_t i = 0; i < TEXT_MAX; i++) filler[i] = (char)random_next(&fixture_random);
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) pool_add(filler, lens[i]);
}

static void pool_close(void)
{
    for (uint32_t i = 0; i < pool_count; i++) {
        union {
            const char *given;
            void *owned;
        } p = {pool[i].ptr};
        free(p.owned);
    }
    pool_count = 0;
}

/* Seldom a long one, so that nodes of many entries exist. */
static uint32_t any_text(void)
{
    return (uint32_t)fixture_below(fixture_below(60) == 0 ? pool_count : pool_count - 10);
}

static struct stream_id next_id(void)
{
    struct stream_id id = model_last;
    switch (fixture_below(6)) {
    case 0: id.ms += 1 + fixture_below(1 << fixture_below(20)); break;
    case 1: id.seq += 1 + fixture_below(1 << fixture_below(20)); return id;
    case 2: id.ms += fixture_below(3) << fixture_below(40); break;
    default: id.seq++; return id;
    }
    if (id.ms == model_last.ms)
        id.seq++;
    else
        id.seq = fixture_below(2) == 0 ? 0 : random_next(&fixture_random) >> fixture_below(64) >> 1;
    return id;
}

static void do_append(struct stream *s, struct stream_limits limits)
{
    if (model_count == MOST) return;
    struct model_entry *m = &model[model_count++];
    bool same = model_count > 1 && fixture_below(3) != 0;
    m->id = next_id();
    m->count = same ? m[-1].count : 1 + (uint32_t)fixture_below(PAIRS_MAX);
    struct bytes texts[2 * PAIRS_MAX];
    for (uint32_t i = 0; i < 2 * m->count; i++) {
        m->texts[i] = same && i % 2 == 0 ? m[-1].texts[i] : any_text();
        texts[i] = pool[m->texts[i]];
    }
    stream_append(s, m->id, (struct stream_pairs){texts, m->count}, limits);
    model_last = m->id;
    model_added++;
}

static void model_remove(uint32_t i, uint32_t count)
{
    memmove(model + i, model + i + count, (model_count - i - count) * sizeof(model[0]));
    model_count -= count;
}

static void do_delete(struct stream *s)
{
    if (model_count == 0) return;
    uint32_t i = (uint32_t)fixture_below(fixture_below(4) == 0 ? 1 : model_count);
    struct stream_id id = model[i].id, absent = id;
    stream_id_raise(&absent);
    if (i + 1 == model_count || stream_id_compare(model[i + 1].id, absent) != 0)
        assert_false(stream_delete(s, absent));
    assert_true(stream_delete(s, id));
    assert_false(stream_delete(s, id));
    if (stream_id_compare(id, model_deleted) > 0) model_deleted = id;
    model_remove(i, 1);
}

static void do_trim(struct stream *s)
{
    struct stream_trim how = {.by = STREAM_TRIM_LENGTH};
    how.about = fixture_below(2) == 0;
    uint32_t keep = (uint32_t)fixture_below(model_count + 10);
    if (fixture_below(2) == 0) keep = model_count - (uint32_t)fixture_below(model_count / 8 + 1);
    uint32_t gone = keep >= model_count ? 0 : model_count - keep;
    how.length = keep;
    if (fixture_below(2) == 0) {
        how.by = STREAM_TRIM_ID;
        how.min = gone < model_count ? model[gone].id : STREAM_ID_MAX;
    }
    if (how.about && fixture_below(2) == 0) how.limit = 1 + fixture_below(gone + 1);
    uint64_t deleted = stream_trim(s, &how);
    if (how.about)
        assert_true(deleted <= gone && (how.limit == 0 || deleted <= how.limit));
    else
        assert_int_equal(deleted, gone);
    model_remove(0, (uint32_t)deleted);
}

static void check_entry(struct stream_entry *entry, const struct model_entry *m)
{
    struct bytes field, value;
    char scratch[2][NUMBER_INT_CHARS];
    assert_int_equal(stream_id_compare(entry->id, m->id), 0);
    assert_int_equal(entry->count, m->count);
    for (uint32_t i = 0; i < m->count; i++) {
        assert_true(stream_entry_pair(entry, &field, &value, scratch));
        assert_true(bytes_equal(field, pool[m->texts[2 * i]]));
        assert_true(bytes_equal(value, pool[m->texts[2 * i + 1]]));
    }
    assert_false(stream_entry_pair(entry, &field, &value, scratch));
}

static void check_range(const struct stream *s, struct stream_id from, struct stream_id to)
{
    uint32_t first = 0, behind = model_count;
    while (first < behind && stream_id_compare(model[first].id, from) < 0) first++;
    while (behind > first && stream_id_compare(model[behind - 1].id, to) > 0) behind--;
    struct stream_walk w;
    stream_walk_open(&w, s, from, to);
    for (uint32_t i = first; i < behind; i++) {
        assert_true(stream_walk_next(&w));
        if (fixture_below(3) != 0) check_entry(&w.entry, &model[i]);
    }
    assert_false(stream_walk_next(&w));
    struct stream_walk_back b;
    stream_walk_back_open(&b, s, from, to);
    for (uint32_t i = behind; i > first; i--) {
        assert_true(stream_walk_back_next(&b));
        if (fixture_below(3) != 0) check_entry(&b.entry, &model[i - 1]);
    }
    assert_false(stream_walk_back_next(&b));
}

static struct stream_id any_id(void)
{
    if (model_count == 0) return model_last;
    struct stream_id id = model[fixture_below(model_count)].id;
    uint64_t how = fixture_below(4);
    if (how == 0) stream_id_raise(&id);
    if (how == 1) stream_id_lower(&id);
    return id;
}

static void check(const struct stream *s)
{
    stream_check(s);
    assert_int_equal(s->length, model_count);
    assert_int_equal(s->added, model_added);
    assert_int_equal(stream_id_compare(s->last_id, model_last), 0);
    assert_int_equal(stream_id_compare(s->max_deleted, model_deleted), 0);
    struct stream_id first = stream_first_id(s), last = stream_last_entry_id(s);
    struct stream_id none = STREAM_ID_MIN;
    assert_int_equal(stream_id_compare(first, model_count == 0 ? none : model[0].id), 0);
    assert_int_equal(stream_id_compare(last, model_count == 0 ? none : model[model_count - 1].id),
                     0);
    check_range(s, STREAM_ID_MIN, STREAM_ID_MAX);
    for (int i = 0; i < 5; i++) check_range(s, any_id(), any_id());
}

static void run_model(struct stream_limits limits, unsigned steps)
{
    struct stream *s = stream_make();
    model_count = 0;
    model_added = 0;
    model_last = model_deleted = STREAM_ID_MIN;
    pool_open();
    for (unsigned i = 0; i < steps; i++) {
        uint64_t how = fixture_below(1000);
        if (how < 3 && i % 3000 > 1500)
            do_trim(s);
        else if (how < (i / 3000 % 2 == 0 ? 200u : 600u))
            do_delete(s);
        else
            do_append(s, limits);
        if (i % 500 == 0 || i + 1 == steps) check(s);
    }
    struct stream *copy = stream_copy(s);
    while (!stream_free_some(s, 3)) continue;
    check(copy);
    assert_true(stream_memory(copy) > copy->node_bytes);
    stream_free(copy);
    pool_close();
}

static void test_default_nodes(void **state)
{
    (void)state;
    run_model((struct stream_limits){4096, 100}, 12000);
}

static void test_nodes_of_one_entry(void **state)
{
    (void)state;
    run_model((struct stream_limits){0, 1}, 6000);
}

static void test_nodes_without_bound(void **state)
{
    (void)state;
    run_model((struct stream_limits){0, 0}, 12000);
}

static void test_nodes_of_few_bytes(void **state)
{
    (void)state;
    run_model((struct stream_limits){200, 7}, 6000);
}

/* A few bytes an entry where fields repeat and ids follow each other: what the format is for. */
static void test_entries_are_small(void **state)
{
    (void)state;
    struct stream *s = stream_make();
    struct bytes texts[6] = {bytes_of("name"),  bytes_of("value1"), bytes_of("age"),
                             bytes_of("12345"), bytes_of("place"),  bytes_of("somewhere")};
    for (uint64_t i = 0; i < 100000; i++) {
        stream_append(s, (struct stream_id){FIXTURE_NOW_MS + i / 3, i % 3},
                      (struct stream_pairs){texts, 3}, (struct stream_limits){4096, 100});
    }
    /* 1 of flags, at most 1 of ms, 7 + 3 + 10 of values, and the node's head and rounding. */
    assert_true(stream_memory(s) < 100000 * 26);
    stream_free(s);
}

static void test_nodes_follow_the_limits(void **state)
{
    (void)state;
    struct stream *s = stream_make();
    struct bytes texts[2] = {bytes_of("f"), bytes_of("v")};
    for (uint64_t i = 1; i <= 1000; i++) {
        stream_append(s, (struct stream_id){i, 0}, (struct stream_pairs){texts, 1},
                      (struct stream_limits){4096, 100});
    }
    assert_int_equal(s->nodes.count, 10);
    struct stream_trim how = {.by = STREAM_TRIM_LENGTH, .about = true, .length = 555};
    assert_int_equal(stream_trim(s, &how), 400);
    how.limit = 99;
    how.length = 0;
    assert_int_equal(stream_trim(s, &how), 0);
    stream_free(s);
}

/* Ids at both ends of what there is. */
static void test_extreme_ids(void **state)
{
    (void)state;
    struct stream *s = stream_make();
    struct bytes texts[2] = {bytes_of("f"), bytes_of("v")};
    const struct stream_id ids[] = {{0, 1},          {0, UINT64_MAX}, {1, 0},
                                    {1, UINT64_MAX}, {UINT64_MAX, 0}, {UINT64_MAX, UINT64_MAX}};
    for (int i = 0; i < 6; i++) {
        stream_append(s, ids[i], (struct stream_pairs){texts, 1}, (struct stream_limits){0, 0});
    }
    stream_check(s);
    struct stream_walk w;
    stream_walk_open(&w, s, STREAM_ID_MIN, STREAM_ID_MAX);
    for (int i = 0; i < 6; i++) {
        assert_true(stream_walk_next(&w));
        assert_int_equal(stream_id_compare(w.entry.id, ids[i]), 0);
    }
    assert_false(stream_walk_next(&w));
    for (int i = 1; i < 6; i++) assert_true(stream_delete(s, ids[i]));
    assert_true(stream_delete(s, ids[0]));
    assert_int_equal(s->nodes.count, 0);
    stream_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_default_nodes),           FIXTURE_TEST(test_nodes_of_one_entry),
        FIXTURE_TEST(test_nodes_without_bound),     FIXTURE_TEST(test_nodes_of_few_bytes),
        FIXTURE_TEST(test_entries_are_small),       FIXTURE_TEST(test_extreme_ids),
        FIXTURE_TEST(test_nodes_follow_the_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
