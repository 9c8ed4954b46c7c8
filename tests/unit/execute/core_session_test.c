/* The registry of sessions. */
#include "core_harness.h"

static void a_session_is_found_by_slot_and_generation(void **state)
{
    (void)state;
    struct session *a = core_session_with_id(3, 10);
    struct session *b = core_session_with_id(2000, 11);
    assert_ptr_equal(session_at((struct conn_ref){.slot = 3, .gen = 10}), a);
    assert_ptr_equal(session_at((struct conn_ref){.slot = 2000, .gen = 11}), b);
    assert_null(session_at((struct conn_ref){.slot = 3, .gen = 9}));
    assert_null(session_at((struct conn_ref){.slot = 4, .gen = 10}));
    assert_null(session_at((struct conn_ref){.slot = CORE_SLOTS + 5000, .gen = 10}));
    session_end(a);
    assert_null(session_at((struct conn_ref){.slot = 3, .gen = 10}));
    assert_null(session_by_id(10));
    struct session *again = core_session_with_id(3, 12);
    assert_ptr_equal(session_at((struct conn_ref){.slot = 3, .gen = 12}), again);
    assert_null(session_at((struct conn_ref){.slot = 3, .gen = 10}));
}

static void sessions_are_listed_in_the_order_of_id(void **state)
{
    (void)state;
    uint64_t random = 99;
    uint64_t ids[300];
    for (uint32_t i = 0; i < 300; i++) ids[i] = i + 1;
    for (uint32_t i = 299; i > 0; i--) {
        uint32_t j = (uint32_t)(check_random(&random) % (i + 1));
        uint64_t id = ids[i];
        ids[i] = ids[j];
        ids[j] = id;
    }
    for (uint32_t i = 0; i < 300; i++) core_session_with_id(i, ids[i]);
    for (uint32_t i = 0; i < 300; i += 3) session_end(session_by_id(i + 1));

    uint64_t last = 0;
    uint64_t count = 0;
    for (struct session *s = sessions_first(); s != NULL; s = s->next, count++) {
        assert_true(s->id > last);
        assert_int_not_equal((s->id - 1) % 3, 0);
        assert_ptr_equal(session_by_id(s->id), s);
        last = s->id;
    }
    assert_int_equal(count, 200);
    assert_int_equal(sessions_count(), 200);
    assert_null(session_by_id(1));
    assert_null(session_by_id(301));
}

static void who_is_killed_is_gone_for_people_at_once(void **state)
{
    (void)state;
    struct session *a = core_session(0);
    struct session *b = core_session(1);
    session_kill(a);
    assert_true(a->closing);
    assert_false(a->cut_after_reply);
    assert_ptr_equal(sessions_first(), b);
    assert_int_equal(sessions_count(), 1);
    assert_int_equal(sessions_count_all(), 2);
    assert_null(session_by_id(1));
    assert_ptr_equal(session_at(a->conn), a);
    core_expect(a, "ping", "");
    session_kill(a);
    session_finish(b);
    assert_true(b->cut_after_reply);
    session_end(a);
    session_end(b);
    assert_int_equal(sessions_count_all(), 0);
    assert_null(sessions_first());
}

static void a_session_begins_and_resets_as_new(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    assert_int_equal(s->resp, 2);
    assert_false(s->care & CARE_UNAUTHENTICATED);
    assert_true(conn_card(0)->authenticated);
    core_expect(s, "select 5", "+OK|");
    core_expect(s, "client setname me", "+OK|");
    core_expect(s, "client setinfo lib-name lib", "+OK|");
    core_expect(s, "client no-evict on", "+OK|");
    core_expect(s, "client no-touch on", "+OK|");
    core_ask(s, "hello 3");
    assert_int_equal(s->resp, 3);
    core_set("requirepass", "secret");
    core_expect(s, "get a", "_|");

    core_expect(s, "reset", "+RESET|");
    assert_int_equal(db_number(s->db), 0);
    assert_int_equal(s->resp, 2);
    assert_null(s->name);
    assert_string_equal(s->lib_name, "lib");
    assert_false(s->no_evict || s->no_touch);
    assert_true(s->care & CARE_UNAUTHENTICATED);
    assert_false(conn_card(0)->authenticated);
    core_expect(s, "get a", "-NOAUTH Authentication required.|");
}

static void a_line_of_client_list_shows_the_state(void **state)
{
    (void)state;
    struct session *s = core_session(7);
    struct conn_card *card = conn_card(7);
    session_set_name(s, bytes_of("me"));
    session_set_text(&s->lib_ver, bytes_of("1.2"));
    s->no_evict = true;
    s->last = command_by_id(CMD_CLIENT_LIST);
    s->last_wire_len = 26;
    s->last_args_len = 10;
    card->in_room = 100;
    card->out_pending = 500;
    card->out_blocks = 2;
    core.reply.len = 0;
    session_describe(s, &core.reply);
    const char *line = core_show();
    char expected[512];
    snprintf(
        expected, sizeof(expected),
        "id=1 addr=127.0.0.1:1007 laddr=127.0.0.1:1007 fd=-1 name=me age=0 idle=0 flags=e db=0 "
        "sub=0 psub=0 ssub=0 multi=-1 qbuf=26 qbuf-free=100 argv-mem=10 multi-mem=0 rbs=0 "
        "rbp=0 obl=0 oll=2 omem=500 tot-mem=%zu events=rw cmd=client|list user=default "
        "redir=-1 resp=2 lib-name= lib-ver=1.2",
        session_memory(s) + 26 + 100 + 10 + 500);
    assert_string_equal(line, expected);
    assert_true(session_memory(s) > sizeof(*s) + strlen("me") + strlen("1.2"));
    card->in_room = 0;
    card->out_pending = 0;
    card->out_blocks = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        core_test(a_session_is_found_by_slot_and_generation),
        core_test(sessions_are_listed_in_the_order_of_id),
        core_test(who_is_killed_is_gone_for_people_at_once),
        core_test(a_session_begins_and_resets_as_new),
        core_test(a_line_of_client_list_shows_the_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
