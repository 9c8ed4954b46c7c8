/* The log: the form of a line, levels, escaping, threads, and files that come and go. */
#include "unit/check.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static char path[96];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/baton-log-test-XXXXXX");
    if (mkdtemp(folder) == NULL) return -1;
    snprintf(path, sizeof(path), "%s/log", folder);
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    char other[128];
    log_open("");
    unlink(path);
    snprintf(other, sizeof(other), "%s.old", path);
    unlink(other);
    snprintf(other, sizeof(other), "%s.two", path);
    unlink(other);
    return rmdir(folder);
}

/* The content of a file, terminated; the caller frees it. */
static char *content(const char *name, size_t *len)
{
    FILE *f = fopen(name, "r");
    assert_non_null(f);
    char *text = malloc(1 << 22);
    assert_non_null(text);
    *len = fread(text, 1, (1 << 22) - 1, f);
    text[*len] = '\0';
    fclose(f);
    return text;
}

static void fresh_log(void)
{
    unlink(path);
    assert_int_equal(log_open(path), 0);
    log_set_level(LOG_NOTE);
    log_set_role('M');
}

static void expect_match(const char *text, const char *pattern)
{
    regex_t r;
    assert_int_equal(regcomp(&r, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&r, text, 0, NULL, 0) != 0) fail_msg("'%s' is not '%s'", text, pattern);
    regfree(&r);
}

static void a_line_has_its_form(void **state)
{
    (void)state;
    fresh_log();
    log_note("hello %d", 42);
    size_t len;
    char *text = content(path, &len);
    char pattern[200];
    snprintf(pattern, sizeof(pattern),
             "^%d:M [0-3][0-9] (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) 20[0-9][0-9] "
             "[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{3} \\* hello 42\n$",
             (int)getpid());
    expect_match(text, pattern);
    free(text);
}

static void levels_sieve(void **state)
{
    (void)state;
    fresh_log();
    log_set_level(LOG_VERBOSE_MORE);
    assert_int_equal(log_get_level(), LOG_VERBOSE_MORE);
    log_set_role('S');
    log_debug("one");
    log_verbose("two");
    log_warn("three");
    log_set_level(LOG_NOTHING);
    log_warn("four");
    size_t len;
    char *text = content(path, &len);
    expect_match(text, ":S [^\n]* - two\n[^\n]*:S [^\n]* # three\n$");
    assert_null(strstr(text, "one"));
    assert_null(strstr(text, "four"));
    free(text);
}

static void control_bytes_cannot_forge_a_line(void **state)
{
    (void)state;
    fresh_log();
    log_note("a\nb\r\tc\x1b[0m\x7f\xc3\xa9 %s", "x\ny");
    size_t len;
    char *text = content(path, &len);
    assert_non_null(strstr(text, " * a\\nb\\r\\tc\\x1b[0m\\x7f\xc3\xa9 x\\ny\n"));
    assert_ptr_equal(strchr(text, '\n'), text + len - 1);
    free(text);
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    fresh_log();
    char *big = malloc(100001);
    assert_non_null(big);
    memset(big, 1, 100000); /* each byte becomes four */
    big[100000] = '\0';
    log_note("%s", big);
    free(big);
    size_t len;
    char *text = content(path, &len);
    assert_in_range(len, 4000, 10000);
    expect_match(text, "\\\\x01\\.\\.\\.\n$");
    free(text);
}

static void moved_files_are_made_anew(void **state)
{
    (void)state;
    char old[128];
    size_t len;
    snprintf(old, sizeof(old), "%s.old", path);
    fresh_log();
    int fd = log_fd();
    log_note("before");
    assert_int_equal(rename(path, old), 0);
    log_note("after");
    char *text = content(path, &len);
    expect_match(text, "\\* after\n$");
    assert_null(strstr(text, "before"));
    free(text);
    assert_int_equal(unlink(path), 0);
    log_note("again");
    text = content(path, &len);
    expect_match(text, "\\* again\n$");
    free(text);
    assert_int_equal(log_fd(), fd);
}

static void another_file_takes_over(void **state)
{
    (void)state;
    char two[128];
    size_t len;
    snprintf(two, sizeof(two), "%s.two", path);
    fresh_log();
    int fd = log_fd();
    assert_int_equal(log_open(two), 0);
    assert_int_equal(log_fd(), fd);
    assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    log_note("in two");
    char *text = content(two, &len);
    expect_match(text, "\\* in two\n$");
    free(text);
    assert_int_equal(log_open("/nonexistent/folder/log"), -ENOENT);
    log_note("still in two");
    text = content(two, &len);
    expect_match(text, "\\* still in two\n$");
    free(text);
    assert_int_equal(log_open(""), 0);
    assert_int_equal(log_fd(), STDOUT_FILENO);
}

static void raw_text_goes_as_it_is(void **state)
{
    (void)state;
    fresh_log();
    errno = EBADF;
    log_raw_signal_safe("x\ny", 3);
    assert_int_equal(errno, EBADF);
    size_t len;
    char *text = content(path, &len);
    assert_string_equal(text, "x\ny");
    free(text);
}

#define THREADS 4
#define LINES 500

static void *log_many(void *arg)
{
    for (int i = 0; i < LINES; i++)
        log_note("<%d:%d:%.*s>", *(int *)arg, i, i % 50,
                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    return NULL;
}

static void lines_of_threads_never_mix(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int ids[THREADS];
    fresh_log();
    for (int i = 0; i < THREADS; i++) {
        ids[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, &ids[i]), 0);
    }
    for (int i = 0; i < 20; i++) assert_int_equal(log_open(path), 0); /* reopening loses nothing */
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    size_t len;
    char *text = content(path, &len);
    int next[THREADS] = {0}, count = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"), count++) {
        int id, n;
        const char *body = strchr(line, '<');
        assert_non_null(body);
        assert_int_equal(sscanf(body, "<%d:%d:", &id, &n), 2);
        assert_in_range(id, 0, THREADS - 1);
        assert_int_equal(n, next[id]++);
        assert_int_equal(line[strlen(line) - 1], '>');
    }
    assert_int_equal(count, THREADS * LINES);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_its_form),
        cmocka_unit_test(levels_sieve),
        cmocka_unit_test(control_bytes_cannot_forge_a_line),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(moved_files_are_made_anew),
        cmocka_unit_test(another_file_takes_over),
        cmocka_unit_test(raw_text_goes_as_it_is),
        cmocka_unit_test(lines_of_threads_never_mix),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
