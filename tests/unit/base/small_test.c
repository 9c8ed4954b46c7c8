/* The small ones of base/: bytes, must, clock, random numbers, hash. */
#include "unit/check.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/must.h"
#include "base/random.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void bytes_compare_as_memory(void **state)
{
    (void)state;
    assert_true(bytes_equal(bytes_of("abc"), bytes_make("abcd", 3)));
    assert_false(bytes_equal(bytes_of("abc"), bytes_of("abd")));
    assert_true(bytes_equal(bytes_make(NULL, 0), bytes_of("")));
    assert_true(bytes_compare(bytes_of("ab"), bytes_of("abc")) < 0);
    assert_true(bytes_compare(bytes_of("b"), bytes_of("abc")) > 0);
    assert_true(bytes_compare(bytes_of("\xff"), bytes_of("a")) > 0);
    assert_int_equal(bytes_compare(bytes_make("a\0b", 3), bytes_make("a\0b", 3)), 0);
    assert_true(bytes_is_word(bytes_of("GeT"), "get"));
    assert_false(bytes_is_word(bytes_of("gets"), "get"));
    assert_false(bytes_is_word(bytes_of("ge"), "get"));
}

static void must_stops_and_says_where(void **state)
{
    (void)state;
    int out[2];
    assert_int_equal(pipe(out), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(out[1], STDOUT_FILENO);
        signal(SIGABRT, SIG_DFL);
        must(1 + 1 == 2);
        must(1 + 1 == 3);
        _exit(0);
    }
    close(out[1]);
    char text[1024];
    size_t len = 0;
    ssize_t n;
    while (len < sizeof(text) - 1 && (n = read(out[0], text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    close(out[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, "ASSERTION FAILED"));
    assert_non_null(strstr(text, "small_test.c:"));
    assert_non_null(strstr(text, "1 + 1 == 3"));
}

static void clocks_agree(void **state)
{
    (void)state;
    clock_open();
    uint64_t ns = clock_mono_ns(), ticks = clock_ticks();
    struct timespec nap = {0, 20000000};
    nanosleep(&nap, NULL);
    uint64_t by_ticks = clock_ticks_to_ns(clock_ticks() - ticks), by_kernel = clock_mono_ns() - ns;
    assert_in_range(by_ticks, 19000000, 10000000000ull);
    assert_true((double)by_ticks < (double)by_kernel * 1.02 + 100000);
    assert_in_range(clock_wall_ms() / 1000, time(NULL) - 1, time(NULL) + 1);
}

static void random_numbers_are_even(void **state)
{
    (void)state;
    struct random r, same;
    random_seed(&r, 1);
    random_seed(&same, 1);
    int counts[10] = {0};
    for (int i = 0; i < 100000; i++) {
        uint64_t n = random_below(&r, 10);
        assert_true(n < 10 && n == random_below(&same, 10));
        counts[n]++;
    }
    for (int i = 0; i < 10; i++) assert_in_range(counts[i], 9500, 10500);
    assert_int_equal(random_below(&r, 1), 0);
    random_seed(&same, 2);
    assert_true(random_next(&r) != random_next(&same));
    char a[41], b[41];
    random_hex(a, 40);
    random_hex(b, 40);
    assert_int_equal(strspn(a, "0123456789abcdef"), 40);
    assert_int_equal(strlen(a), 40);
    assert_string_not_equal(a, b);
}

static void hashes_have_a_secret(void **state)
{
    (void)state;
    hash_open_with(1);
    uint64_t first = hash_bytes("key", 3), longer = hash_bytes("key1", 4);
    assert_true(first == hash_bytes("key", 3) && first != longer);
    hash_open_with(2);
    assert_true(first != hash_bytes("key", 3));
    hash_open();
    uint64_t drawn = hash_bytes("key", 3);
    hash_open();
    assert_true(drawn != hash_bytes("key", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_compare_as_memory),
        cmocka_unit_test(must_stops_and_says_where),
        cmocka_unit_test(clocks_agree),
        cmocka_unit_test(random_numbers_are_even),
        cmocka_unit_test(hashes_have_a_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
