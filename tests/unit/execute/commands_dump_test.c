/*
 * DUMP and RESTORE: values of every type across the borders of their forms come back as they were
 * in each version, and damaged payloads are refused without a trace in the heap.
 */
#include "unit/execute/commands_harness.h"

#include "codec/crc64.h"
#include "codec/rdb.h"
#include "execute/types/limits.h"

enum { MEMBERS = 200, NAME = 48, SUM = 8 };

static uint64_t seed = 88172645463325252u;

static unsigned draw(unsigned below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed % below);
}

static const char *askf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static const char *askf(const char *fmt, ...)
{
    static char line[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    return ask(line);
}

/* ---- Payloads ---- */

static uint8_t payload[1 << 17];
static size_t payload_len;

/* What DUMP says of `k`. */
static void dump_key(void)
{
    struct bytes args[] = {bytes_of("DUMP"), bytes_of("k")};
    struct bytes raw = harness_run(args, 2);
    const char *from = memchr(raw.ptr, '\n', raw.len);
    assert_non_null(from);
    from++;
    payload_len = raw.len - (size_t)(from - raw.ptr) - 2;
    assert_true(payload_len <= sizeof(payload));
    memcpy(payload, from, payload_len);
}

static void seal(uint8_t *p, size_t len)
{
    uint64_t sum = crc64(0, bytes_make((const char *)p, len - SUM));
    for (unsigned i = 0; i < SUM; i++) p[len - SUM + i] = (uint8_t)(sum >> (8 * i));
}

/* False: it was refused. */
static bool restore(const uint8_t *p, size_t len)
{
    struct bytes args[] = {bytes_of("RESTORE"), bytes_of("copy"), bytes_of("0"),
                           bytes_make((const char *)p, len)};
    struct bytes reply = harness_run(args, 4);
    if (reply.ptr[0] == '+') return true;
    assert_int_equal(reply.ptr[0], '-');
    return false;
}

/* ---- What a key should hold ---- */

static struct {
    char names[MEMBERS][NAME]; /* all different */
    int numbers[MEMBERS];
    unsigned count;
} model;

static void fill_model(unsigned count)
{
    static const char *const heads[] = {"", "-", "name:", "a-longer-name-than-the-others:"};
    model.count = count;
    for (unsigned i = 0; i < count; i++) {
        snprintf(model.names[i], NAME, "%s%u", heads[draw(4)], i * 331 + 1);
        model.numbers[i] = (int)draw(2000) - 1000;
    }
}

static void make_list(unsigned i) { askf("RPUSH k %s", model.names[i]); }
static void make_set(unsigned i) { askf("SADD k %s", model.names[i]); }
static void make_hash(unsigned i) { askf("HSET k %s %d", model.names[i], model.numbers[i]); }
static void make_zset(unsigned i) { askf("ZADD k %d.5 %s", model.numbers[i], model.names[i]); }

static const char *bulk(const char *text)
{
    static char line[NAME + 32];
    snprintf(line, sizeof(line), "$%zu %.*s", strlen(text), NAME, text);
    return line;
}

static const char *number(int n, const char *after)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%d%s", n, after);
    return bulk(digits);
}

/* Scores are n.5: what is below 0 reads -n.5. */
static void check_list(unsigned i)
{
    assert_string_equal(askf("LINDEX copy %u", i), bulk(model.names[i]));
}
static void check_set(unsigned i)
{
    assert_string_equal(askf("SISMEMBER copy %s", model.names[i]), ":1");
}
static void check_hash(unsigned i)
{
    assert_string_equal(askf("HGET copy %s", model.names[i]), number(model.numbers[i], ""));
}
static void check_zset(unsigned i)
{
    assert_string_equal(askf("ZSCORE copy %s", model.names[i]), number(model.numbers[i], ".5"));
}

static const struct family {
    void (*make)(unsigned i);
    void (*check)(unsigned i);
    const char *count;
} families[] = {
    {make_list, check_list, "LLEN copy"},
    {make_set, check_set, "SCARD copy"},
    {make_hash, check_hash, "HLEN copy"},
    {make_zset, check_zset, "ZCARD copy"},
};
enum { FAMILIES = sizeof(families) / sizeof(families[0]) };

static void make_key(const struct family *f, unsigned count)
{
    ask("DEL k copy");
    fill_model(count);
    for (unsigned i = 0; i < count; i++) f->make(i);
}

static void check_copy(const struct family *f)
{
    char count[24];
    snprintf(count, sizeof(count), ":%u", model.count);
    assert_string_equal(ask(f->count), count);
    for (unsigned i = 0; i < model.count; i++) f->check(i);
}

/* Small forms end at so many elements. */
static void set_limits(unsigned elements)
{
    value_limits.set_max_intset_entries = value_limits.set_max_listpack_entries = elements;
    value_limits.zset_max_listpack_entries = value_limits.hash_max_listpack_entries = elements;
    value_limits.list_max_listpack_size = elements;
    value_limits.set_max_listpack_value = value_limits.zset_max_listpack_value = 64;
    value_limits.hash_max_listpack_value = 64;
}

/* ---- Tests ---- */

static void values_come_back_in_every_version(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        const struct family *f = &families[round % FAMILIES];
        set_limits(8);
        harness.settings->rdb_version = round & 4 ? RDB_VERSION_7_0 : RDB_VERSION_7_2;
        harness.settings->rdbcompression = (round & 8) != 0;
        make_key(f, round < 40 ? 1 + round % 20 : 1 + draw(MEMBERS));
        dump_key();
        set_limits(round % 3 == 0 ? 4 : 128);
        assert_true(restore(payload, payload_len));
        check_copy(f);
    }
}

static void a_copy_has_the_form_that_the_options_ask_for(void **state)
{
    (void)state;
    static const char *const small[] = {"$8 listpack", "$8 listpack", "$8 listpack", "$8 listpack"};
    static const char *const large[] = {"$9 quicklist", "$9 hashtable", "$9 hashtable",
                                        "$8 skiplist"};
    for (unsigned i = 0; i < FAMILIES; i++) {
        set_limits(128);
        make_key(&families[i], 20);
        dump_key();
        assert_true(restore(payload, payload_len));
        assert_string_equal(ask("OBJECT ENCODING copy"), small[i]);
        ask("DEL copy");
        set_limits(10);
        assert_true(restore(payload, payload_len));
        assert_string_equal(ask("OBJECT ENCODING copy"), large[i]);
    }
}

/* Every shorter payload is refused, whatever its footer says. */
static void cut_payloads_are_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * FAMILIES; i++) {
        set_limits(i < FAMILIES ? 128 : 4);
        make_key(&families[i % FAMILIES], 12);
        dump_key();
        uint8_t *copy = malloc(payload_len);
        for (size_t len = 0; len < payload_len; len++) {
            memcpy(copy, payload, len);
            if (len >= RDB_FOOTER) {
                memcpy(copy + len - RDB_FOOTER, payload + payload_len - RDB_FOOTER, 2);
                seal(copy, len);
            }
            assert_false(restore(copy, len));
            assert_string_equal(ask("EXISTS copy"), ":0");
        }
        free(copy);
    }
}

static size_t settled_heap(void)
{
    ask("DEL copy");
    while (keyspace_work(1000)) {}
    return heap_used();
}

static void damaged_payloads_leave_nothing_behind(void **state)
{
    (void)state;
    unsigned taken = 0, refused = 0;
    for (unsigned i = 0; i < 2 * FAMILIES; i++) {
        set_limits(i < FAMILIES ? 128 : 4);
        make_key(&families[i % FAMILIES], 30);
        dump_key();
        uint8_t *copy = malloc(payload_len);
        size_t before = settled_heap();
        for (unsigned round = 0; round < 1500; round++) {
            memcpy(copy, payload, payload_len);
            for (unsigned n = 0; n <= round % 3; n++)
                copy[draw((unsigned)payload_len - RDB_FOOTER)] = (uint8_t)draw(256);
            seal(copy, payload_len);
            *(restore(copy, payload_len) ? &taken : &refused) += 1;
            assert_int_equal(settled_heap(), before);
        }
        free(copy);
    }
    assert_true(taken > 100 && refused > 1000);
}

static void a_large_payload_is_lent_whole(void **state)
{
    (void)state;
    set_limits(128);
    ask("DEL k copy");
    for (unsigned i = 0; i < 4000; i++) askf("SADD k member-number-%u", i);
    dump_key();
    assert_true(payload_len > 50000);
    assert_true(restore(payload, payload_len));
    assert_string_equal(ask("SCARD copy"), ":4000");
    for (unsigned i = 0; i < 4000; i += 7)
        assert_string_equal(askf("SISMEMBER copy member-number-%u", i), ":1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_come_back_in_every_version, harness_open,
                                        harness_close),
        cmocka_unit_test_setup_teardown(a_copy_has_the_form_that_the_options_ask_for, harness_open,
                                        harness_close),
        cmocka_unit_test_setup_teardown(cut_payloads_are_refused, harness_open, harness_close),
        cmocka_unit_test_setup_teardown(damaged_payloads_leave_nothing_behind, harness_open,
                                        harness_close),
        cmocka_unit_test_setup_teardown(a_large_payload_is_lent_whole, harness_open, harness_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
