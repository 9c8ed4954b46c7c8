/* Sorted arrays in chunks against a plain array: random insertions and removals everywhere, from
 * the ends, and phases that grow and shrink. */
#include "unit/execute/keyspace_fixture.h"

#include "execute/types/sorted.h"

#define MOST 4000
#define STEPS 200000

struct record {
    uint64_t key;
    uint64_t twice; /* shows that the rest of a record moves with its key */
};

static int compare(const void *record, const void *key)
{
    uint64_t a = ((const struct record *)record)->key, b = *(const uint64_t *)key;
    return a < b ? -1 : a > b;
}

static const struct sorted_kind kinds[] = {{sizeof(struct record), 8, compare},
                                           {sizeof(struct record), 64, compare}};
static uint64_t model[MOST];
static uint32_t model_count;

static uint32_t model_seek(uint64_t key)
{
    uint32_t i = 0;
    while (i < model_count && model[i] < key) i++;
    return i;
}

static void check_place(const struct sorted *s, struct sorted_place at, uint32_t i)
{
    const struct record *r = sorted_at(s, at);
    assert_int_equal(r != NULL, i < model_count);
    if (r == NULL) return;
    assert_int_equal(r->key, model[i]);
    assert_int_equal(r->twice, model[i] * 2);
}

static void check_all(const struct sorted *s)
{
    struct sorted_place at = sorted_first(s);
    assert_int_equal(s->count, model_count);
    for (uint32_t i = 0; i < model_count; i++, sorted_next(s, &at)) check_place(s, at, i);
    assert_null(sorted_at(s, at));
    for (uint32_t i = model_count; i > 0; i--) {
        assert_true(sorted_prev(s, &at));
        check_place(s, at, i - 1);
    }
    assert_false(sorted_prev(s, &at));
    const struct record *last = sorted_find_last(s);
    assert_int_equal(last == NULL ? 0 : last->key, model_count == 0 ? 0 : model[model_count - 1]);
}

static void insert(struct sorted *s, uint64_t key)
{
    uint32_t i = model_seek(key);
    struct sorted_place at = sorted_seek(s, &key);
    check_place(s, at, i);
    if (i < model_count && model[i] == key) {
        assert_ptr_equal(sorted_find(s, &key), sorted_at(s, at));
        return;
    }
    assert_null(sorted_find(s, &key));
    if (model_count == MOST) return;
    memmove(model + i + 1, model + i, (model_count - i) * sizeof(model[0]));
    model[i] = key;
    model_count++;
    struct record *r = sorted_insert(s, at);
    *r = (struct record){key, key * 2};
}

static void remove_at(struct sorted *s, uint32_t i)
{
    struct sorted_place at = sorted_seek(s, &model[i]);
    check_place(s, at, i);
    sorted_remove(s, &at);
    memmove(model + i, model + i + 1, (model_count - i - 1) * sizeof(model[0]));
    model_count--;
    check_place(s, at, i);
}

static void step(struct sorted *s, unsigned phase)
{
    bool grow = fixture_below(10) < (phase % 2 == 0 ? 7u : 3u);
    uint64_t where = fixture_below(3);
    if (grow && where == 0) {
        insert(s, model_count == 0 ? 1 : model[model_count - 1] + 1 + fixture_below(3));
    } else if (grow) {
        insert(s, fixture_below(3 * MOST));
    } else if (model_count > 0) {
        uint64_t most = where == 0 ? 1 : model_count;
        remove_at(s, where == 1 ? model_count - 1 : (uint32_t)fixture_below(most));
    }
}

static void test_model(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        struct sorted s, copy;
        sorted_open(&s, &kinds[k]);
        model_count = 0;
        for (unsigned i = 0; i < STEPS; i++) {
            step(&s, i / 20000);
            if (i % 5000 == 0) check_all(&s);
        }
        sorted_copy(&copy, &s);
        check_all(&copy);
        while (model_count > 0) remove_at(&s, (uint32_t)fixture_below(model_count));
        check_all(&s);
        assert_int_equal(s.bytes, 0);
        while (!sorted_close_some(&copy, 2)) continue;
        assert_int_equal(copy.count + copy.bytes, 0);
    }
}

/* What is added at one end and taken from the other needs the room of what is there. */
static void test_queue_stays_small(void **state)
{
    (void)state;
    struct sorted s;
    sorted_open(&s, &kinds[1]);
    for (uint64_t key = 1; key <= 200000; key++) {
        struct record *r = sorted_insert(&s, sorted_end(&s));
        *r = (struct record){key, key * 2};
        struct sorted_place first = sorted_first(&s);
        if (key > 1000) sorted_remove(&s, &first);
    }
    assert_int_equal(s.count, 1000);
    assert_true(s.bytes < 2 * 1000 * sizeof(struct record));
    sorted_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(test_model),
        FIXTURE_TEST(test_queue_stays_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
