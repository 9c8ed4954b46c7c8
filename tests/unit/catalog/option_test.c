/* Options: each is found, holds its range, is printed as it was set, and settings are published
 * whole. */
#include "unit/check.h"

#include "codec/words.h"
#include "catalog/settings.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static char error[OPTION_ERROR_MAX];

static int set_from(struct settings *s, const char *name, const char *value,
                    enum option_source from)
{
    const struct option *o = option_find(bytes_of(name));
    struct bytes word = bytes_of(value);
    assert_non_null(o);
    return option_set_text(s, o, &word, 1, from, error);
}

static int set(struct settings *s, const char *name, const char *value)
{
    return set_from(s, name, value, OPTION_FROM_CLIENT);
}

static void assert_value(const struct settings *s, const char *name, const char *want)
{
    char *text = option_get_text(s, option_find(bytes_of(name)), NULL);
    assert_string_equal(text, want);
    free(text);
}

static void assert_takes(const char *name, const char *value, const char *shown)
{
    struct settings *s = settings_default();
    if (set(s, name, value) != 0) fail_msg("%s '%s': %s", name, value, error);
    assert_value(s, name, shown);
    settings_free(s);
}

static void assert_refuses(const char *name, const char *value, const char *why)
{
    struct settings *s = settings_default();
    assert_int_not_equal(set(s, name, value), 0);
    assert_string_equal(error, why);
    settings_free(s);
}

static void every_row_is_found_by_its_names(void **state)
{
    (void)state;
    assert_true(option_count() > 180);
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        assert_ptr_equal(option_find(bytes_of(o->name)), o);
        if (o->alias != NULL) assert_ptr_equal(option_find(bytes_of(o->alias)), o);
        assert_true(strlen(o->help) > 0);
        bool both = (o->flags & OPTION_PENDING) != 0 && (o->flags & OPTION_INERT) != 0;
        assert_false(both);
    }
    assert_non_null(option_find(bytes_of("MaxMemory")));
    assert_null(option_find(bytes_of("maxmemor")));
    assert_null(option_find(bytes_of("maxmemory2")));
    assert_null(option_find(bytes_make("maxmemory\0", 10)));
    assert_null(option_find(bytes_of("")));
}

/* What CONFIG GET answers, CONFIG SET takes and answers again; so does a line of a file. */
static void every_default_survives_a_round(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        struct settings *a = settings_default(), *b = settings_default();
        char *text = option_get_text(a, o, NULL);
        struct bytes word = bytes_of(text);
        bool none = strcmp(o->name, "replicaof") == 0 || strcmp(o->name, "appendfilename") == 0;
        if (!none && option_set_text(b, o, &word, 1, OPTION_FROM_CLIENT, error) != 0)
            fail_msg("%s '%s': %s", o->name, text, error);
        assert_true(option_is_equal(a, b, o));
        free(text);

        char *lines = option_get_lines(a, o);
        struct words w;
        if (lines[0] != 0) {
            assert_int_equal(words_split(bytes_of(lines), &w), 0);
            assert_ptr_equal(option_find(w.word[0]), o);
            words_free(&w);
        }
        free(lines);
        settings_free(a);
        settings_free(b);
    }
}

static void ranges_hold_at_their_ends(void **state)
{
    (void)state;
    char text[32], why[OPTION_ERROR_MAX];
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        if (o->kind != OPTION_INT || (o->flags & (OPTION_OCTAL | OPTION_PERCENT)) != 0) continue;
        if (strcmp(o->name, "hz") == 0) continue;
        snprintf(text, sizeof text, "%lld", (long long)o->max);
        assert_takes(o->name, text, text);
        snprintf(text, sizeof text, "%lld", (long long)o->min);
        assert_takes(o->name, text, text);
        snprintf(why, sizeof why, "argument must be between %lld and %lld inclusive",
                 (long long)o->min, (long long)o->max);
        if (o->max < INT64_MAX) {
            snprintf(text, sizeof text, "%lld", (long long)o->max + 1);
            assert_refuses(o->name, text, why);
        }
        bool memory = (o->flags & OPTION_MEMORY) != 0;
        snprintf(text, sizeof text, "%lld", (long long)o->min - 1);
        assert_refuses(o->name, text,
                       memory && o->min == 0 ? "argument must be a memory value" : why);
        assert_refuses(o->name, "99999999999999999999",
                       memory ? "argument must be a memory value"
                              : "argument couldn't be parsed into an integer");
    }
}

static void each_kind_refuses_what_it_is_not(void **state)
{
    (void)state;
    assert_refuses("appendonly", "maybe", "argument must be 'yes' or 'no'");
    assert_refuses("appendonly", "", "argument must be 'yes' or 'no'");
    assert_takes("appendonly", "YES", "yes");
    assert_refuses("timeout", "010", "argument couldn't be parsed into an integer");
    assert_refuses("timeout", " 5", "argument couldn't be parsed into an integer");
    assert_refuses("timeout", "", "argument couldn't be parsed into an integer");
    assert_refuses("maxmemory", "10xb", "argument must be a memory value");
    assert_refuses("maxmemory", "1.5gb", "argument must be a memory value");
    assert_refuses("maxmemory", "-1", "argument must be a memory value");
    assert_takes("maxmemory", "700mb", "734003200");
    assert_takes("maxmemory", "1K", "1000");
    assert_takes("maxmemory", "1kB", "1024");
    assert_refuses("unixsocketperm", "888", "argument couldn't be parsed as an octal number");
    assert_refuses("unixsocketperm", "-7", "argument couldn't be parsed as an octal number");
    assert_refuses("unixsocketperm", "1777", "argument must be between 0 and 777 inclusive");
    assert_takes("unixsocketperm", "700", "700");
    assert_takes("maxmemory-clients", "5%", "5%");
    assert_takes("maxmemory-clients", "5mb", "5242880");
    assert_refuses("maxmemory-clients", "200%", "percentage argument must be less or equal to 100");
    assert_refuses("maxmemory-clients", "-5%", "argument must be a memory or percent value");
    assert_refuses("maxmemory-clients", "%", "argument must be a memory or percent value");
    assert_refuses("loglevel", "loud",
                   "argument(s) must be one of the following: debug, verbose, notice, warning, "
                   "nothing");
    assert_takes("oom-score-adj", "relative", "yes");
    assert_takes("hz", "100000", "500");
    assert_takes("hz", "0", "1");
}

static void words_that_are_bits(void **state)
{
    (void)state;
    assert_takes("shutdown-on-sigint", "force nosave now", "nosave now force");
    assert_takes("shutdown-on-sigterm", "default nosave", "nosave");
    assert_takes("shutdown-on-sigterm", "default", "default");
    assert_refuses("shutdown-on-sigint", "save nosave",
                   "shutdown options SAVE and NOSAVE can't be used simultaneously");
    assert_refuses("shutdown-on-sigint", "",
                   "argument(s) must be one of the following: default, save, nosave, now, force");
}

static void strings_have_rules_of_their_own(void **state)
{
    (void)state;
    assert_refuses("dbfilename", "../x", "dbfilename can't be a path, just a filename");
    assert_refuses("dbfilename", "..", "dbfilename can't be a path, just a filename");
    assert_refuses("appenddirname", "a/b", "appenddirname can't be a path, just a dirname");
    assert_refuses("proc-title-template", "{bad}",
                   "template format is invalid or contains unknown variables");
    assert_refuses("proc-title-template", "{title",
                   "template format is invalid or contains unknown variables");
    assert_takes("proc-title-template", "{title} x{port}{unixsocket}",
                 "{title} x{port}{unixsocket}");
    assert_refuses("cluster-announce-hostname", "a_b",
                   "Hostnames may only contain alphanumeric characters, hyphens or dots");
    char name[257];
    memset(name, 'a', 256);
    name[256] = 0;
    assert_refuses("cluster-announce-hostname", name, "Hostnames must be less than 256 characters");
    name[255] = 0;
    assert_takes("cluster-announce-hostname", name, name);
    assert_refuses("locale-collate", "no_SUCH.locale", "Invalid locale name");

    struct settings *s = settings_default();
    struct bytes zero = bytes_make("a\0b", 3);
    assert_int_not_equal(
        option_set_text(s, option_find(bytes_of("pidfile")), &zero, 1, OPTION_FROM_CLIENT, error),
        0);
    settings_free(s);
}

static void output_limits_are_set_by_class(void **state)
{
    (void)state;
    static const char name[] = "client-output-buffer-limit";
    assert_takes(name, "replica 1mb 2kb 3",
                 "normal 0 0 0 slave 1048576 2048 3 pubsub 33554432 8388608 60");
    assert_takes(name, "pubsub 1 2 3 normal 4 5 6",
                 "normal 4 5 6 slave 268435456 67108864 60 pubsub 1 2 3");
    assert_takes(name, "", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60");
    assert_refuses(name, "x 1 1 1",
                   "Invalid client class specified in buffer limit configuration.");
    assert_refuses(name, "master 1 1 1",
                   "Invalid client class specified in buffer limit configuration.");
    assert_refuses(name, "normal -1 1 1",
                   "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    assert_refuses(name, "normal 1 1 1k",
                   "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    assert_refuses(name, "normal 1 1", "Wrong number of arguments in buffer limit configuration.");

    size_t len = 400000;
    char *flood = malloc(len + 1);
    assert_non_null(flood);
    for (size_t i = 0; i < len; i++) flood[i] = i % 2 != 0 ? ' ' : '1';
    flood[len] = 0;
    struct settings *s = settings_default();
    assert_int_not_equal(set(s, name, flood), 0);
    assert_int_not_equal(set(s, "save", flood), 0);
    assert_int_not_equal(set(s, "bind", flood), 0);
    assert_int_not_equal(set(s, "latency-tracking-info-percentiles", flood), 0);
    assert_int_not_equal(set(s, "oom-score-adj-values", flood), 0);
    settings_free(s);
    free(flood);
}

static void save_points_add_up_in_files_only(void **state)
{
    (void)state;
    struct settings *s = settings_default();
    assert_value(s, "save", "3600 1 300 100 60 10000");
    assert_int_equal(set_from(s, "save", "900 1", OPTION_FROM_FILE), 0);
    assert_int_equal(set_from(s, "save", "100 100", OPTION_FROM_FILE), 0);
    assert_value(s, "save", "900 1 100 100");
    assert_int_equal(set(s, "save", "5 6"), 0);
    assert_value(s, "save", "5 6");
    assert_int_equal(set_from(s, "save", "", OPTION_FROM_FILE), 0);
    assert_value(s, "save", "");
    settings_free(s);
    assert_takes("save", "", "");
    assert_refuses("save", "1", "Invalid save parameters");
    assert_refuses("save", "0 1", "Invalid save parameters");
    assert_refuses("save", "1 -1", "Invalid save parameters");
    assert_refuses("save", "a b", "Invalid save parameters");
    assert_refuses("save", "10  5", "Invalid save parameters");
}

static void other_specials(void **state)
{
    (void)state;
    assert_takes("notify-keyspace-events", "KEA", "AKE");
    assert_takes("notify-keyspace-events", "KEgxn", "gxnKE");
    assert_takes("notify-keyspace-events", "mEK$lshzxetdn", "$lshzxetdnKEm");
    assert_takes("notify-keyspace-events", "AnK", "AKn");
    assert_refuses("notify-keyspace-events", "q",
                   "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    assert_takes("latency-tracking-info-percentiles", "99.999999 0.000001 50.0 1e1",
                 "99.999999 0.000001 50 10");
    assert_refuses("latency-tracking-info-percentiles", "a",
                   "Invalid latency-tracking-info-percentiles parameters");
    assert_refuses("latency-tracking-info-percentiles", "101",
                   "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
    assert_refuses("oom-score-adj-values", "1 1", "wrong number of arguments");
    assert_refuses("oom-score-adj-values", "1 1 2001",
                   "Invalid oom-score-adj-values, elements must be between -2000 and 2000.");
    assert_takes("replicaof", "host 6380", "host 6380");
    assert_takes("slaveof", "no one", "");
    assert_refuses("replicaof", "host abc", "Invalid master port");
    assert_takes("bind", "127.0.0.1 ::1", "127.0.0.1 ::1");
    assert_takes("bind", "", "");
    assert_refuses("bind", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17",
                   "Too many bind addresses specified.");
}

static void assert_words(const char *line, int count, const char *const *want)
{
    struct words w;
    if (count < 0) {
        assert_int_not_equal(words_split(bytes_of(line), &w), 0);
        return;
    }
    assert_int_equal(words_split(bytes_of(line), &w), 0);
    assert_int_equal(w.count, count);
    for (int i = 0; i < count; i++) assert_true(bytes_equal(w.word[i], bytes_of(want[i])));
    words_free(&w);
}

static void words_follow_the_quoting_rules(void **state)
{
    (void)state;
    assert_words("", 0, NULL);
    assert_words("  a\tb  ", 2, (const char *const[]){"a", "b"});
    assert_words("a \"\" ''", 3, (const char *const[]){"a", "", ""});
    assert_words("a\"b c\" d", 2, (const char *const[]){"ab c", "d"});
    assert_words("\"\\n\\r\\t\\b\\a\\\\\\\"\\x41\\q\\x4\"", 1,
                 (const char *const[]){"\n\r\t\b\a\\\"Aqx4"});
    assert_words("'it\\'s' '\\n'", 2, (const char *const[]){"it's", "\\n"});
    assert_words("\"a", -1, NULL);
    assert_words("'a", -1, NULL);
    assert_words("\"a\"b", -1, NULL);
    assert_words("'a'b", -1, NULL);
    assert_words("\"a\\", -1, NULL);
}

/* Whatever the bytes, they come back from one line. */
static void quoting_is_undone_by_splitting(void **state)
{
    (void)state;
    uint64_t random = 0x5eed;
    for (int round = 0; round < 2000; round++) {
        char raw[40];
        size_t len = check_random(&random) % sizeof raw;
        for (size_t i = 0; i < len; i++) {
            uint64_t r = check_random(&random);
            raw[i] = (r & 1) != 0 ? "\n\r \"'\\#x"[(r >> 1) % 8] : (char)(r >> 8);
        }
        char *text = NULL;
        size_t text_len;
        FILE *out = open_memstream(&text, &text_len);
        assert_non_null(out);
        words_quote(bytes_make(raw, len), out);
        assert_int_equal(fclose(out), 0);
        assert_null(memchr(text, '\n', text_len));
        assert_null(memchr(text, 0, text_len));
        struct words w;
        assert_int_equal(words_split(bytes_make(text, text_len), &w), 0);
        assert_int_equal(w.count, 1);
        assert_true(bytes_equal(w.word[0], bytes_make(raw, len)));
        words_free(&w);
        free(text);
    }
}

static void a_copy_is_whole_and_its_own(void **state)
{
    (void)state;
    struct settings *a = settings_default();
    assert_int_equal(set(a, "bind", "10.0.0.1 -::1"), 0);
    assert_int_equal(set(a, "requirepass", "secret"), 0);
    assert_int_equal(set(a, "maxclients", "77"), 0);
    assert_int_equal(set(a, "replicaof", "h 1"), 0);
    struct settings *b = settings_copy(a);
    for (size_t i = 0; i < option_count(); i++) assert_true(option_is_equal(a, b, option_at(i)));
    assert_int_equal(set(b, "requirepass", "other"), 0);
    assert_int_equal(set(b, "bind", "::1"), 0);
    assert_string_equal(a->requirepass.ptr, "secret");
    assert_int_equal(a->bind.count, 2);
    assert_string_equal(a->bind.addr[0], "10.0.0.1");
    settings_free(a);
    assert_string_equal(b->requirepass.ptr, "other");
    assert_int_equal(b->maxclients, 77);
    settings_free(b);
}

/* Passwords may hold any byte, and a file gives them back. */
static void secrets_are_any_bytes(void **state)
{
    (void)state;
    static const char *const names[] = {"requirepass", "masterauth", "masteruser",
                                        "tls-key-file-pass", "tls-client-key-file-pass"};
    struct bytes raw = bytes_make("a\0\xff \n", 5), longer = bytes_make("a\0\xff \n\0", 6);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct option *o = option_find(bytes_of(names[i]));
        struct settings *a = settings_default(), *b = settings_default();
        assert_int_equal(option_set_text(a, o, &raw, 1, OPTION_FROM_CLIENT, error), 0);
        assert_int_equal(option_set_text(b, o, &longer, 1, OPTION_FROM_CLIENT, error), 0);
        assert_false(option_is_equal(a, b, o));
        size_t len;
        char *text = option_get_text(a, o, &len);
        assert_true(bytes_equal(bytes_make(text, len), raw));
        free(text);

        struct words w;
        char *lines = option_get_lines(a, o);
        assert_int_equal(words_split(bytes_of(lines), &w), 0);
        assert_int_equal(w.count, 2);
        assert_int_equal(option_set_text(b, o, &w.word[1], 1, OPTION_FROM_FILE, error), 0);
        assert_true(option_is_equal(a, b, o));
        words_free(&w);
        free(lines);
        struct settings *copy = settings_copy(a);
        assert_true(option_is_equal(a, copy, o));
        settings_free(copy);
        settings_free(a);
        settings_free(b);
    }
}

/* Readers that enter and leave while the publisher replaces: each sees an object whose two options
 * belong together. */
static atomic_bool stop_reading;

static void *read_settings(void *arg)
{
    unsigned id = (unsigned)(uintptr_t)arg;
    uintptr_t seen = 0;
    while (!atomic_load(&stop_reading)) {
        const struct settings *s = settings_enter(id);
        char text[32];
        snprintf(text, sizeof text, "%lld", (long long)s->maxclients);
        if (strcmp(s->requirepass.ptr, text) != 0) return NULL;
        seen++;
        settings_leave(id);
    }
    return (void *)(seen + 1);
}

static void published_settings_live_while_they_are_read(void **state)
{
    (void)state;
    pthread_t threads[3];
    char text[32];
    struct settings *s = settings_default();
    assert_int_equal(set(s, "requirepass", "10000"), 0);
    settings_publish(s);
    for (uintptr_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_settings, (void *)(i * 31)), 0);
    for (int i = 1; i <= 300; i++) {
        s = settings_copy(settings_now());
        snprintf(text, sizeof text, "%d", i);
        assert_int_equal(set(s, "maxclients", text), 0);
        assert_int_equal(set(s, "requirepass", text), 0);
        settings_publish(s);
    }
    atomic_store(&stop_reading, true);
    for (int i = 0; i < 3; i++) {
        void *seen;
        assert_int_equal(pthread_join(threads[i], &seen), 0);
        assert_non_null(seen);
    }
    assert_int_equal(settings_now()->maxclients, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_found_by_its_names),
        cmocka_unit_test(every_default_survives_a_round),
        cmocka_unit_test(ranges_hold_at_their_ends),
        cmocka_unit_test(each_kind_refuses_what_it_is_not),
        cmocka_unit_test(words_that_are_bits),
        cmocka_unit_test(strings_have_rules_of_their_own),
        cmocka_unit_test(output_limits_are_set_by_class),
        cmocka_unit_test(save_points_add_up_in_files_only),
        cmocka_unit_test(other_specials),
        cmocka_unit_test(words_follow_the_quoting_rules),
        cmocka_unit_test(quoting_is_undone_by_splitting),
        cmocka_unit_test(a_copy_is_whole_and_its_own),
        cmocka_unit_test(secrets_are_any_bytes),
        cmocka_unit_test(published_settings_live_while_they_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
