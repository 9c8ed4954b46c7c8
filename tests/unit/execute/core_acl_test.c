/* Users without sockets: what rules allow, against a plain reading of them; and rules in print. */
#include "unit/execute/core_harness.h"

#include "base/random.h"
#include "codec/glob.h"
#include "execute/core/acl.h"
#include "execute/core/acl_user.h"
#include "execute/core/redact.h"

static struct user *make(const char *rules)
{
    struct user *u = acl_user_make(bytes_of("u"));
    struct bytes words[CORE_WORDS];
    struct acl_rules joined;
    uint32_t unmatched;
    uint32_t count = rules[0] == '\0' ? 0 : core_split(rules, words);
    assert_true(acl_rules_join(words, count, &joined, &unmatched));
    for (uint32_t i = 0; i < joined.count; i++)
        assert_int_equal(acl_user_apply(u, joined.at[i]), ACL_FINE);
    acl_rules_free(&joined);
    acl_user_settle(u);
    return u;
}

static enum acl_denied check(const struct user *u, const char *line)
{
    struct bytes args[CORE_WORDS];
    struct command cmd;
    run_prepare(&cmd, args, core_split(line, args));
    assert_int_equal(cmd.flaw, FLAW_NONE);
    return acl_check(u, cmd.spec, cmd.args, cmd.nargs).denied;
}

/* ---- Keys against a model ---- */

enum { MODEL_RULES = 4 };

struct model {
    char pattern[MODEL_RULES][16];
    unsigned may[MODEL_RULES];
};

static void random_text(struct random *r, const char *letters, size_t max, char *out)
{
    size_t len = random_below(r, max + 1);
    for (size_t i = 0; i < len; i++) out[i] = letters[random_below(r, strlen(letters))];
    out[len] = '\0';
}

static bool model_allows(const struct model *m, const char *key, unsigned may)
{
    for (unsigned i = 0; i < MODEL_RULES; i++)
        if ((m->may[i] & may) == may && glob_match(bytes_of(m->pattern[i]), bytes_of(key), false))
            return true;
    return false;
}

static void keys_are_allowed_as_the_patterns_say(void **state)
{
    (void)state;
    static const struct {
        const char *name, *tail;
        unsigned may;
    } commands[] = {
        {"get", "", ACL_READ}, {"append", " v", ACL_WRITE}, {"getset", " v", ACL_READ_WRITE},
        {"strlen", "", 0},     {"mget", "", ACL_READ},      {"del", "", ACL_WRITE}};
    struct random r;
    random_seed(&r, 11);
    for (int round = 0; round < 2000; round++) {
        struct model m;
        struct user *u = make("on +@all");
        for (unsigned i = 0; i < MODEL_RULES; i++) {
            char rule[32];
            random_text(&r, i % 2 == 0 ? "ab:" : "ab*?", 12, m.pattern[i]);
            if (random_below(&r, 2) == 0) strcat(m.pattern[i], "*");
            m.may[i] = 1 + (unsigned)random_below(&r, 3);
            snprintf(rule, sizeof rule, "%%%s%s~%s", m.may[i] & ACL_READ ? "R" : "",
                     m.may[i] & ACL_WRITE ? "W" : "", m.pattern[i]);
            enum acl_error e = acl_user_apply(u, bytes_of(rule));
            if (e == ACL_KEY_AFTER_ALL) m.may[i] = 0;
            /* The same pattern again adds to what it may. */
            for (unsigned j = 0; j < i; j++)
                if (strcmp(m.pattern[i], m.pattern[j]) == 0) m.may[i] |= m.may[j];
        }
        for (int k = 0; k < 20; k++) {
            char key[16], line[64];
            unsigned c = (unsigned)random_below(&r, sizeof commands / sizeof commands[0]);
            random_text(&r, "ab:", 12, key);
            snprintf(line, sizeof line, "%s x%s%s", commands[c].name, key, commands[c].tail);
            struct bytes args[CORE_WORDS];
            struct command cmd;
            uint32_t nargs = core_split(line, args);
            args[1] = bytes_make(args[1].ptr + 1, args[1].len - 1); /* may be empty */
            run_prepare(&cmd, args, nargs);
            bool wanted = model_allows(&m, key, commands[c].may) || u->selectors[0]->all_keys;
            bool got = acl_check(u, cmd.spec, args, nargs).denied == ACL_ALLOWED;
            if (wanted != got) fail_msg("%s: %d", line, got);
        }
        acl_user_free(u);
    }
}

/* ---- Rules ---- */

static void rules_about_commands_do_what_they_say_in_any_order(void **state)
{
    (void)state;
    static const char *const rules[] = {
        "+@all",   "-@all",       "+@read",      "-@read",    "+get",    "-get",     "+config",
        "-config", "+config|get", "-config|set", "+select|0", "-select", "+@string", "-@dangerous"};
    struct random r;
    random_seed(&r, 5);
    for (int round = 0; round < 3000; round++) {
        struct user *u = acl_user_make(bytes_of("u"));
        for (unsigned i = random_below(&r, 8) & 7; i > 0; i--)
            acl_user_apply(u, bytes_of(rules[random_below(&r, sizeof rules / sizeof rules[0])]));
        /* What is printed makes the same selector. */
        struct reply text = {0}, again = {0};
        acl_selector_print(u->selectors[0], &text);
        reply_raw(&text, "", 1);
        struct user *same = make(text.buf);
        assert_memory_equal(u->selectors[0]->allowed, same->selectors[0]->allowed,
                            sizeof u->selectors[0]->allowed);
        assert_int_equal(u->selectors[0]->all_commands, same->selectors[0]->all_commands);
        assert_int_equal(u->selectors[0]->first_arg_count, same->selectors[0]->first_arg_count);
        acl_selector_print(same->selectors[0], &again);
        assert_int_equal(again.len + 1, text.len);
        assert_memory_equal(again.buf, text.buf, again.len);
        reply_release(&text);
        reply_release(&again);
        acl_user_free(u);
        acl_user_free(same);
    }
}

static void first_arguments_and_subcommands(void **state)
{
    (void)state;
    struct user *u = make("+select|0 +config|get +client -client|kill ~*");
    assert_int_equal(check(u, "select 0"), ACL_ALLOWED);
    assert_int_equal(check(u, "select 1"), ACL_DENIED_COMMAND);
    assert_int_equal(check(u, "config get x"), ACL_ALLOWED);
    assert_int_equal(check(u, "config set x y"), ACL_DENIED_COMMAND);
    assert_int_equal(check(u, "client id"), ACL_ALLOWED);
    assert_int_equal(check(u, "client kill x"), ACL_DENIED_COMMAND);
    assert_int_equal(check(u, "auth x"), ACL_ALLOWED);
    acl_user_revoke(u);
    assert_int_equal(check(u, "select 0"), ACL_DENIED_COMMAND);
    assert_int_equal(check(u, "auth x"), ACL_DENIED_COMMAND);
    acl_user_free(u);
}

static void channels(void **state)
{
    (void)state;
    struct user *u = make("+@all ~* &news:* &one (&two +ping)");
    assert_int_equal(check(u, "publish news:1 x"), ACL_ALLOWED);
    assert_int_equal(check(u, "publish one news"), ACL_ALLOWED);
    assert_int_equal(check(u, "publish two x"), ACL_DENIED_CHANNEL);
    assert_int_equal(check(u, "subscribe one news:x two"), ACL_DENIED_CHANNEL);
    assert_int_equal(check(u, "psubscribe news:*"), ACL_ALLOWED);
    assert_int_equal(check(u, "psubscribe news:1"), ACL_DENIED_CHANNEL);
    assert_int_equal(check(u, "unsubscribe two"), ACL_ALLOWED);
    assert_true(acl_allows_channel(u, bytes_of("two"), false));
    assert_false(acl_allows_channel(u, bytes_of("three"), false));
    acl_user_free(u);
}

static void passwords(void **state)
{
    (void)state;
    struct user *u = make("on >one >two");
    assert_true(acl_user_accepts(u, bytes_of("one")));
    assert_true(acl_user_accepts(u, bytes_of("two")));
    assert_false(acl_user_accepts(u, bytes_of("")));
    assert_false(acl_user_accepts(u, bytes_of("one ")));
    assert_false(acl_user_accepts(NULL, bytes_of("one")));
    acl_user_apply(u, bytes_of("<one"));
    assert_false(acl_user_accepts(u, bytes_of("one")));
    acl_user_apply(u, bytes_of("off"));
    assert_false(acl_user_accepts(u, bytes_of("two")));
    acl_user_apply(u, bytes_of("nopass"));
    assert_false(acl_user_accepts(u, bytes_of("two")));
    acl_user_apply(u, bytes_of("on"));
    assert_true(acl_user_accepts(u, bytes_of("three")));
    acl_user_apply(u, bytes_of("resetpass"));
    assert_false(acl_user_accepts(u, bytes_of("three")));
    acl_user_free(u);
}

/* ---- Sessions ---- */

static void a_deleted_user_lives_as_long_as_its_sessions(void **state)
{
    (void)state;
    struct session *admin = core_session(0);
    struct session *s = core_session(1);
    core_expect(admin, "acl setuser bob on nopass +@all ~* &*", "+OK|");
    core_expect(s, "auth bob x", "+OK|");
    assert_int_equal(s->care, 0);
    core_expect(admin, "acl setuser bob -get", "+OK|");
    assert_int_equal(s->care, CARE_RULES);
    core_expect(s, "get k", "-NOPERM User bob has no permissions to run the 'get' command|");
    core_expect(admin, "acl deluser bob", ":1|");
    assert_true(s->closing);
    assert_string_equal(acl_name(s->user), "bob");
    assert_null(acl_find(bytes_of("bob")));
    core_expect(admin, "acl setuser bob", "+OK|");
    assert_true(s->user != acl_find(bytes_of("bob")));
    session_end(s);
}

static void secrets_are_marked(void **state)
{
    (void)state;
    static const struct {
        const char *line, *hidden; /* a digit for each hidden argument */
    } rows[] = {
        {"get k", ""},
        {"auth p", "1"},
        {"auth u p", "12"},
        {"hello 3 auth u p setname x", "34"},
        {"hello 3 setname auth", ""},
        {"config set maxmemory 1 requirepass p", "5"},
        {"config get requirepass", ""},
        {"acl setuser u on", "23"},
        {"acl getuser u", "2"},
        {"acl whoami", ""},
        {"acl dryrun u get k", ""},
        {"acl dryrun u auth p", "4"},
        {"acl dryrun u acl dryrun u auth p", "4567"},
        {"command getkeys hello 3 auth u p", "56"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes args[CORE_WORDS];
        struct command cmd;
        char hidden[16];
        size_t n = 0;
        run_prepare(&cmd, args, core_split(rows[i].line, args));
        assert_non_null(cmd.spec);
        for (uint32_t a = 0; a < cmd.nargs; a++)
            if (redact_hides(cmd.spec, args, cmd.nargs, a)) hidden[n++] = (char)('0' + a);
        hidden[n] = '\0';
        assert_string_equal(hidden, rows[i].hidden);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_are_allowed_as_the_patterns_say, core_open,
                                        core_close),
        cmocka_unit_test_setup_teardown(rules_about_commands_do_what_they_say_in_any_order,
                                        core_open, core_close),
        cmocka_unit_test_setup_teardown(first_arguments_and_subcommands, core_open, core_close),
        cmocka_unit_test_setup_teardown(channels, core_open, core_close),
        cmocka_unit_test_setup_teardown(passwords, core_open, core_close),
        cmocka_unit_test_setup_teardown(a_deleted_user_lives_as_long_as_its_sessions, core_open,
                                        core_close),
        cmocka_unit_test_setup_teardown(secrets_are_marked, core_open, core_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
