/*
 * Hashes against a naive model: random operations on few keys with many fields, so that every form
 * meets every operation, deadlines of fields among them. The keyspace's index must know at all
 * times when the next field is due, whatever happens to the key.
 */
#include "unit/execute/keyspace_fixture.h"

#include "execute/types/hash.h"
#include "execute/types/table.h"

#define DBS 2
#define KEYS 5
#define FIELDS 70
#define STEPS 60000
#define VALUE_MAX 9000
#define ENTRIES_MAX 24 /* where the small form ends in this test */

struct model_field {
    bool there;
    int64_t deadline_ms; /* ENTRY_NO_DEADLINE without */
    size_t len;
    char fill; /* of the value; digits for a number */
};

static struct model_field model[DBS][KEYS][FIELDS];
static int64_t model_now;
static char model_value[VALUE_MAX];

/* Names: numbers, short, long, one that is longer than a small form takes. */
static struct bytes field_name(unsigned f)
{
    static char text[2][400];
    static unsigned turn;
    char *at = text[turn++ % 2];
    size_t len = (size_t)snprintf(at, sizeof(text[0]), f % 3 == 0 ? "%u" : "field:%u", f * 1000);
    size_t want = f == FIELDS - 1 ? 300 : f == FIELDS - 2 ? 65 : len;
    for (; len < want; len++) at[len] = 'x';
    return bytes_make(at, len);
}

static struct bytes field_value(const struct model_field *m)
{
    memset(model_value, m->fill, m->len);
    return bytes_make(model_value, m->len);
}

static struct key key_of(unsigned k) { return fixture_key(k); }

static bool is_alive(const struct model_field *m)
{
    return m->there && (m->deadline_ms == ENTRY_NO_DEADLINE || m->deadline_ms > model_now);
}

static struct entry *find(unsigned d, unsigned k)
{
    return keyspace_find(keyspace_db(d), key_of(k), LOOKUP_WRITE);
}

/* As the handlers do it: *had goes to edit_end(). */
static struct entry *edit_begin(unsigned d, unsigned k, struct table_due *had)
{
    struct entry *e = find(d, k);
    if (e == NULL) e = keyspace_make(keyspace_db(d), key_of(k), TYPE_HASH);
    if (!entry_has_root(e)) e = keyspace_unpack(keyspace_db(d), key_of(k), e);
    *had = table_due_of(e);
    return e;
}

static void edit_end(unsigned d, unsigned k, struct entry *e, struct table_due had)
{
    keyspace_elements_due(keyspace_db(d), key_of(k), e, had);
    if (hash_packs(e) > 0 && fixture_below(2) == 0) {
        e = keyspace_pack(keyspace_db(d), key_of(k), e, hash_packs(e));
        assert_int_equal(hash_packs(e), 0);
    }
    if (hash_count(e) == 0) keyspace_delete(keyspace_db(d), key_of(k));
}

static void compare_field(const struct entry *e, unsigned d, unsigned k, unsigned f)
{
    struct model_field *m = &model[d][k][f];
    struct hash_item item;
    bool found = e != NULL && hash_get(e, field_name(f), model_now, &item);
    assert_int_equal(found, is_alive(m));
    if (!found) return;
    assert_true(bytes_equal(item.value, field_value(m)));
    assert_true(item.deadline_ms == m->deadline_ms);
    assert_true((item.block != NULL) == (m->len > ENTRY_INLINE_MAX));
}

static void compare_walk(const struct entry *e, unsigned d, unsigned k, uint64_t alive)
{
    struct hash_walk w;
    struct hash_item item;
    uint64_t seen = 0;
    hash_walk_begin(&w, e, model_now);
    while (hash_walk_next(&w, &item)) {
        bool known = false;
        for (unsigned f = 0; f < FIELDS; f++) {
            if (!bytes_equal(item.field, field_name(f))) continue;
            known = is_alive(&model[d][k][f]);
            assert_true(bytes_equal(item.value, field_value(&model[d][k][f])));
        }
        assert_true(known);
        seen++;
    }
    assert_int_equal(seen, alive);
    assert_int_equal(hash_count_alive(e, model_now), alive);
}

/* The form is what the fields ask for, or larger: nothing becomes small again. */
static void compare_form(const struct entry *e)
{
    struct hash_walk w;
    struct hash_item item;
    bool is_small = hash_count(e) <= ENTRIES_MAX, has_deadline = false;
    hash_walk_begin(&w, e, 0);
    while (hash_walk_next(&w, &item)) {
        is_small &= item.field.len <= 64 && item.value.len <= 64;
        has_deadline |= item.deadline_ms != ENTRY_NO_DEADLINE;
    }
    if (!is_small) assert_true(hash_is_large(e));
    if (has_deadline) assert_true(entry_encoding(e) != ENC_LISTPACK);
    assert_int_equal((e->flags & ENTRY_DUE) != 0, has_deadline);
    assert_true(entry_memory(e, 0) >= entry_memory(e, 1) / 1000);
}

static void compare_key(unsigned d, unsigned k)
{
    struct entry *e = find(d, k);
    uint64_t there = 0, alive = 0;
    int64_t due_ms = INT64_MAX;
    for (unsigned f = 0; f < FIELDS; f++) {
        const struct model_field *m = &model[d][k][f];
        compare_field(e, d, k, f);
        there += m->there;
        alive += is_alive(m);
        if (m->there && m->deadline_ms != ENTRY_NO_DEADLINE && m->deadline_ms < due_ms)
            due_ms = m->deadline_ms;
    }
    assert_int_equal(e != NULL, there > 0);
    if (e == NULL) return;
    assert_int_equal(hash_count(e), there);
    if (due_ms != INT64_MAX) assert_true(entry_due(e) <= due_ms);
    compare_walk(e, d, k, alive);
    compare_form(e);
}

static void compare_all(void)
{
    for (unsigned d = 0; d < DBS; d++) {
        for (unsigned k = 0; k < KEYS; k++) compare_key(d, k);
        keyspace_check(keyspace_db(d));
        assert_int_equal(db_deadline_count(keyspace_db(d)), 0);
    }
}

static void random_value(struct model_field *m)
{
    static const size_t lens[] = {0, 1, 5, 20, 63, 64, 65, 300, 4096, 4097, 8999};
    m->len = fixture_below(40) == 0 ? lens[fixture_below(11)] : fixture_below(30);
    m->fill = (char)(fixture_below(2) == 0 ? '1' + (char)fixture_below(9) : 'a');
}

static void step_set(unsigned d, unsigned k, unsigned f)
{
    struct model_field *m = &model[d][k][f];
    int64_t deadline_ms = ENTRY_NO_DEADLINE;
    struct table_due had;
    bool was_alive = is_alive(m);
    random_value(m);
    switch (fixture_below(6)) {
    case 0: deadline_ms = model_now + 1 + (int64_t)fixture_below(50); break;
    case 1: deadline_ms = HASH_KEEP_DEADLINE; break;
    default: break;
    }
    struct entry_text value = {.text = field_value(m)};
    if (m->len > ENTRY_INLINE_MAX && fixture_below(2) == 0) {
        value.block = block_make(m->len, m->len);
        memcpy(value.block->bytes, value.text.ptr, m->len);
        value.text.ptr = value.block->bytes;
    }
    struct entry *e = edit_begin(d, k, &had);
    if (fixture_below(20) == 0) hash_expect(e, 1 + fixture_below(30), 200);
    assert_int_equal(hash_set(e, field_name(f), &value, deadline_ms, model_now), !was_alive);
    edit_end(d, k, e, had);
    if (deadline_ms != HASH_KEEP_DEADLINE)
        m->deadline_ms = deadline_ms;
    else if (!was_alive)
        m->deadline_ms = ENTRY_NO_DEADLINE;
    m->there = true;
}

static void step_delete(unsigned d, unsigned k, unsigned f)
{
    struct model_field *m = &model[d][k][f];
    struct table_due had;
    if (find(d, k) == NULL) return;
    struct entry *e = edit_begin(d, k, &had);
    assert_int_equal(hash_delete(e, field_name(f), model_now), is_alive(m));
    edit_end(d, k, e, had);
    m->there = false;
}

static void step_deadline(unsigned d, unsigned k, unsigned f)
{
    struct model_field *m = &model[d][k][f];
    struct table_due had;
    if (!is_alive(m)) return;
    m->deadline_ms =
        fixture_below(3) == 0 ? ENTRY_NO_DEADLINE : model_now + 1 + (int64_t)fixture_below(60);
    if (fixture_below(30) == 0) m->deadline_ms = HASH_DEADLINE_MAX;
    struct entry *e = edit_begin(d, k, &had);
    hash_set_deadline(e, field_name(f), m->deadline_ms);
    edit_end(d, k, e, had);
}

static void model_drop_due(struct model_field *fields)
{
    for (unsigned f = 0; f < FIELDS; f++)
        if (!is_alive(&fields[f])) fields[f].there = false;
}

/* All that is due goes, and the index knows that nothing is left. */
static void step_expire(void)
{
    uint64_t due = 0;
    for (unsigned d = 0; d < DBS; d++) {
        for (unsigned k = 0; k < KEYS; k++) {
            for (unsigned f = 0; f < FIELDS; f++)
                due += model[d][k][f].there && !is_alive(&model[d][k][f]);
            model_drop_due(model[d][k]);
        }
    }
    if (due > 0) assert_true(keyspace_next_due_ms() >= 0 && keyspace_next_due_ms() <= model_now);
    uint64_t max = fixture_below(2) == 0 ? UINT64_MAX : 3;
    while (due > 0) {
        uint64_t count = keyspace_expire_due(max, UINT64_MAX);
        assert_true(count > 0 && count <= due);
        due -= count;
    }
    assert_int_equal(keyspace_expire_due(UINT64_MAX, UINT64_MAX), 0);
    assert_true(keyspace_next_due_ms() > model_now || keyspace_next_due_ms() == -1);
}

/* A write sees to its own key. */
static void step_expire_one(unsigned d, unsigned k)
{
    struct entry *e = find(d, k);
    if (e == NULL) return;
    bool had_due = entry_due(e) != ENTRY_NO_DEADLINE && entry_due(e) <= model_now;
    struct entry *after = keyspace_expire_elements(keyspace_db(d), key_of(k), e);
    if (had_due) model_drop_due(model[d][k]);
    assert_true(after == find(d, k));
}

static void step_key(unsigned d, unsigned k)
{
    unsigned to_d = (unsigned)fixture_below(DBS), to_k = (unsigned)fixture_below(KEYS);
    struct entry *e = find(d, k);
    switch (fixture_below(8)) {
    case 0:
        keyspace_delete(keyspace_db(d), key_of(k));
        memset(model[d][k], 0, sizeof(model[d][k]));
        return;
    case 1:
    case 2:
        if (e == NULL || (d == to_d && k == to_k)) return;
        keyspace_move(keyspace_db(d), e, keyspace_db(to_d), key_of(to_k));
        memcpy(model[to_d][to_k], model[d][k], sizeof(model[d][k]));
        memset(model[d][k], 0, sizeof(model[d][k]));
        return;
    case 3:
    case 4:
        if (e == NULL || (d == to_d && k == to_k)) return;
        keyspace_copy(keyspace_db(d), e, keyspace_db(to_d), key_of(to_k));
        memcpy(model[to_d][to_k], model[d][k], sizeof(model[d][k]));
        return;
    case 5:
        keyspace_put_string(keyspace_db(d), key_of(k), bytes_of("over it"), DEADLINE_NONE);
        keyspace_delete(keyspace_db(d), key_of(k));
        memset(model[d][k], 0, sizeof(model[d][k]));
        return;
    case 6: {
        static struct model_field half[KEYS][FIELDS];
        keyspace_swap(keyspace_db(0), keyspace_db(1));
        memcpy(half, model[0], sizeof(half));
        memcpy(model[0], model[1], sizeof(half));
        memcpy(model[1], half, sizeof(half));
        return;
    }
    default:
        if (fixture_below(10) != 0) return;
        keyspace_flush(keyspace_db(d), fixture_below(2) == 0);
        memset(model[d], 0, sizeof(model[d]));
    }
}

/* The key's own deadline beside those of its fields. */
static void step_key_deadline(unsigned d, unsigned k)
{
    struct entry *e = find(d, k);
    if (e == NULL) return;
    e = keyspace_set_deadline(keyspace_db(d), e, model_now + 1 + (int64_t)fixture_below(100));
    keyspace_check(keyspace_db(d));
    assert_int_equal(db_deadline_count(keyspace_db(d)), 1);
    keyspace_set_deadline(keyspace_db(d), e, DEADLINE_NONE);
}

static void step(void)
{
    unsigned d = (unsigned)fixture_below(DBS), k = (unsigned)fixture_below(KEYS);
    unsigned f = (unsigned)fixture_below(fixture_below(3) == 0 ? FIELDS : 20);
    uint64_t what = fixture_below(100);
    if (what < 50)
        step_set(d, k, f);
    else if (what < 70)
        step_delete(d, k, f);
    else if (what < 85)
        step_deadline(d, k, f);
    else if (what < 93)
        keyspace_tick(model_now += (int64_t)fixture_below(12));
    else if (what < 95)
        step_expire();
    else if (what < 96)
        step_expire_one(d, k);
    else if (what < 97)
        step_key_deadline(d, k);
    else
        step_key(d, k);
}

static void hashes_do_what_the_model_does(void **state)
{
    (void)state;
    struct value_limits limits = value_limits;
    value_limits.hash_max_listpack_entries = ENTRIES_MAX;
    memset(model, 0, sizeof(model));
    model_now = FIXTURE_NOW_MS;
    for (int i = 0; i < STEPS; i++) {
        step();
        if (i % 10 == 0) compare_key((unsigned)fixture_below(DBS), (unsigned)fixture_below(KEYS));
        if (i % 500 == 0) compare_all();
        if (i % 100 == 0) keyspace_work(0);
    }
    compare_all();
    value_limits = limits;
}

/* ---- Borders ---- */

static struct entry *make_hash(unsigned fields, size_t value_len)
{
    struct entry *e = keyspace_make(keyspace_db(0), key_of(0), TYPE_HASH);
    struct model_field m = {.len = value_len, .fill = 'v'};
    for (unsigned f = 0; f < fields; f++) {
        char name[32];
        int len = snprintf(name, sizeof(name), "f%u", f);
        struct entry_text value = {.text = field_value(&m)};
        hash_set(e, bytes_make(name, (size_t)len), &value, ENTRY_NO_DEADLINE, 0);
    }
    return e;
}

static void a_hash_becomes_large_at_its_limits(void **state)
{
    (void)state;
    struct entry *e = make_hash(512, 64);
    assert_int_equal(entry_encoding(e), ENC_LISTPACK);
    struct entry_text value = {.text = bytes_of("v")};
    assert_false(hash_set(e, bytes_of("f0"), &value, ENTRY_NO_DEADLINE, 0));
    assert_int_equal(entry_encoding(e), ENC_LISTPACK);
    assert_true(hash_set(e, bytes_of("more"), &value, ENTRY_NO_DEADLINE, 0));
    assert_int_equal(entry_encoding(e), ENC_HASHTABLE);
    keyspace_delete(keyspace_db(0), key_of(0));
    assert_int_equal(entry_encoding(make_hash(1, 65)), ENC_HASHTABLE);
    keyspace_delete(keyspace_db(0), key_of(0));
    e = make_hash(0, 0);
    hash_expect(e, 513, 10);
    assert_int_equal(entry_encoding(e), ENC_HASHTABLE);
}

/* A packed hash is one allocation, reads as before, and goes where its entry goes. */
static void a_packed_hash_is_in_its_entry(void **state)
{
    (void)state;
    struct db *db = keyspace_db(0);
    struct entry *e = make_hash(5, 10);
    size_t apart = entry_memory(e, 0);
    assert_true(hash_packs(e) > 0);
    e = keyspace_pack(db, key_of(0), e, hash_packs(e));
    assert_ptr_equal(e, find(0, 0));
    if (FIXTURE_SIZE_CLASSES) assert_true(entry_memory(e, 0) < apart);
    e = keyspace_set_deadline(db, e, FIXTURE_NOW_MS + 100);
    keyspace_copy(db, e, db, key_of(1));
    keyspace_move(db, e, keyspace_db(1), key_of(2));
    struct hash_item item;
    assert_true(hash_get(find(0, 1), bytes_of("f3"), 0, &item) && item.value.len == 10);
    assert_true(hash_get(find(1, 2), bytes_of("f4"), 0, &item) && item.value.len == 10);
    e = keyspace_unpack(db, key_of(1), find(0, 1));
    assert_true(hash_delete(e, bytes_of("f0"), 0));
    assert_int_equal(hash_count(e), 4);
    assert_int_equal(entry_deadline(e), FIXTURE_NOW_MS + 100);
    e = make_hash(60, 3);
    assert_int_equal(hash_packs(e), 0);
}

/* Triples stand in the order of their deadlines, those without at the end. */
static void triples_are_in_the_order_of_deadlines(void **state)
{
    (void)state;
    static const int64_t deadlines[] = {50, -1, 10, 70, 10, -1, 5};
    struct entry *e = make_hash(7, 3);
    for (unsigned f = 0; f < 7; f++) {
        char name[] = {'f', (char)('0' + f)};
        hash_set_deadline(e, bytes_make(name, 2), deadlines[f]);
    }
    assert_int_equal(entry_encoding(e), ENC_LISTPACK_EX);
    struct hash_walk w;
    struct hash_item item;
    char order[8] = "";
    unsigned n = 0;
    hash_walk_begin(&w, e, 0);
    while (hash_walk_next(&w, &item)) order[n++] = item.field.ptr[1];
    assert_string_equal(order, "6240315");
    keyspace_elements_due(keyspace_db(0), key_of(0), e, TABLE_NEVER_DUE);
}

/* A big hash that is deleted goes in steps, and so do its fields when they expire. */
static void what_is_big_goes_in_steps(void **state)
{
    (void)state;
    struct entry *e = make_hash(20000, 10);
    keyspace_delete(keyspace_db(0), key_of(0));
    assert_int_equal(keyspace_pending_free(), 1);
    unsigned steps = 0;
    while (keyspace_work(0)) steps++;
    assert_true(steps > 10);
    assert_int_equal(keyspace_pending_free(), 0);

    e = make_hash(20000, 10);
    for (unsigned f = 0; f < 20000; f++) {
        char name[32];
        int len = snprintf(name, sizeof(name), "f%u", f);
        hash_set_deadline(e, bytes_make(name, (size_t)len), FIXTURE_NOW_MS + 5);
    }
    keyspace_elements_due(keyspace_db(0), key_of(0), e, TABLE_NEVER_DUE);
    assert_int_equal(keyspace_next_due_ms(), FIXTURE_NOW_MS + 5);
    keyspace_tick(FIXTURE_NOW_MS + 5);
    uint64_t once = keyspace_expire_due(UINT64_MAX, 0);
    assert_true(once > 0 && once <= SEGMENT_ROOM_MAX);
    assert_int_equal(hash_count(find(0, 0)), 20000 - once);
    keyspace_expire_due(UINT64_MAX, UINT64_MAX);
    assert_null(find(0, 0));
    assert_int_equal(keyspace_stats()->expired_elements, 20000);
    assert_int_equal(keyspace_stats()->expired, 0);
}

struct scan_seen {
    unsigned count[3000];
    const struct entry *e;
};

static void scan_visit(void *ctx, const void *place)
{
    struct scan_seen *seen = ctx;
    struct hash_item item;
    hash_item_at(seen->e, place, &item);
    seen->count[strtoul(item.field.ptr + 1, NULL, 10)]++;
}

static void a_scan_shows_what_stays(void **state)
{
    (void)state;
    static struct scan_seen seen;
    seen.e = make_hash(3000, 2);
    struct entry *e = find(0, 0);
    uint64_t cursor = 0;
    unsigned gone = 2999;
    do {
        cursor = hash_scan(e, cursor, 10, scan_visit, &seen);
        for (unsigned i = 0; i < 10 && gone > 1000; i++, gone--) {
            char name[32];
            int len = snprintf(name, sizeof(name), "f%u", gone);
            hash_delete(e, bytes_make(name, (size_t)len), 0);
        }
    } while (cursor != 0);
    for (unsigned f = 0; f <= 1000; f++) assert_true(seen.count[f] >= 1);
}

static void draws_are_even(void **state)
{
    (void)state;
    for (unsigned fields = 10; fields <= 1000; fields *= 10) {
        unsigned seen[1000] = {0};
        struct entry *e = make_hash(fields, 2);
        for (unsigned i = 0; i < fields * 200; i++) {
            struct hash_item item;
            hash_item_at(e, hash_random_place(e, &fixture_random), &item);
            seen[strtoul(item.field.ptr + 1, NULL, 10)]++;
        }
        for (unsigned f = 0; f < fields; f++) assert_true(seen[f] > 100 && seen[f] < 320);
        keyspace_delete(keyspace_db(0), key_of(0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(hashes_do_what_the_model_does),
        FIXTURE_TEST(a_hash_becomes_large_at_its_limits),
        FIXTURE_TEST(a_packed_hash_is_in_its_entry),
        FIXTURE_TEST(triples_are_in_the_order_of_deadlines),
        FIXTURE_TEST(what_is_big_goes_in_steps),
        FIXTURE_TEST(a_scan_shows_what_stays),
        FIXTURE_TEST(draws_are_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
