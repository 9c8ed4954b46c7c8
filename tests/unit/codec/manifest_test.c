/* The text of a log's manifest, and what a rewrite makes of it. */
#include "unit/check.h"

#include "codec/manifest.h"

#include <stdio.h>
#include <stdlib.h>

static void expect_text(const struct manifest *m, const char *want)
{
    size_t len;
    char *text = manifest_print(m, &len);
    assert_string_equal(text, want);
    assert_int_equal(len, strlen(want));
    free(text);
}

static void expect_wrong(const char *text, const char *wrong, int line)
{
    struct manifest m;
    int at;
    assert_string_equal(manifest_parse(bytes_of(text), &m, &at), wrong);
    assert_int_equal(at, line);
    assert_null(m.files);
    assert_int_equal(m.count, 0);
}

static void read_text(const char *text, struct manifest *m)
{
    const char *wrong = manifest_parse(bytes_of(text), m, NULL);
    if (wrong != NULL) fail_msg("%s", wrong);
}

#define BASE "file a.1.base.rdb seq 1 type b\n"
#define INCR(n) "file a." #n ".incr.aof seq " #n " type i\n"

static void what_is_printed_reads_back(void **state)
{
    (void)state;
    struct manifest m;
    read_text("# of old\nfile a.2.base.rdb seq 2 type b newkey newvalue\n"
              "TYPE h seq 1 file \"a.1.incr.aof\"\n" INCR(2) INCR(7),
              &m);
    assert_int_equal(m.count, 4);
    assert_string_equal(manifest_base(&m)->name, "a.2.base.rdb");
    assert_int_equal(manifest_last_seq(&m, MANIFEST_INCREMENT), 7);
    assert_int_equal(manifest_last_seq(&m, MANIFEST_HISTORY), 1);
    assert_string_equal(manifest_last_increment(&m)->name, "a.7.incr.aof");
    expect_text(&m, "file a.2.base.rdb seq 2 type b\n"
                    "file a.1.incr.aof seq 1 type h\n" INCR(2) INCR(7));
    manifest_free(&m);
}

static void names_with_blanks_are_quoted(void **state)
{
    (void)state;
    struct manifest m = {0};
    char name[MANIFEST_NAME_MAX];
    assert_true(manifest_name(name, " file seq \n\n.aof ", 2, MANIFEST_BASE, true));
    manifest_add(&m, name, 2, MANIFEST_BASE);
    static const char want[] = "file \" file seq \\n\\n.aof .2.base.rdb\" seq 2 type b\n";
    expect_text(&m, want);
    manifest_free(&m);
    read_text(want, &m);
    assert_string_equal(manifest_base(&m)->name, name);
    manifest_free(&m);
}

static void names_are_those_of_redis(void **state)
{
    (void)state;
    char name[MANIFEST_NAME_MAX], much[MANIFEST_NAME_MAX];
    assert_true(manifest_name(name, "appendonly.aof", 3, MANIFEST_BASE, true));
    assert_string_equal(name, "appendonly.aof.3.base.rdb");
    assert_true(manifest_name(name, "appendonly.aof", 3, MANIFEST_BASE, false));
    assert_string_equal(name, "appendonly.aof.3.base.aof");
    assert_true(manifest_name(name, "appendonly.aof", 12, MANIFEST_INCREMENT, false));
    assert_string_equal(name, "appendonly.aof.12.incr.aof");
    memset(much, 'x', sizeof(much) - 11);
    much[sizeof(much) - 11] = '\0';
    assert_false(manifest_name(name, much, 1, MANIFEST_INCREMENT, false));
    much[sizeof(much) - 12] = '\0';
    assert_true(manifest_name(name, much, 1, MANIFEST_INCREMENT, false));
}

static void what_is_no_manifest_is_told(void **state)
{
    (void)state;
    static const char bad[] = "Invalid AOF manifest file format";
    static const char path[] = "File can't be a path, just a filename";
    expect_wrong("", "Found an empty AOF manifest", 0);
    expect_wrong(BASE "\n", bad, 2);
    expect_wrong(BASE "filx a seq 1 type i\n", bad, 2);
    expect_wrong("file a type i\n", bad, 1);
    expect_wrong("file a seq 1 type i newkey\n", bad, 1);
    expect_wrong("file \"a seq 1 type i\n", bad, 1);
    expect_wrong("file a seq 0 type i\n", bad, 1);
    expect_wrong("file a seq -1 type i\n", bad, 1);
    expect_wrong("file a seq 1x type i\n", bad, 1);
    expect_wrong("file a seq 1 type x\n", "Unknown AOF file type", 1);
    expect_wrong("file a seq 1 type ii\n", "Unknown AOF file type", 1);
    expect_wrong("file ../a seq 1 type i\n", path, 1);
    expect_wrong("file .. seq 1 type i\n", path, 1);
    expect_wrong("file \"\" seq 1 type i\n", path, 1);
    expect_wrong("file \"a\\x00\" seq 1 type i\n", path, 1);
    expect_wrong(BASE BASE, "Found duplicate base file information", 2);
    expect_wrong(INCR(2) INCR(1), "Found a non-monotonic sequence number", 2);
    expect_wrong(INCR(2) INCR(2), "Found a non-monotonic sequence number", 2);
    expect_wrong("file a seq 1 type i", "The AOF manifest file lacks the end of its last line", 1);
    char line[1100];
    memset(line, '#', sizeof(line));
    memcpy(line + sizeof(line) - 2, "\n", 2);
    expect_wrong(line, "The AOF manifest file contains too long line", 1);
}

static void a_name_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char line[512] = "file ";
    memset(line + 5, 'n', MANIFEST_NAME_MAX);
    strcpy(line + 5 + MANIFEST_NAME_MAX, " seq 1 type b\n");
    expect_wrong(line, "File can't be a path, just a filename", 1);
    strcpy(line + 5 + MANIFEST_NAME_MAX - 1, " seq 1 type b\n");
    struct manifest m;
    read_text(line, &m);
    manifest_free(&m);
}

static void what_a_rewrite_makes_needless_is_history(void **state)
{
    (void)state;
    struct manifest m, copy = {0};
    read_text(BASE INCR(1) INCR(2) INCR(3), &m);
    manifest_copy(&copy, &m);
    manifest_retire(&m, 3);
    manifest_add(&m, "a.2.base.rdb", 2, MANIFEST_BASE);
    expect_text(&m, "file a.2.base.rdb seq 2 type b\n"
                    "file a.2.incr.aof seq 2 type h\n"
                    "file a.1.incr.aof seq 1 type h\n"
                    "file a.1.base.rdb seq 1 type h\n" INCR(3));
    manifest_retire(&m, 4);
    assert_null(manifest_base(&m));
    assert_null(manifest_last_increment(&m));
    assert_int_equal(manifest_last_seq(&m, MANIFEST_INCREMENT), 0);
    manifest_drop_history(&m);
    assert_int_equal(m.count, 0);
    expect_text(&copy, BASE INCR(1) INCR(2) INCR(3));
    manifest_free(&m);
    manifest_free(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_printed_reads_back),
        cmocka_unit_test(names_with_blanks_are_quoted),
        cmocka_unit_test(names_are_those_of_redis),
        cmocka_unit_test(what_is_no_manifest_is_told),
        cmocka_unit_test(a_name_that_is_too_long_is_refused),
        cmocka_unit_test(what_a_rewrite_makes_needless_is_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
