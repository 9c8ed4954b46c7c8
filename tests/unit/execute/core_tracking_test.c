/* Client-side caching: who is told of which key, against a model; and that nothing is left over. */
#include "core_harness.h"

#include "execute/core/push.h"
#include "execute/core/tracking_prefix.h"
#include "execute/core/tracking_table.h"

enum { SESSIONS = 40, KEYS = 20, STEPS = 20000 };

/* Takes all messages and notes how many of `text` each session gets. */
static void take_told(const char *text, int told[SESSIONS])
{
    struct push *p;
    memset(told, 0, SESSIONS * sizeof(*told));
    while ((p = push_next()) != NULL) {
        assert_non_null(memmem(p->wire, p->len, text, strlen(text)));
        for (uint32_t i = 0; i < p->to_count; i++) told[p->to[i].slot]++;
        push_free(p);
    }
}

static struct session *tracking_session(uint32_t slot, const char *how)
{
    struct session *s = core_session(slot);
    core_ask(s, "HELLO 3");
    core_expect(s, how, "+OK|");
    return s;
}

static void who_has_read_a_key_is_told_once(void **state)
{
    (void)state;
    static bool has_read[SESSIONS][KEYS];
    struct session *sessions[SESSIONS];
    struct session *writer = core_session(SESSIONS);
    uint64_t random = 1;
    int told[SESSIONS];
    char line[64], key[16];
    memset(has_read, 0, sizeof(has_read));
    for (uint32_t i = 0; i < SESSIONS; i++) sessions[i] = tracking_session(i, "CLIENT TRACKING ON");

    for (int step = 0; step < STEPS; step++) {
        uint32_t i = (uint32_t)(check_random(&random) % SESSIONS);
        uint32_t k = (uint32_t)(check_random(&random) % KEYS);
        uint64_t dice = check_random(&random) % 100;
        snprintf(key, sizeof(key), "key-%u;", k);
        if (dice < 80) {
            snprintf(line, sizeof(line), "GET %s", key);
            core_ask(sessions[i], line);
            has_read[i][k] = true;
        } else if (dice < 95) {
            snprintf(line, sizeof(line), "SET %s v", key);
            core_ask(writer, line);
            take_told(key, told);
            for (uint32_t j = 0; j < SESSIONS; j++) {
                assert_int_equal(told[j], has_read[j][k]);
                has_read[j][k] = false;
            }
        } else {
            session_end(sessions[i]);
            sessions[i] = tracking_session(i, "CLIENT TRACKING ON");
            memset(has_read[i], 0, sizeof(has_read[i]));
        }
    }
    assert_true(tracking_table_count() <= KEYS);
    assert_true(tracking_table_items() <= 3 * SESSIONS * KEYS);
}

static void who_listens_to_a_prefix_is_told_of_each_key_once(void **state)
{
    (void)state;
    int told[SESSIONS];
    struct session *writer = core_session(SESSIONS);
    tracking_session(0, "CLIENT TRACKING ON BCAST");
    tracking_session(1, "CLIENT TRACKING ON BCAST PREFIX key PREFIX other");
    tracking_session(2, "CLIENT TRACKING ON BCAST PREFIX key1 PREFIX ke2");
    struct session *own = tracking_session(3, "CLIENT TRACKING ON BCAST NOLOOP");

    core_ask(writer, "MSET key1 a key1 b");
    assert_false(push_is_pending());
    assert_true(tracking_prefix_is_pending());
    tracking_prefix_tell();
    assert_false(tracking_prefix_is_pending());
    take_told("*1\r\n$4\r\nkey1\r\n", told);
    for (int i = 0; i < 4; i++) assert_int_equal(told[i], 1);

    core_ask(own, "SET key2 a");
    tracking_prefix_tell();
    take_told("*1\r\n$4\r\nkey2\r\n", told);
    assert_int_equal(told[0] + told[1], 2);
    assert_int_equal(told[2] + told[3], 0);
}

static void nothing_is_left_when_nobody_tracks(void **state)
{
    (void)state;
    struct session *s = core_session(0), *t = core_session(1);
    char line[64];
    core_set("slowlog-log-slower-than", "-1"); /* it would keep what was slow */
    size_t used = 0;
    for (int round = 0; round < 3; round++) {
        core_ask(s, "CLIENT TRACKING ON");
        core_ask(t, "CLIENT TRACKING ON BCAST PREFIX a PREFIX bb PREFIX key");
        for (int i = 0; i < 3000; i++) {
            snprintf(line, sizeof(line), "GET key%d", i);
            core_ask(s, line);
        }
        core_ask(s, "SET key1 v");
        core_ask(t, "CLIENT TRACKING OFF");
        assert_false(tracking_prefix_is_pending());
        assert_int_equal(tracking_prefix_count(), 0);
        core_ask(s, "CLIENT TRACKING OFF");
        assert_int_equal(tracking_table_count(), 0);
        int steps = 1;
        while (tracking_table_work(0)) steps++;
        assert_true(steps > 3);
        push_close();
        core_ask(s, "DEL key1");
        if (round == 1) used = heap_used();
    }
    assert_int_equal(heap_used(), used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        core_test(who_has_read_a_key_is_told_once),
        core_test(who_listens_to_a_prefix_is_told_of_each_key_once),
        core_test(nothing_is_left_when_nobody_tracks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
