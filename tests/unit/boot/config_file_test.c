/* The start: the command line as redis-server reads it, lines to blame, and the file that we ship.
 */
#include "unit/check.h"

#include "boot/config_file.h"

#include <stdlib.h>
#include <string.h>

static void assert_args(const char *const *argv, const char *want, bool from_stdin)
{
    int argc = 0;
    bool asked;
    char *text = NULL;
    size_t len;
    while (argv[argc] != NULL) argc++;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    config_args_write(argc, (char **)(uintptr_t)argv, 1, out, &asked);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, want);
    assert_int_equal(asked, from_stdin);
    free(text);
}
#define ARGS(...) ((const char *const[]){"baton-server", __VA_ARGS__, NULL})

static void arguments_become_lines(void **state)
{
    (void)state;
    assert_args(ARGS("--port", "1", "--hz", "2"), "\nport \"1\" \nhz \"2\" \n", false);
    assert_args(ARGS("--port", "6379", "6380"), "\nport \"6379\" \"6380\" \n", false);
    assert_args(ARGS("--maxmemory 700mb", "--hz", "5"), "\nmaxmemory 700mb \nhz \"5\" \n", false);
    assert_args(ARGS("loglevel", "verbose", "--hz", "5"),
                "\n\"loglevel\" \"verbose\" \nhz \"5\" \n", false);
    assert_args(ARGS("--requirepass", "a \"b\"\n"), "\nrequirepass \"a \\\"b\\\"\\n\" \n", false);
}

static void what_stands_behind_a_name_is_its_value(void **state)
{
    (void)state;
    assert_args(ARGS("--port", "--loglevel", "verbose"), "\nport \"--loglevel\" \"verbose\" \n",
                false);
    assert_args(ARGS("--port", "--bla", "--loglevel", "verbose"),
                "\nport \"--bla\" \nloglevel \"verbose\" \n", false);
    assert_args(ARGS("--replicaof", "--127.0.0.1", "--abc"), "\nreplicaof \"--127.0.0.1\" \nabc \n",
                false);
}

static void save_may_stand_alone(void **state)
{
    (void)state;
    assert_args(ARGS("--save", "--hz", "5"), "\nsave \"\"\nhz \"5\" \n", false);
    assert_args(ARGS("--hz", "5", "--SAVE"), "\nhz \"5\" \nSAVE \"\"\n", false);
    assert_args(ARGS("--save", "", "--hz", "5"), "\nsave \"\" \nhz \"5\" \n", false);
    assert_args(ARGS("--proc-title-template", "--save", "--save", ""),
                "\nproc-title-template \"--save\" \nsave \"\" \n", false);
}

static void a_dash_asks_for_standard_input(void **state)
{
    (void)state;
    assert_args(ARGS("-"), "\n\n", true);
    assert_args(ARGS("--hz", "5", "-"), "\nhz \"5\" \n", true);
    assert_args(ARGS("--hz", "-", "5"), "\nhz \"-\" \"5\" \n", false);
}

static struct config_reading read_text(const char *text, int want)
{
    struct config_reading r = {.settings = settings_default(), .dry = true};
    assert_int_equal(config_read(&r, bytes_of(text)) == 0, want == 0);
    return r;
}

static void assert_blames(const char *text, size_t number, const char *line, const char *reason)
{
    struct config_reading r = read_text(text, -1);
    assert_int_equal(r.line_number, number);
    assert_string_equal(r.line, line);
    assert_string_equal(r.reason, reason);
    config_reading_free(&r);
}

static void the_first_bad_line_is_named(void **state)
{
    (void)state;
    assert_blames("hz 1\n\n# c\nnosuch 1\nhz x", 4, "nosuch 1",
                  "Bad directive or wrong number of arguments");
    assert_blames("  port \"1\r\n", 1, "port \"1", "Unbalanced quotes in configuration line");
    assert_blames("hz\n", 1, "hz", "wrong number of arguments");
    assert_blames("rename-command GET", 1, "rename-command GET",
                  "Bad directive or wrong number of arguments");
    assert_blames("loadmodule /x.so", 1, "loadmodule /x.so", "Baton does not load modules");
    assert_blames("user a on\nuser a on", 2, "user a on",
                  "Error in user declaration 'a': Duplicate user found. A user can only be "
                  "defined once in config files");
}

static void secrets_are_not_shown(void **state)
{
    (void)state;
    assert_blames("requirepass one two", 1, "requirepass (redacted)", "wrong number of arguments");
    assert_blames("MasterAuth one two", 1, "MasterAuth (redacted)", "wrong number of arguments");
    assert_blames("user a >secret\nuser a >secret", 2, "user (redacted)",
                  "Error in user declaration 'a': Duplicate user found. A user can only be "
                  "defined once in config files");
}

static void the_last_line_wins(void **state)
{
    (void)state;
    struct config_reading r = read_text("timeout 1\nTIMEOUT 2\r\nsave 1 2\nsave 3 4\n"
                                        "hash-max-ziplist-entries 5\nhash-max-listpack-entries 6\n"
                                        "client-output-buffer-limit normal 1 2 3\n"
                                        "client-output-buffer-limit pubsub 4 5 6\n",
                                        0);
    assert_int_equal(r.settings->timeout, 2);
    assert_int_equal(r.settings->save.count, 2);
    assert_int_equal(r.settings->hash_max_listpack_entries, 6);
    assert_int_equal(r.settings->client_output_buffer_limit.of[CLIENT_NORMAL].hard, 1);
    assert_int_equal(r.settings->client_output_buffer_limit.of[CLIENT_PUBSUB].hard, 4);
    config_reading_free(&r);
}

/* Takes the "#" off the lines that show an option. */
static char *uncommented(FILE *in)
{
    char *text = NULL, *line = NULL;
    size_t len, cap = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    while (getline(&line, &cap, in) > 0)
        if (line[0] == '#' && line[1] != ' ' && line[1] != '\n') fputs(line + 1, out);
    free(line);
    assert_int_equal(fclose(out), 0);
    return text;
}

/* conf/baton.conf shows every option, at its default. Run from the top of the tree. */
static void the_shipped_file_shows_every_default(void **state)
{
    (void)state;
    FILE *in = fopen("conf/baton.conf", "re");
    if (in == NULL) skip();
    char *text = uncommented(in);
    fclose(in);
    struct config_reading r = {.settings = settings_default(), .dry = true};
    if (config_read(&r, bytes_of(text)) != 0)
        fail_msg("%s: %s", r.line == NULL ? "" : r.line, r.reason);
    struct settings *defaults = settings_default();
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        char name[80];
        snprintf(name, sizeof name, "\n%s ", o->name);
        bool hidden = (o->flags & OPTION_HIDDEN) != 0;
        bool first = strncmp(text, name + 1, strlen(name + 1)) == 0;
        if (!hidden && !first && strstr(text, name) == NULL)
            fail_msg("conf/baton.conf lacks %s", o->name);
        bool example = strcmp(o->name, "replicaof") == 0;
        if (!example && !option_is_equal(defaults, r.settings, o))
            fail_msg("conf/baton.conf shows another default of %s", o->name);
    }
    settings_free(defaults);
    config_reading_free(&r);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_become_lines),
        cmocka_unit_test(what_stands_behind_a_name_is_its_value),
        cmocka_unit_test(save_may_stand_alone),
        cmocka_unit_test(a_dash_asks_for_standard_input),
        cmocka_unit_test(the_first_bad_line_is_named),
        cmocka_unit_test(secrets_are_not_shown),
        cmocka_unit_test(the_last_line_wins),
        cmocka_unit_test(the_shipped_file_shows_every_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
