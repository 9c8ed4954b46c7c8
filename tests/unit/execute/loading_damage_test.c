/*
 * Damaged files: every bit of an RDB file flipped, a log cut at every byte. Some of them are tried,
 * all with BATON_EXHAUSTIVE=1 in the environment (make faults).
 */
#include "unit/execute/loading_fixture.h"

#include "base/log.h"
#include "execute/check_private.h"

enum { DAMAGE_LOG_LEN = 65536 };

/* One in so many is tried. */
static size_t stride(size_t some) { return getenv("BATON_EXHAUSTIVE") != NULL ? 1 : some; }

static int damage_open(void **state)
{
    log_set_level(LOG_NOTHING);
    return core_open(state);
}

/* ---- RDB ---- */

static void expect_sound(void)
{
    for (int i = 0; i < keyspace_db_count(); i++) keyspace_check(keyspace_db(i));
}

static void flip_bits(const struct loading_rdb_terms *terms, size_t step)
{
    struct session *s = core_session(0);
    struct loading_rdb r;
    loading_fill(s, 48);
    struct text file = loading_save(RDB_VERSION_7_4);
    uint64_t whole = loading_sum();
    size_t refused = 0, same = 0;
    struct picture want = picture_take();
    loading_forget();
    assert_int_equal(loading_rdb_bytes(text_bytes(&file), terms, &r), LOADING_DONE);
    struct picture got = picture_take();
    picture_expect(&want, &got);
    picture_free(&want);
    picture_free(&got);
    assert_in_range(file.len, 14000, 40000);
    for (size_t bit = check_random(&(uint64_t){file.len}) % step; bit < file.len * 8; bit += step) {
        loading_forget();
        file.ptr[bit / 8] ^= (char)(1 << bit % 8);
        enum loading_result result = loading_rdb_bytes(text_bytes(&file), terms, &r);
        file.ptr[bit / 8] ^= (char)(1 << bit % 8);
        if (result == LOADING_FAILED) {
            assert_true(r.wrong[0] != '\0');
            refused++;
            continue;
        }
        expect_sound();
        bool is_same = loading_sum() == whole;
        if (terms->checks_sum && !is_same) print_error("bit %zu\n", bit);
        assert_true(is_same || !terms->checks_sum);
        same += is_same;
    }
    assert_true(refused > 0);
    print_message("%zu refused, %zu without effect\n", refused, same);
    free(file.ptr);
}

static void a_flipped_bit_is_seen(void **state)
{
    (void)state;
    struct loading_rdb_terms terms = loading_terms();
    flip_bits(&terms, stride(97));
}

static void without_sums_a_flipped_bit_does_no_harm(void **state)
{
    (void)state;
    struct loading_rdb_terms terms = loading_terms();
    terms.checks_sum = false;
    flip_bits(&terms, stride(97));
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    struct loading_rdb_terms terms = loading_terms();
    struct loading_rdb r;
    loading_fill(s, 48);
    struct text file = loading_save(RDB_VERSION_7_2);
    for (size_t len = 0; len < file.len; len += stride(41)) {
        loading_forget();
        enum loading_result result = loading_rdb_bytes(bytes_make(file.ptr, len), &terms, &r);
        assert_int_equal(result, LOADING_FAILED);
    }
    free(file.ptr);
}

/* ---- A log ---- */

/* Where the log may end: behind a record outside of a transaction. */
struct ends {
    size_t at[8192];
    uint64_t sum[8192]; /* of what the databases hold then; 0: not known yet */
    size_t count;
};

static void add_end(struct ends *e, const struct text *log)
{
    assert_true(e->count < sizeof(e->at) / sizeof(*e->at));
    e->at[e->count] = log->len;
    e->sum[e->count++] = 0;
}

static struct text make_log(struct ends *e)
{
    struct text log = {0};
    char line[512];
    add_end(e, &log);
    text_command(&log, "SELECT 0");
    add_end(e, &log);
    for (int i = 1; log.len < DAMAGE_LOG_LEN; i++) {
        bool in_group = i % 3 != 0; /* one after the other, too */
        if (i % 5 == 0) {
            text_put(&log, "#TS:1628217470\r\n");
            add_end(e, &log);
        }
        if (in_group) text_command(&log, "MULTI");
        for (size_t j = 0; j < sizeof(loading_lines) / sizeof(*loading_lines); j++) {
            text_command(&log, numbered(line, loading_lines[j], i));
            if (!in_group) add_end(e, &log);
        }
        if (in_group) text_command(&log, "EXEC");
        if (in_group) add_end(e, &log);
    }
    return log;
}

static void expect_load(const struct text *log, size_t len, bool ends_well, uint64_t *sum)
{
    struct loading_log l;
    loading_forget();
    enum loading_result result = loading_log_bytes(bytes_make(log->ptr, len), &l);
    assert_int_equal(result, ends_well ? LOADING_DONE : LOADING_FAILED);
    assert_int_equal(l.is_cut_off, !ends_well);
    uint64_t got = loading_sum();
    if (*sum == 0) *sum = got;
    if (*sum != got) print_error("cut at %zu\n", len);
    assert_true(*sum == got);
}

/* What comes of a log that is cut is what comes of its whole part, and that is where it says that
 * it is whole. */
static void a_log_cut_anywhere_gives_what_is_whole(void **state)
{
    (void)state;
    static struct ends ends;
    ends.count = 0;
    struct text log = make_log(&ends);
    size_t unit = 0;
    for (size_t len = 0; len <= log.len; len += stride(211)) {
        while (unit + 1 < ends.count && ends.at[unit + 1] <= len) unit++;
        if (ends.sum[unit] == 0) expect_load(&log, ends.at[unit], true, &ends.sum[unit]);
        expect_load(&log, len, len == ends.at[unit], &ends.sum[unit]);
    }
    free(log.ptr);
}

static void zeros_behind_a_log_are_cut_off(void **state)
{
    (void)state;
    static struct ends ends;
    static char zeroed[DAMAGE_LOG_LEN * 2];
    struct loading_log l;
    ends.count = 0;
    struct text log = make_log(&ends);
    size_t unit = 0;
    for (size_t len = 0; len <= log.len; len += stride(331)) {
        while (unit + 1 < ends.count && ends.at[unit + 1] <= len) unit++;
        if (ends.sum[unit] == 0) expect_load(&log, ends.at[unit], true, &ends.sum[unit]);
        memset(zeroed, 0, sizeof(zeroed));
        memcpy(zeroed, log.ptr, len);
        loading_forget();
        enum loading_result result = loading_log_bytes(bytes_make(zeroed, len + 4096), &l);
        assert_int_equal(result, LOADING_FAILED);
        assert_true(l.is_cut_off);
        assert_true(loading_sum() == ends.sum[unit]);
        assert_true(l.good_offset <= ends.at[unit]);
    }
    free(log.ptr);
}

/* ---- A disk that fails ---- */

/* A log of a good record and one with a length that goes beyond the end, with `len` bytes of it. */
static struct text make_cut_off(size_t len)
{
    struct text log = {0};
    text_command(&log, "SET a 1");
    text_put(&log, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$99999999\r\n");
    for (size_t i = 0; i < len; i++) text_put(&log, "x");
    return log;
}

/* Whatever lies behind the place is not known, so nothing may be cut off there. */
static void a_log_that_cannot_be_read_is_not_taken_for_cut_off(void **state)
{
    (void)state;
    char path[LOADING_PATH];
    struct text log = make_cut_off(600000);
    struct loading_log l;
    text_to_file(&log, path);
    for (int reads = 0; reads < 5; reads++) {
        reads_fail(reads, EIO);
        assert_int_equal(loading_log_file(path, &l), LOADING_FAILED);
        reads_are_well();
        assert_int_equal(l.is_cut_off, reads == 4); /* all of it */
        assert_non_null(strstr(l.wrong, reads == 4 ? "Unexpected end" : "Input/output error"));
    }
    unlink(path);
    free(log.ptr);
}

static void what_cannot_be_read_is_not_fixed(void **state)
{
    (void)state;
    char path[LOADING_PATH], answers[LOADING_PATH];
    struct text log = {0}, yes = {0};
    text_command(&log, "SET a 1");
    text_put(&yes, "y\ny\n");
    text_to_file(&log, path);
    text_to_file(&yes, answers);
    assert_non_null(freopen(answers, "r", stdin));
    char *args[] = {(char[]){"check"}, (char[]){"--fix"}, path};
    for (int reads = 0; reads < 2; reads++) {
        reads_fail(reads, EIO);
        assert_int_equal(check_aof(3, args), 1);
        reads_are_well();
        assert_int_equal(disk_size_of(path), log.len);
    }
    unlink(path);
    unlink(answers);
    free(log.ptr);
    free(yes.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_flipped_bit_is_seen, damage_open, core_close),
        cmocka_unit_test_setup_teardown(without_sums_a_flipped_bit_does_no_harm, damage_open,
                                        core_close),
        cmocka_unit_test_setup_teardown(a_file_cut_anywhere_is_refused, damage_open, core_close),
        cmocka_unit_test_setup_teardown(a_log_cut_anywhere_gives_what_is_whole, damage_open,
                                        core_close),
        cmocka_unit_test_setup_teardown(zeros_behind_a_log_are_cut_off, damage_open, core_close),
        cmocka_unit_test_setup_teardown(a_log_that_cannot_be_read_is_not_taken_for_cut_off,
                                        damage_open, core_close),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_not_fixed, damage_open, core_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
