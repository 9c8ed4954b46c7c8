/*
 * The keyspace against a naive model: random operations on few keys, so that every kind of value is
 * overwritten, edited, moved and expired as every other. After each operation the keys that it
 * touched are compared, and now and then everything.
 */
#include "unit/execute/keyspace_fixture.h"

#include "codec/number.h"

#define NAMES 40
#define STEPS 60000
#define VALUE_MAX 70100

struct model_key {
    bool there;
    bool edited;
    int64_t deadline_ms; /* -1 without */
    size_t len;
    char *value; /* VALUE_MAX bytes */
};

static struct model_key model[FIXTURE_DBS][NAMES];
static char *model_names[NAMES];
static size_t model_name_lens[NAMES];
static int64_t model_now;
static char *model_scratch;

static void model_open(void)
{
    static const size_t lens[] = {0, 1, 2, 16, 40, 254, 255, 256, 257, 1000, 70000};
    for (int i = 0; i < NAMES; i++) {
        size_t len = i < 11 ? lens[i] : 3 + fixture_below(60);
        model_name_lens[i] = len;
        model_names[i] = malloc(len + 1);
        for (size_t j = 0; j < len; j++) model_names[i][j] = (char)('a' + (i + (int)j * 7) % 26);
        if (len > 2) model_names[i][2] = (char)('A' + i); /* no two alike */
        for (int d = 0; d < FIXTURE_DBS; d++) {
            model[d][i] = (struct model_key){.deadline_ms = -1, .value = malloc(VALUE_MAX)};
        }
    }
    model_scratch = malloc(VALUE_MAX);
    model_now = FIXTURE_NOW_MS;
}

static void model_close(void)
{
    for (int i = 0; i < NAMES; i++) {
        free(model_names[i]);
        for (int d = 0; d < FIXTURE_DBS; d++) free(model[d][i].value);
    }
    free(model_scratch);
}

static struct key model_key(int i)
{
    return key_make(bytes_make(model_names[i], model_name_lens[i]));
}

static void model_expire(void)
{
    for (int d = 0; d < FIXTURE_DBS; d++) {
        for (int i = 0; i < NAMES; i++) {
            struct model_key *m = &model[d][i];
            if (m->there && m->deadline_ms != -1 && m->deadline_ms <= model_now) m->there = false;
        }
    }
}

static void model_compare(int d, int i)
{
    const struct model_key *m = &model[d][i];
    struct entry *e = keyspace_find(keyspace_db(d), model_key(i), LOOKUP_READ);
    assert_int_equal(e != NULL, m->there);
    if (e == NULL) return;
    char scratch[STRING_INT_CHARS];
    struct bytes v = string_bytes(e, scratch);
    assert_int_equal(v.len, m->len);
    assert_int_equal(string_len(e), m->len);
    assert_true(memcmp(v.ptr, m->value, m->len) == 0);
    assert_true(bytes_equal(entry_name(e), model_key(i).name));
    assert_int_equal(entry_deadline(e), m->deadline_ms);
    assert_true(entry_memory(e, 0) >=
                m->len * !(entry_encoding(e) == ENC_INT) + model_name_lens[i]);
    int64_t want = 0, got = 0;
    bool is_int = number_int(bytes_make(m->value, m->len), &want);
    assert_int_equal(string_int(e, &got), is_int);
    assert_int_equal(got, want);
    enum value_encoding enc = m->len <= 44 ? ENC_EMBSTR : ENC_RAW;
    if (is_int) enc = ENC_INT;
    if (m->edited) enc = ENC_RAW;
    assert_int_equal(entry_encoding(e), enc);
}

static void model_compare_all(void)
{
    for (int d = 0; d < FIXTURE_DBS; d++) {
        uint64_t there = 0, deadlines = 0;
        for (int i = 0; i < NAMES; i++) {
            model_compare(d, i);
            there += model[d][i].there;
            deadlines += model[d][i].there && model[d][i].deadline_ms != -1;
        }
        keyspace_check(keyspace_db(d));
        assert_int_equal(db_size(keyspace_db(d)), there);
        assert_int_equal(db_deadline_count(keyspace_db(d)), deadlines);
    }
}

static size_t model_random_len(void)
{
    static const size_t borders[] = {0,    1,    8,    19,   20,   21,   43,    44,    45,
                                     46,   127,  128,  255,  256,  257,  258,   511,   512,
                                     1000, 4095, 4096, 4097, 5000, 8192, 65535, 65536, 70000};
    if (fixture_below(3) == 0) return borders[fixture_below(sizeof(borders) / sizeof(borders[0]))];
    return fixture_below(100);
}

static int64_t model_random_deadline(void)
{
    switch (fixture_below(4)) {
    case 0: return model_now + 1 + (int64_t)fixture_below(20);
    case 1: return model_now + 1 + (int64_t)fixture_below(100000);
    case 2: return INT64_MAX - (int64_t)fixture_below(3);
    default: return model_now + 5;
    }
}

static void step_put(int d, int i)
{
    struct model_key *m = &model[d][i];
    if (fixture_below(3) == 0) {
        m->len =
            number_print_int(m->value, (int64_t)random_next(&fixture_random) >> fixture_below(64));
    } else {
        m->len = model_random_len();
        for (size_t j = 0; j < m->len; j++) m->value[j] = (char)random_next(&fixture_random);
    }
    uint64_t how = fixture_below(4);
    int64_t deadline = how == 0   ? model_random_deadline()
                       : how == 1 ? DEADLINE_KEEP
                                  : DEADLINE_NONE;
    if (deadline != DEADLINE_KEEP)
        m->deadline_ms = deadline;
    else if (!m->there)
        m->deadline_ms = -1;
    keyspace_put_string(keyspace_db(d), model_key(i), bytes_make(m->value, m->len), deadline);
    m->there = true;
    m->edited = false;
}

/* Stores a slice of the key's own value: it points into the entry that goes. */
static void step_put_own(int d, int i)
{
    struct model_key *m = &model[d][i];
    struct entry *e = keyspace_find(keyspace_db(d), model_key(i), LOOKUP_QUIET);
    if (e == NULL || entry_encoding(e) == ENC_INT) return;
    char scratch[STRING_INT_CHARS];
    struct bytes v = string_bytes(e, scratch);
    size_t from = fixture_below(v.len + 1);
    struct bytes slice = bytes_make(v.ptr + from, fixture_below(v.len - from + 1));
    int64_t deadline = fixture_below(2) ? DEADLINE_NONE : model_random_deadline();
    memmove(m->value, m->value + from, slice.len);
    m->len = slice.len;
    m->deadline_ms = deadline;
    m->edited = false;
    keyspace_put_string(keyspace_db(d), model_key(i), slice, deadline);
}

static void step_put_int(int d, int i)
{
    struct model_key *m = &model[d][i];
    int64_t n = (int64_t)random_next(&fixture_random) >> fixture_below(64);
    struct entry *e = keyspace_find(keyspace_db(d), model_key(i), LOOKUP_WRITE);
    if (e != NULL && entry_encoding(e) == ENC_INT && fixture_below(2)) {
        string_set_int(e, n);
    } else {
        keyspace_put_int(keyspace_db(d), model_key(i), n, DEADLINE_KEEP);
        if (!m->there) m->deadline_ms = -1;
    }
    m->len = number_print_int(m->value, n);
    m->there = true;
    m->edited = false;
}

static void step_edit(int d, int i)
{
    struct model_key *m = &model[d][i];
    struct entry *e = keyspace_find(keyspace_db(d), model_key(i), LOOKUP_WRITE);
    assert_int_equal(e != NULL, m->there);
    size_t old = m->there ? m->len : 0, len = model_random_len();
    if (fixture_below(2)) len = old + fixture_below(50);
    if (len > 70000) len = 70000;
    char *bytes = keyspace_edit_string(keyspace_db(d), model_key(i), &e, len);
    if (len > old) memset(m->value + old, 0, len - old);
    for (int j = 0; j < 3 && len > 0; j++) {
        size_t at = fixture_below(len);
        bytes[at] = m->value[at] = (char)random_next(&fixture_random);
    }
    assert_ptr_equal(e, keyspace_find(keyspace_db(d), model_key(i), LOOKUP_QUIET));
    if (!m->there) m->deadline_ms = -1;
    m->len = len;
    m->there = m->edited = true;
}

static void step_deadline(int d, int i)
{
    struct entry *e = keyspace_find(keyspace_db(d), model_key(i), LOOKUP_WRITE);
    if (e == NULL) return;
    int64_t at = fixture_below(3) == 0 ? DEADLINE_NONE : model_random_deadline();
    e = keyspace_set_deadline(keyspace_db(d), e, at);
    assert_ptr_equal(e, keyspace_find(keyspace_db(d), model_key(i), LOOKUP_QUIET));
    model[d][i].deadline_ms = at;
}

static void step_move_or_copy(int d, int i, bool move)
{
    int to_d = (int)fixture_below(FIXTURE_DBS), to_i = (int)fixture_below(NAMES);
    if (fixture_below(4) == 0) to_i = i;
    struct entry *e = keyspace_find(keyspace_db(d), model_key(i), LOOKUP_WRITE);
    if (e == NULL) return;
    if (move)
        keyspace_move(keyspace_db(d), e, keyspace_db(to_d), model_key(to_i));
    else
        keyspace_copy(keyspace_db(d), e, keyspace_db(to_d), model_key(to_i));
    if (d == to_d && i == to_i) return;
    struct model_key *from = &model[d][i], *to = &model[to_d][to_i];
    char *value = to->value;
    memcpy(value, from->value, from->len);
    *to = *from;
    to->value = value;
    if (move) from->there = false;
    model_compare(to_d, to_i);
}

static void step_rare(void)
{
    int a = (int)fixture_below(FIXTURE_DBS), b = (int)fixture_below(FIXTURE_DBS);
    model_compare_all(); /* meets, so deletes, what has expired */
    if (fixture_below(2)) {
        keyspace_swap(keyspace_db(a), keyspace_db(b));
        for (int i = 0; i < NAMES; i++) {
            struct model_key m = model[a][i];
            model[a][i] = model[b][i];
            model[b][i] = m;
        }
    } else {
        uint64_t count = 0;
        for (int i = 0; i < NAMES; i++) count += model[a][i].there;
        for (int i = 0; i < NAMES; i++) model[a][i].there = false;
        assert_int_equal(keyspace_flush(keyspace_db(a), fixture_below(2)), count);
    }
    model_compare_all();
}

static void step(int d, int i)
{
    uint64_t what = fixture_below(100);
    if (what < 30)
        step_put(d, i);
    else if (what < 36)
        step_put_own(d, i);
    else if (what < 44)
        step_put_int(d, i);
    else if (what < 62)
        step_edit(d, i);
    else if (what < 74)
        step_deadline(d, i);
    else if (what < 78)
        step_move_or_copy(d, i, true);
    else if (what < 82)
        step_move_or_copy(d, i, false);
    else if (what < 92) {
        assert_int_equal(keyspace_delete(keyspace_db(d), model_key(i)), model[d][i].there);
        model[d][i].there = false;
    } else {
        keyspace_tick(model_now += (int64_t)fixture_below(4));
        model_expire();
        if (fixture_below(2)) keyspace_expire_due(1 + fixture_below(4), 1000);
    }
    model_compare(d, i);
}

static void test_random_operations_agree_with_the_model(void **state)
{
    (void)state;
    model_open();
    for (int n = 1; n <= STEPS; n++) {
        step((int)fixture_below(FIXTURE_DBS), (int)fixture_below(NAMES));
        if (n % 500 == 0) step_rare();
        if (n % 100 == 0) keyspace_work(0);
    }
    model_compare_all();
    model_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {FIXTURE_TEST(test_random_operations_agree_with_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
