/* MONITOR: who is shown what. */
#include "core_harness.h"

#include "execute/core/monitor.h"
#include "execute/core/push.h"

/* The messages that wait, without their times, each with how many get it: "2:[0 x] "GET" "a"|". */
static const char *shown(void)
{
    static char text[8192];
    size_t len = 0;
    struct push *p;
    text[0] = '\0';
    while ((p = push_next()) != NULL) {
        const char *from = memchr(p->wire, ' ', p->len);
        assert_non_null(from);
        assert_int_equal(p->wire[0], '+');
        assert_memory_equal(p->wire + p->len - 2, "\r\n", 2);
        int rest = (int)(p->wire + p->len - 2 - from - 1);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%u:%.*s|", p->to_count, rest,
                                from + 1);
        push_free(p);
    }
    return text;
}

/* The same, of one message, behind the "]" that ends where it came from. */
static const char *words_shown(void)
{
    const char *end = strchr(shown(), ']');
    assert_non_null(end);
    return end + 2;
}

static void nobody_is_shown_anything_at_first(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    assert_false(monitor_is_on());
    core_ask(s, "set a 1");
    assert_false(push_is_pending());
}

static void all_monitors_share_a_line(void **state)
{
    (void)state;
    struct session *a = core_session(0), *b = core_session(1), *c = core_session(2);
    assert_string_equal(core_ask(a, "monitor"), "+OK|");
    assert_string_equal(core_ask(b, "monitor"), "+OK|");
    assert_string_equal(shown(), "");
    core_ask(c, "get key");
    const char *text = shown();
    assert_memory_equal(text, "2:[0 ", 5);
    assert_non_null(strstr(text, "] \"get\" \"key\"|"));
    session_kill(a);
    core_ask(c, "select 5");
    assert_memory_equal(shown(), "1:[5 ", 5);
    assert_string_equal(core_ask(b, "reset"), "+RESET|");
    core_ask(c, "get key");
    assert_false(monitor_is_on());
}

static void a_monitor_has_the_limits_of_subscribers(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    assert_int_equal(session_output_class(s), CLIENT_NORMAL);
    core_ask(s, "monitor");
    assert_int_equal(session_output_class(s), CLIENT_PUBSUB);
    assert_int_equal(conn_card(s->conn.slot)->output_class, CLIENT_PUBSUB);
    core_ask(s, "reset");
    assert_int_equal(session_output_class(s), CLIENT_NORMAL);
    assert_int_equal(conn_card(s->conn.slot)->output_class, CLIENT_NORMAL);
    shown();
}

static void the_order_is_that_of_running(void **state)
{
    (void)state;
    struct session *m = core_session(0), *s = core_session(1);
    core_ask(m, "monitor");
    core_ask(s, "multi");
    core_ask(s, "set a 1");
    core_ask(s, "config get port");
    core_ask(s, "nosuch");
    assert_string_equal(words_shown(), "\"multi\"|");
    core_ask(s, "discard");
    core_ask(s, "multi");
    core_ask(s, "set a 1");
    core_ask(s, "config get port");
    core_ask(s, "incr a");
    core_ask(s, "exec");
    const char *text = shown();
    const char *at = text;
    static const char *const order[] = {"\"discard\"|", "\"multi\"|", "\"set\" \"a\" \"1\"|",
                                        "\"incr\" \"a\"|", "\"exec\"|"};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        at = strstr(at, order[i]);
        assert_non_null(at);
    }
    assert_null(strstr(text, "config"));
}

static void secrets_are_not_shown(void **state)
{
    (void)state;
    struct session *m = core_session(0), *s = core_session(1);
    core_ask(m, "monitor");
    core_ask(s, "auth canary");
    assert_string_equal(words_shown(), "\"auth\" \"(redacted)\"|");
    core_ask(s, "hello 3 auth user canary");
    assert_string_equal(words_shown(), "\"hello\" \"3\" \"auth\" \"(redacted)\" \"(redacted)\"|");
    core_ask(s, "acl setuser someone >canary");
    assert_string_equal(shown(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        core_test(nobody_is_shown_anything_at_first),
        core_test(all_monitors_share_a_line),
        core_test(a_monitor_has_the_limits_of_subscribers),
        core_test(the_order_is_that_of_running),
        core_test(secrets_are_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
