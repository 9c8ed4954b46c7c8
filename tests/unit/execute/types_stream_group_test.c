/* Groups of streams against plain arrays: who has which entry, through every way that it changes
 * hands. */
#include "unit/execute/keyspace_fixture.h"

#include "execute/types/stream.h"
#include "execute/types/stream_group.h"

#define IDS 600
#define CONSUMERS 9

static int owner[IDS]; /* -1: not pending */
static uint64_t deliveries[IDS];

static struct stream_id id_of(uint32_t i) { return (struct stream_id){1 + i / 7, i % 7}; }

static struct stream_consumer *consumer_of(struct stream_group *g, unsigned i)
{
    char name[16];
    struct bytes text = bytes_make(name, (size_t)snprintf(name, sizeof(name), "c%u", i));
    struct stream_consumer *c = stream_consumer_find(g, text);
    if (c == NULL) c = stream_consumer_make(g, text, 5);
    assert_null(stream_consumer_make(g, text, 6));
    return c;
}

static void drop_consumer(struct stream_group *g, int who)
{
    uint64_t had = 0;
    for (uint32_t i = 0; i < IDS; i++) {
        if (owner[i] != who) continue;
        owner[i] = -1;
        had++;
    }
    assert_int_equal(stream_consumer_drop(g, consumer_of(g, (unsigned)who)), had);
}

static void step(struct stream_group *g)
{
    uint32_t i = (uint32_t)fixture_below(IDS);
    uint64_t how = fixture_below(100);
    if (how == 0) {
        drop_consumer(g, (int)fixture_below(CONSUMERS));
    } else if (how < 40) {
        assert_int_equal(stream_pending_drop(g, id_of(i)), owner[i] != -1);
        owner[i] = -1;
    } else {
        int to = (int)fixture_below(CONSUMERS);
        struct stream_pending *p = stream_pending_give(g, id_of(i), consumer_of(g, (unsigned)to));
        if (owner[i] == -1) deliveries[i] = 0;
        assert_int_equal(p->deliveries, deliveries[i]);
        p->deliveries = ++deliveries[i];
        owner[i] = to;
    }
}

static void check(const struct stream *s, const struct stream_group *g)
{
    uint64_t count = 0;
    stream_check(s);
    for (uint32_t i = 0; i < IDS; i++) {
        const struct stream_pending *p = stream_pending_find(g, id_of(i));
        assert_int_equal(p != NULL, owner[i] != -1);
        if (p == NULL) continue;
        assert_int_equal(p->consumer->name[1], '0' + owner[i]);
        assert_int_equal(p->deliveries, deliveries[i]);
        count++;
    }
    assert_int_equal(g->pending.count, count);
}

static void test_model(void **state)
{
    (void)state;
    struct stream *s = stream_make();
    struct stream_group *g = stream_group_make(s, bytes_of("g"), STREAM_ID_MIN, 0);
    for (uint32_t i = 0; i < IDS; i++) owner[i] = -1;
    assert_null(stream_group_make(s, bytes_of("g"), STREAM_ID_MIN, 0));
    stream_group_make(s, bytes_of("another"), STREAM_ID_MAX, 3);
    for (int i = 0; i < 40000; i++) {
        step(g);
        if (i % 1000 == 0) check(s, g);
    }
    struct stream *copy = stream_copy(s);
    while (!stream_free_some(s, 2)) continue;
    check(copy, stream_group_find(copy, bytes_of("g")));
    assert_int_equal(stream_group_find(copy, bytes_of("another"))->entries_read, 3);
    assert_null(stream_group_find(copy, bytes_of("")));
    stream_group_drop(copy, stream_group_find(copy, bytes_of("g")));
    assert_null(stream_group_find(copy, bytes_of("g")));
    assert_int_equal(copy->groups.count, 1);
    stream_free(copy);
}

static void test_groups_are_in_the_order_of_names(void **state)
{
    (void)state;
    static const char *const names[] = {"b", "", "ab", "a", "c"}, *const order[] = {"", "a", "ab",
                                                                                    "b", "c"};
    struct stream *s = stream_make();
    for (int i = 0; i < 5; i++) stream_group_make(s, bytes_of(names[i]), STREAM_ID_MIN, 0);
    struct sorted_place at = sorted_first(&s->groups);
    for (int i = 0; i < 5; i++) {
        const struct stream_group *g = stream_group_next(s, &at);
        assert_true(bytes_equal(stream_group_name(g), bytes_of(order[i])));
    }
    assert_null(stream_group_next(s, &at));
    stream_free(s);
}

static void add(struct stream *s, uint64_t ms)
{
    struct bytes texts[2] = {bytes_of("f"), bytes_of("v")};
    stream_append(s, (struct stream_id){ms, 0}, (struct stream_pairs){texts, 1},
                  (struct stream_limits){0, 100});
}

static void expect_lag(const struct stream *s, const struct stream_group *g, int64_t read,
                       int64_t lag)
{
    uint64_t have;
    bool known = stream_group_lag(s, g, &have);
    assert_int_equal(g->entries_read, read);
    assert_int_equal(known, lag != -1);
    if (known) assert_int_equal(have, lag);
}

static void test_lag(void **state)
{
    (void)state;
    struct stream *s = stream_make();
    struct stream_group *g = stream_group_make(s, bytes_of("g"), STREAM_ID_MIN, -1);
    expect_lag(s, g, -1, 0);
    for (uint64_t ms = 1; ms <= 5; ms++) add(s, ms);
    expect_lag(s, g, -1, 5);
    stream_group_read(s, g, (struct stream_id){1, 0});
    expect_lag(s, g, 1, 4);
    stream_delete(s, (struct stream_id){3, 0});
    expect_lag(s, g, 1, -1);
    stream_group_read(s, g, (struct stream_id){2, 0});
    expect_lag(s, g, -1, -1);
    stream_group_read(s, g, (struct stream_id){5, 0});
    expect_lag(s, g, 5, 0);
    add(s, 6);
    expect_lag(s, g, 5, 1);
    struct stream_trim how = {.by = STREAM_TRIM_LENGTH};
    stream_trim(s, &how);
    expect_lag(s, g, 5, 1);
    stream_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_model),
        FIXTURE_TEST(test_groups_are_in_the_order_of_names),
        FIXTURE_TEST(test_lag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
