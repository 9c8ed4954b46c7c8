/* Glob patterns: each row is what KEYS would say; random ones are compared with a plain recursive
 * matcher. */
#include "unit/check.h"

#include "codec/glob.h"

#include <stdlib.h>
#include <time.h>

struct row {
    const char *pattern, *text;
    bool matches;
};

static void expect_rows(const struct row *rows, size_t count, bool ignore_case)
{
    for (size_t i = 0; i < count; i++) {
        bool matches = glob_match(bytes_of(rows[i].pattern), bytes_of(rows[i].text), ignore_case);
        if (matches != rows[i].matches) fail_msg("'%s' on '%s'", rows[i].pattern, rows[i].text);
    }
}

static void stars_and_marks(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", "", true},
        {"", "a", false},
        {"a", "", false},
        {"*", "", true},
        {"**", "", true},
        {"?", "", false},
        {"*", "abc", true},
        {"a*", "abc", true},
        {"*c", "abc", true},
        {"*b", "abc", false},
        {"a*c", "abbbc", true},
        {"a*c", "abbbcd", false},
        {"a**c", "ac", true},
        {"?b?", "abc", true},
        {"??", "abc", false},
        {"*a*b*c*", "xxaxxbxxcxx", true},
        {"*abab", "ababab", true},
        {"*aab", "aaaab", true},
        {"a*?", "a", false},
        {"h?llo", "hello", true},
        {"h*llo", "heeeello", true},
        {"abc", "ABC", false},
    };
    expect_rows(rows, sizeof(rows) / sizeof(rows[0]), false);
}

static void classes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"h[ae]llo", "hello", true},
        {"h[ae]llo", "hillo", false},
        {"h[^e]llo", "hallo", true},
        {"h[^e]llo", "hello", false},
        {"h[a-c]llo", "hbllo", true},
        {"h[c-a]llo", "hbllo", true},
        {"h[a-c]llo", "hdllo", false},
        {"[]", "a", false},
        {"[]", "", false},
        {"[^]", "a", true},
        {"[abc", "b", true},
        {"[abc", "d", false},
        {"[a", "ab", false},
        {"[\\]]", "]", true},
        {"[\\^]", "^", true},
        {"[a^]", "^", true},
        {"[-]", "-", true},
        {"[a-]", "a", true},
        {"[!a]", "!", true},
        {"[\\", "\\", true},
        {"[", "a", false},
        {"[^", "a", true},
        {"*[0-9]", "abc7", true},
        {"[a-c]*[x-z]", "b--y", true},
        {"[a-", "-", true},
    };
    expect_rows(rows, sizeof(rows) / sizeof(rows[0]), false);
}

static void escapes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"\\*", "*", true},      {"\\*", "a", false},    {"a\\?c", "a?c", true},
        {"a\\?c", "abc", false}, {"\\[a]", "[a]", true}, {"\\\\", "\\", true},
        {"\\", "\\", true},      {"\\a", "a", true},     {"a\\", "a\\", true},
    };
    expect_rows(rows, sizeof(rows) / sizeof(rows[0]), false);
}

static void case_may_be_ignored(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"ABC", "abc", true}, {"a*Z", "AbbbZ", true},      {"[a-c]", "B", true},
        {"[A-C]", "b", true}, {"[^a]", "A", false},        {"\\A", "a", true},
        {"[\\A]", "a", true}, {"max*", "MaxMemory", true},
    };
    expect_rows(rows, sizeof(rows) / sizeof(rows[0]), true);
}

static void any_byte_is_a_byte(void **state)
{
    (void)state;
    assert_true(glob_match(bytes_make("a?c", 3), bytes_make("a\0c", 3), false));
    assert_true(glob_match(bytes_make("\0*", 2), bytes_make("\0\xff\0", 3), false));
    assert_true(glob_match(bytes_make("[\x80-\xff]", 5), bytes_make("\xc3", 1), false));
    assert_false(glob_match(bytes_make("[\x80-\xff]", 5), bytes_make("a", 1), true));
}

/* Stars and literals only, the obvious way. */
static bool plain_match(const char *p, const char *t)
{
    if (*p == '\0') return *t == '\0';
    if (*p == '*') return plain_match(p + 1, t) || (*t != '\0' && plain_match(p, t + 1));
    return *t != '\0' && (*p == '?' || *p == *t) && plain_match(p + 1, t + 1);
}

static void random_patterns_agree(void **state)
{
    (void)state;
    uint64_t seed = 1234567;
    for (int i = 0; i < 50000; i++) {
        char pattern[9] = "", text[9] = "";
        uint64_t p_len = check_random(&seed) % 9, t_len = check_random(&seed) % 9;
        for (uint64_t k = 0; k < p_len; k++) pattern[k] = "ab*?*"[check_random(&seed) % 5];
        for (uint64_t k = 0; k < t_len; k++) text[k] = "ab"[check_random(&seed) % 2];
        bool matches = glob_match(bytes_of(pattern), bytes_of(text), false);
        if (matches != plain_match(pattern, text)) fail_msg("'%s' on '%s'", pattern, text);
    }
}

/* A pattern that takes ages when every star is tried against every other: 60 stars on 20,000 bytes.
 */
static void hostile_patterns_take_no_ages(void **state)
{
    (void)state;
    char pattern[121], *text = malloc(20000);
    assert_non_null(text);
    for (int i = 0; i < 120; i++) pattern[i] = i % 2 == 0 ? '*' : 'a';
    pattern[120] = 'b';
    memset(text, 'a', 20000);
    clock_t start = clock();
    assert_false(glob_match(bytes_make(pattern, 121), bytes_make(text, 20000), false));
    assert_true(clock() - start < CLOCKS_PER_SEC);
    free(text);
}

/* Redis says "no match" to more than 1000 separate stars, and what relies on it must be told the
 * same. */
static void a_thousand_stars_are_enough(void **state)
{
    (void)state;
    char pattern[2202], text[1101];
    for (size_t i = 0; i < sizeof pattern; i++) pattern[i] = i % 2 == 0 ? '*' : '?';
    memset(text, 'a', sizeof text);
    assert_true(glob_match(bytes_make(pattern, 2000), bytes_make(text, 1101), false));
    assert_false(glob_match(bytes_make(pattern, 2002), bytes_make(text, 1101), false));
    memset(pattern, '*', sizeof pattern);
    assert_true(glob_match(bytes_make(pattern, 2202), bytes_make(text, 1101), false));
    pattern[2201] = 'a';
    assert_true(glob_match(bytes_make(pattern, 2202), bytes_make(text, 1101), false));
}

static void plain_names(void **state)
{
    (void)state;
    assert_true(glob_is_plain(bytes_of("maxmemory")));
    assert_true(glob_is_plain(bytes_of("")));
    assert_true(glob_is_plain(bytes_of("a]b^-")));
    assert_false(glob_is_plain(bytes_of("a*")));
    assert_false(glob_is_plain(bytes_of("?")));
    assert_false(glob_is_plain(bytes_of("x[")));
    assert_false(glob_is_plain(bytes_of("x\\y")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stars_and_marks),
        cmocka_unit_test(classes),
        cmocka_unit_test(escapes),
        cmocka_unit_test(case_may_be_ignored),
        cmocka_unit_test(any_byte_is_a_byte),
        cmocka_unit_test(random_patterns_agree),
        cmocka_unit_test(hostile_patterns_take_no_ages),
        cmocka_unit_test(a_thousand_stars_are_enough),
        cmocka_unit_test(plain_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
