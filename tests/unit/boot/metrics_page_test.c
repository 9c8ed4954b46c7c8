/* The metrics page: its form, and that all of it fits. */
#include "unit/check.h"

#include "base/clock.h"
#include "boot/metrics_page.h"
#include "catalog/command.h"

#include <stdlib.h>

static struct execute_figures figures;

static void count_something(struct world_counters *out) { out->net_in = 4711; }

static const struct metrics_sources sources = {&figures, count_something};
static char page[METRICS_PAGE_MAX + 1];

static void make_page(size_t room)
{
    size_t len = metrics_page(&sources, page, room);
    assert_true(len <= room);
    page[len] = '\0';
}

static void lines_are_comments_or_samples(void **state)
{
    (void)state;
    memset(&figures, 0, sizeof(figures));
    counter_set(&figures.commands, 12);
    counter_set(&figures.dbs[3][DB_KEYS], 5);
    counter_set(&figures.dbs[3][DB_AVERAGE_TTL_MS], 1234);
    make_page(METRICS_PAGE_MAX);
    assert_non_null(strstr(page, "\nredis_commands_processed_total 12\n"));
    assert_non_null(strstr(page, "\nredis_net_input_bytes_total 4711\n"));
    assert_non_null(strstr(page, "\nredis_db_keys{db=\"db3\"} 5\n"));
    assert_non_null(strstr(page, "\nredis_db_avg_ttl_seconds{db=\"db3\"} 1.234\n"));
    assert_null(strstr(page, "db=\"db0\""));
    assert_null(strstr(page, "cmd="));
    for (char *line = strtok(page, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strncmp(line, "# HELP ", 7) == 0 || strncmp(line, "# TYPE ", 7) == 0) continue;
        size_t name = strspn(line, "abcdefghijklmnopqrstuvwxyz_0123456789");
        char *value = strrchr(line, ' ');
        bool good = name > 6 && value != NULL;
        if (good) good = line[name] == '{' ? value[-1] == '}' : line + name == value;
        if (good) good = strspn(value + 1, "0123456789.") == strlen(value + 1);
        if (!good) fail_msg("no sample: %s", line);
    }
}

static void each_family_has_one_head(void **state)
{
    (void)state;
    char *names[512];
    int count = 0;
    make_page(METRICS_PAGE_MAX);
    for (char *line = strtok(page, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strncmp(line, "# TYPE ", 7) != 0) continue;
        char *name = line + 7;
        *strchr(name, ' ') = '\0';
        for (int i = 0; i < count; i++) assert_string_not_equal(names[i], name);
        names[count++] = name;
    }
    assert_true(count > 30);
}

static void all_commands_with_the_largest_numbers_fit(void **state)
{
    (void)state;
    const struct counter largest = {UINT64_MAX};
    struct counter *all = (struct counter *)&figures;
    for (size_t i = 0; i < sizeof(figures) / sizeof(*all); i++) all[i] = largest;
    for (int id = 0; id < CMD_COUNT; id++)
        counter_set(&figures.commands_of[id][COMMAND_REJECTED], 0);
    make_page(METRICS_PAGE_MAX);
    assert_true(strlen(page) < METRICS_PAGE_MAX / 2);
    int shown = 0;
    for (char *p = page; (p = strstr(p, "\nredis_commands_failed_calls_total{")) != NULL; p++)
        shown++;
    assert_int_equal(shown, CMD_COUNT);
}

static void what_does_not_fit_is_left_out(void **state)
{
    (void)state;
    for (size_t room = 0; room < 2000; room += 7) make_page(room);
}

int main(void)
{
    clock_open();
    command_open();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_comments_or_samples),
        cmocka_unit_test(each_family_has_one_head),
        cmocka_unit_test(all_commands_with_the_largest_numbers_fit),
        cmocka_unit_test(what_does_not_fit_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
