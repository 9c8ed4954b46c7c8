/* The registry of subscriptions, and how messages become pushes. */
#include "core_harness.h"

#include "execute/core/pubsub.h"
#include "execute/core/push.h"

static struct key name(const char *text) { return key_make(bytes_of(text)); }

static void subscribe(struct session *s, const char *channel)
{
    assert_true(pubsub_subscribe(s, PUBSUB_CHANNEL, name(channel)));
}

static uint64_t publish(const char *channel, const char *text)
{
    return pubsub_publish(PUBSUB_CHANNEL, name(channel), bytes_of(text));
}

/* The next push: its bytes, CR LF as '|', and the slots of its receivers. */
static const char *next_push(void)
{
    static char shown[65536];
    struct push *p = push_next();
    if (p == NULL) return "none";
    size_t len = 0;
    for (size_t i = 0; i < p->len; i++)
        if (p->wire[i] != '\r') shown[len++] = p->wire[i] == '\n' ? '|' : p->wire[i];
    for (uint32_t i = 0; i < p->to_count; i++)
        len += (size_t)snprintf(shown + len, sizeof(shown) - len, " %u", p->to[i].slot);
    shown[len] = '\0';
    push_free(p);
    return shown;
}

static void a_message_is_built_once_for_each_protocol_version(void **state)
{
    (void)state;
    struct session *a = core_session(0), *b = core_session(1), *c = core_session(2);
    b->resp = 3;
    subscribe(a, "ch");
    subscribe(b, "ch");
    subscribe(c, "ch");
    assert_int_equal(publish("ch", "hi"), 3);
    assert_string_equal(next_push(), "*3|$7|message|$2|ch|$2|hi| 0 2");
    assert_string_equal(next_push(), ">3|$7|message|$2|ch|$2|hi| 1");
    assert_string_equal(next_push(), "none");
}

static void messages_to_the_same_receivers_become_one_push(void **state)
{
    (void)state;
    struct session *a = core_session(0), *b = core_session(1);
    b->resp = 3;
    subscribe(a, "ch");
    subscribe(b, "ch");
    for (int i = 0; i < 3; i++) publish("ch", "m");
    publish("nobody", "m");
    publish("ch", "n");
#define M "3|$7|message|$2|ch|$1|m|"
#define N "3|$7|message|$2|ch|$1|n|"
    assert_string_equal(next_push(), "*" M "*" M "*" M "*" N " 0");
    publish("ch", "m"); /* what was taken may be on its way */
    assert_string_equal(next_push(), ">" M ">" M ">" M ">" N " 1");
    assert_string_equal(next_push(), "*" M " 0");
    assert_string_equal(next_push(), ">" M " 1");
    assert_string_equal(next_push(), "none");
}

static void what_is_sent_to_others_comes_between(void **state)
{
    (void)state;
    struct session *a = core_session(0);
    subscribe(a, "a");
    subscribe(a, "b");
    publish("a", "1");
    publish("b", "2");
    publish("a", "3");
    struct push *p = push_make(bytes_of("other"));
    push_add(p, a);
    push_send(p);
    publish("a", "4");
    assert_string_equal(next_push(), "*3|$7|message|$1|a|$1|1| 0");
    assert_string_equal(next_push(), "*3|$7|message|$1|b|$1|2| 0");
    assert_string_equal(next_push(), "*3|$7|message|$1|a|$1|3| 0");
    assert_string_equal(next_push(), "other 0");
    assert_string_equal(next_push(), "*3|$7|message|$1|a|$1|4| 0");
}

static void whoever_comes_goes_or_changes_ends_a_run(void **state)
{
    (void)state;
    struct session *a = core_session(0), *b = core_session(1);
    subscribe(a, "ch");
    publish("ch", "1");
    subscribe(b, "ch");
    publish("ch", "2");
    assert_true(pubsub_unsubscribe(a, PUBSUB_CHANNEL, name("ch")));
    publish("ch", "3");
    b->resp = 3;
    pubsub_version_changed(b);
    publish("ch", "4");
    session_end(b);
    assert_int_equal(publish("ch", "5"), 0);
    assert_string_equal(next_push(), "*3|$7|message|$2|ch|$1|1| 0");
    assert_string_equal(next_push(), "*3|$7|message|$2|ch|$1|2| 0 1");
    assert_string_equal(next_push(), "*3|$7|message|$2|ch|$1|3| 1");
    assert_string_equal(next_push(), ">3|$7|message|$2|ch|$1|4| 1");
    assert_string_equal(next_push(), "none");
}

static void a_run_has_an_end(void **state)
{
    (void)state;
    static char text[30000];
    struct session *a = core_session(0);
    subscribe(a, "ch");
    for (int i = 0; i < 6; i++)
        pubsub_publish(PUBSUB_CHANNEL, name("ch"), bytes_make(text, sizeof(text)));
    for (int i = 0; i < 2; i++) {
        struct push *p = push_next();
        assert_in_range(p->len, 90000, 91000);
        push_free(p);
    }
    assert_false(push_is_pending());
}

static void they_are_due_when_they_are_long_or_have_many_receivers(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2000; i++) subscribe(core_session(i), i % 2 == 0 ? "a" : "b");
    assert_false(push_is_due());
    int count = 0;
    while (!push_is_due() && count < 1000) publish(count++ % 2 == 0 ? "a" : "b", "m");
    assert_in_range(count, 10, 100);
    push_close();
    assert_false(push_is_due());
}

static void count_names(void *ctx, struct bytes channel)
{
    (void)channel;
    ++*(int *)ctx;
}

static void subscriptions_are_counted_by_kind(void **state)
{
    (void)state;
    struct session *a = core_session(0), *b = core_session(1);
    int names = 0;
    assert_false(pubsub_is_heard());
    subscribe(a, "x");
    assert_false(pubsub_subscribe(a, PUBSUB_CHANNEL, name("x")));
    assert_true(pubsub_subscribe(a, PUBSUB_PATTERN, name("x")));
    assert_true(pubsub_subscribe(b, PUBSUB_SHARD, name("x")));
    assert_true(pubsub_is_heard());
    assert_int_equal(pubsub_count(a, PUBSUB_CHANNEL) + pubsub_count(a, PUBSUB_PATTERN), 2);
    assert_int_equal(pubsub_count(b, PUBSUB_SHARD), 1);
    assert_int_equal(pubsub_subscriber_count(PUBSUB_SHARD, name("x")), 1);
    pubsub_each(PUBSUB_PATTERN, count_names, &names);
    pubsub_each_of(a, PUBSUB_CHANNEL, count_names, &names);
    assert_int_equal(names, 2);
    assert_int_equal(conn_card(0)->output_class, CLIENT_PUBSUB);
    assert_true(a->care & CARE_SUBSCRIBED);
    assert_false(pubsub_unsubscribe(b, PUBSUB_CHANNEL, name("x")));
    pubsub_forget_all(a);
    assert_false(pubsub_is_subscriber(a));
    assert_int_equal(conn_card(0)->output_class, CLIENT_NORMAL);
    assert_false(a->care & CARE_SUBSCRIBED);
    assert_int_equal(pubsub_name_count(PUBSUB_CHANNEL) + pubsub_name_count(PUBSUB_PATTERN), 0);
    assert_int_equal(pubsub_memory(a), 0);
}

/* Random steps against a table. */
static void the_registry_is_what_a_table_says(void **state)
{
    (void)state;
    enum { SESSIONS = 30, NAMES = 40 };
    static bool table[SESSIONS][NAMES];
    struct session *sessions[SESSIONS];
    uint64_t seed = 5;
    memset(table, 0, sizeof(table));
    for (uint32_t i = 0; i < SESSIONS; i++) sessions[i] = core_session(i);
    for (int step = 0; step < 20000; step++) {
        char text[16];
        uint32_t i = (uint32_t)(check_random(&seed) % SESSIONS);
        uint32_t n = (uint32_t)(check_random(&seed) % NAMES);
        snprintf(text, sizeof(text), "name:%u", n);
        uint64_t dice = check_random(&seed) % 100;
        if (dice < 50) {
            assert_int_equal(pubsub_subscribe(sessions[i], PUBSUB_CHANNEL, name(text)),
                             !table[i][n]);
            table[i][n] = true;
        } else if (dice < 98) {
            assert_int_equal(pubsub_unsubscribe(sessions[i], PUBSUB_CHANNEL, name(text)),
                             table[i][n]);
            table[i][n] = false;
        } else {
            session_end(sessions[i]);
            sessions[i] = core_session(i);
            memset(table[i], 0, sizeof(table[i]));
        }
        uint64_t subscribers = 0, mine = 0;
        for (int k = 0; k < SESSIONS; k++) subscribers += table[k][n];
        for (int k = 0; k < NAMES; k++) mine += table[i][k];
        assert_int_equal(pubsub_subscriber_count(PUBSUB_CHANNEL, name(text)), subscribers);
        assert_int_equal(pubsub_count(sessions[i], PUBSUB_CHANNEL), mine);
    }
}

static void subscribers_in_resp2_are_kept_to_few_commands(void **state)
{
    (void)state;
    struct session *a = core_session(0);
    core_expect(a, "SUBSCRIBE a", "*3|$9|subscribe|$1|a|:1|");
    core_expect(a, "PING", "*2|$4|pong|$0||");
    core_expect(a, "GET k",
                "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "
                "RESET are allowed in this context|");
    core_expect(a, "UNSUBSCRIBE", "*3|$11|unsubscribe|$1|a|:0|");
    core_expect(a, "GET k", "$-1|");
}

static void what_the_keyspace_tells_is_published(void **state)
{
    (void)state;
    struct session *a = core_session(0), *b = core_session(1);
    core_set("notify-keyspace-events", "KEA");
    core_expect(b, "SET k v", "+OK|");
    assert_string_equal(next_push(), "none");
    assert_true(pubsub_subscribe(a, PUBSUB_PATTERN, name("__key*")));
    core_expect(b, "SET k v", "+OK|");
    assert_string_equal(next_push(), "*4|$8|pmessage|$6|__key*|$16|__keyspace@0__:k|$3|set|"
                                     "*4|$8|pmessage|$6|__key*|$18|__keyevent@0__:set|$1|k| 0");
    core_set("notify-keyspace-events", "Kl");
    core_expect(b, "SET k v", "+OK|");
    assert_string_equal(next_push(), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        core_test(a_message_is_built_once_for_each_protocol_version),
        core_test(messages_to_the_same_receivers_become_one_push),
        core_test(what_is_sent_to_others_comes_between),
        core_test(whoever_comes_goes_or_changes_ends_a_run),
        core_test(a_run_has_an_end),
        core_test(they_are_due_when_they_are_long_or_have_many_receivers),
        core_test(subscriptions_are_counted_by_kind),
        core_test(the_registry_is_what_a_table_says),
        core_test(subscribers_in_resp2_are_kept_to_few_commands),
        core_test(what_the_keyspace_tells_is_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
