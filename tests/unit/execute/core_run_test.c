/* run(): what is checked, in which order, and what is counted. */
#include "core_harness.h"

#include "execute/core/slowlog.h"

static void flaws_have_their_texts(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    core_expect(s, "foo", "-ERR unknown command 'foo', with args beginning with: |");
    core_expect(s, "foo a b", "-ERR unknown command 'foo', with args beginning with: 'a' 'b' |");
    core_expect(s, "client bla", "-ERR unknown subcommand 'bla'. Try CLIENT HELP.|");
    core_expect(s, "client kill", "-ERR wrong number of arguments for 'client|kill' command|");
    core_expect(s, "client", "-ERR wrong number of arguments for 'client' command|");
    core_expect(s, "ping a b", "-ERR wrong number of arguments for 'ping' command|");
    assert_int_equal(stats_of(CMD_CLIENT_KILL)->rejected, 1);
    assert_int_equal(stats_of(CMD_CLIENT_KILL)->calls, 0);
    assert_int_equal(stats_of(CMD_PING)->failed, 1);
    assert_int_equal(stats_of(CMD_PING)->calls, 1);
    assert_int_equal(stats()->error_replies, 6);
    assert_int_equal(stats()->commands, 1);
}

static void words_of_unknown_commands_are_cut(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    char line[600], x[201], expected[700];
    memset(x, 'x', 200);
    x[200] = '\0';
    snprintf(line, sizeof(line), "%s %s b", x, x);
    snprintf(expected, sizeof(expected),
             "-ERR unknown command '%.128s', with args beginning with: '%.128s' |", x, x);
    core_expect(s, line, expected);
    snprintf(line, sizeof(line), "foo aaaa %s b", x);
    snprintf(expected, sizeof(expected),
             "-ERR unknown command 'foo', with args beginning with: 'aaaa' '%.121s' |", x);
    core_expect(s, line, expected);

    struct bytes args[] = {bytes_make("fo\0o", 4), bytes_make("a\r\nb", 4)};
    struct command cmd = core_command(args, 2);
    core.reply.len = 0;
    run(s, &cmd, &core.reply);
    assert_string_equal(core_show(),
                        "-ERR unknown command 'fo', with args beginning with: 'a  b' |");
}

static void a_protocol_error_ends_the_session(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    struct bytes text = bytes_of("Protocol error: invalid bulk length");
    struct command cmd = {.args = &text, .nargs = 1, .flaw = FLAW_PROTOCOL};
    core.reply.len = 0;
    assert_false(run(s, &cmd, &core.reply));
    assert_string_equal(core_show(), "-ERR Protocol error: invalid bulk length|");
    assert_true(s->closing && s->cut_after_reply);
    core_expect(s, "ping", "");
}

static void a_line_of_http_ends_the_session_in_silence(void **state)
{
    (void)state;
    struct session *a = core_session(0);
    struct session *b = core_session(1);
    core_expect(a, "POST / HTTP/1.1", "");
    core_expect(b, "host: x", "");
    assert_true(a->closing && b->closing);
    core_expect(b, "set a b", "");
    assert_int_equal(db_size(keyspace_db(0)), 0);
}

static void nothing_runs_before_authentication(void **state)
{
    (void)state;
    core_set("requirepass", "secret");
    struct session *s = core_session(0);
    assert_false(session_is_authenticated(s));
    core_expect(s, "get a", "-NOAUTH Authentication required.|");
    core_expect(s, "ping a b c", "-NOAUTH Authentication required.|");
    core_expect(s, "get", "-ERR wrong number of arguments for 'get' command|");
    core_expect(s, "foo", "-ERR unknown command 'foo', with args beginning with: |");
    assert_int_equal(strncmp(core_ask(s, "debug sleep 0"), "-ERR DEBUG command not", 22), 0);
    core_expect(s, "reset", "+RESET|");
    core_expect(s, "auth wrong", "-WRONGPASS invalid username-password pair or user is disabled.|");
    assert_int_equal(stats()->acl_denied_auth, 1);
    assert_int_equal(stats_of(CMD_GET)->rejected, 2);
    core_expect(s, "auth secret", "+OK|");
    core_expect(s, "get a", "$-1|");
    assert_true(conn_card(0)->authenticated);

    struct session *t = core_session(1);
    core_set("requirepass", "");
    core_expect(t, "get a", "$-1|");
    core_set("requirepass", "other");
    core_expect(t, "get a", "-NOAUTH Authentication required.|");
    core_expect(s, "get a", "$-1|");
}

static void debug_is_for_whom_the_option_says(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    const char *refusal =
        "-ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", "
        "you can run it from a local connection, otherwise you need to set this option in the "
        "configuration file, and then restart the server.|";
    core_expect(s, "debug sleep 0", refusal);
    core_set("enable-debug-command", "local");
    core_expect(s, "debug sleep 0", "+OK|");
    conn_card(0)->is_local = false;
    core_expect(s, "debug sleep 0", refusal);
    core_set("enable-debug-command", "yes");
    core_expect(s, "debug sleep 0", "+OK|");
    assert_int_equal(stats_of(CMD_DEBUG)->rejected, 2);
}

static void runs_are_counted(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    core_expect(s, "set k v", "+OK|");
    core_expect(s, "incr k", "-ERR value is not an integer or out of range|");
    core_expect(s, "get k", "$1|v|");
    assert_int_equal(stats()->commands, 3);
    assert_int_equal(s->command_count, 3);
    assert_int_equal(stats()->changes_since_save, 1);
    assert_int_equal(stats_of(CMD_INCR)->calls, 1);
    assert_int_equal(stats_of(CMD_INCR)->failed, 1);
    assert_non_null(stats_of(CMD_SET)->latency);
    assert_int_equal(stats_of(CMD_SET)->latency->count, 1);
    assert_true(stats_of(CMD_SET)->ns > 0);
    assert_ptr_equal(s->last, command_by_id(CMD_GET));

    stats_reset();
    assert_null(stats_of(CMD_SET)->latency);
    core_set("latency-tracking", "no");
    core_expect(s, "get k", "$1|v|");
    assert_null(stats_of(CMD_GET)->latency);
    assert_int_equal(stats_of(CMD_GET)->calls, 1);
    assert_int_equal(stats()->changes_since_save, 1);
}

static void replies_can_be_off_or_skipped(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    core_expect(s, "client reply skip", "");
    core_expect(s, "ping", "");
    core_expect(s, "ping", "+PONG|");
    core_expect(s, "client reply skip", "");
    core_expect(s, "nonsense", "");
    core_expect(s, "ping", "+PONG|");
    core_expect(s, "client reply skip", "");
    core_expect(s, "client reply on", "+OK|");
    core_expect(s, "ping", "+PONG|");
    core_expect(s, "client reply off", "");
    core_expect(s, "set k v", "");
    core_expect(s, "get", "");
    core_expect(s, "client reply skip", "");
    core_expect(s, "ping", "");
    core_expect(s, "client reply on", "+OK|");
    core_expect(s, "get k", "$1|v|");
    core_expect(s, "client reply off", "");
    core_expect(s, "reset", "+RESET|");
    core_expect(s, "client reply maybe", "-ERR syntax error|");
}

static void quit_is_the_last_command(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    core_expect(s, "quit", "+OK|");
    assert_true(s->closing && s->cut_after_reply);
    core_expect(s, "set k v", "");
    assert_int_equal(db_size(keyspace_db(0)), 0);
}

static void a_long_command_moves_the_time(void **state)
{
    (void)state;
    core_set("enable-debug-command", "yes");
    struct session *s = core_session(0);
    core_set_time(clock_wall_ms());
    int64_t before = run_now_ms();
    core_expect(s, "set k v px 30", "+OK|");
    core_expect(s, "debug sleep 0.05", "+OK|");
    assert_true(run_now_ms() >= before + 50);
    core.now_ms = run_now_ms();
    core_expect(s, "get k", "$-1|");
}

static void slow_commands_are_logged(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    core_expect(s, "ping", "+PONG|");
    assert_int_equal(slowlog_count(), 0);
    core_set("slowlog-log-slower-than", "0");
    core_expect(s, "client setname me", "+OK|");
    core_expect(s, "get k", "$-1|");
    core_expect(s, "get", "-ERR wrong number of arguments for 'get' command|");
    assert_int_equal(slowlog_count(), 2);
    const struct slowlog_entry *e = slowlog_first();
    assert_int_equal(e->nargs, 2);
    assert_true(bytes_equal(e->args[0], bytes_of("get")));
    assert_true(bytes_equal(e->client_name, bytes_of("me")));
    assert_true(bytes_equal(e->peer, bytes_of("127.0.0.1:1000")));
    core_set("slowlog-log-slower-than", "-1");
    core_expect(s, "ping", "+PONG|");
    assert_int_equal(slowlog_count(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        core_test(flaws_have_their_texts),
        core_test(words_of_unknown_commands_are_cut),
        core_test(a_protocol_error_ends_the_session),
        core_test(a_line_of_http_ends_the_session_in_silence),
        core_test(nothing_runs_before_authentication),
        core_test(debug_is_for_whom_the_option_says),
        core_test(runs_are_counted),
        core_test(replies_can_be_off_or_skipped),
        core_test(quit_is_the_last_command),
        core_test(a_long_command_moves_the_time),
        core_test(slow_commands_are_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
