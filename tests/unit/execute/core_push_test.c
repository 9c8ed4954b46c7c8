/* Messages to other sessions: in order, once for each who gets it, nothing without receivers. And
 * the map of names that registries share. */
#include "core_harness.h"

#include "execute/core/name_map.h"
#include "execute/core/push.h"

static struct push *message(const char *text) { return push_make(bytes_of(text)); }

static void messages_wait_in_the_order_in_which_they_were_sent(void **state)
{
    (void)state;
    struct session *a = core_session(0), *b = core_session(1);
    assert_false(push_is_pending());
    const char *texts[] = {"one", "two", "three"};
    for (int i = 0; i < 3; i++) {
        struct push *p = message(texts[i]);
        push_add(p, a);
        if (i == 1) push_add(p, b);
        push_send(p);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(push_is_pending());
        struct push *p = push_next();
        assert_int_equal(p->len, strlen(texts[i]));
        assert_memory_equal(p->wire, texts[i], p->len);
        assert_int_equal(p->to_count, i == 1 ? 2 : 1);
        assert_int_equal(p->to[0].slot, 0);
        push_free(p);
    }
    assert_false(push_is_pending());
    assert_null(push_next());
}

static void a_message_to_nobody_is_dropped(void **state)
{
    (void)state;
    push_send(message("lost"));
    assert_false(push_is_pending());
}

static void a_message_has_many_receivers(void **state)
{
    (void)state;
    struct push *p = message("all");
    for (uint32_t i = 0; i < 1000; i++) push_add(p, core_session(i));
    push_send(p);
    p = push_next();
    assert_int_equal(p->to_count, 1000);
    for (uint32_t i = 0; i < 1000; i++) assert_int_equal(p->to[i].slot, i);
    push_free(p);
}

static void messages_that_nobody_took_are_freed_at_the_end(void **state)
{
    struct session *a = core_session(0);
    struct push *p = message("late");
    push_add(p, a);
    push_send(p);
    core_close(state);
    assert_false(push_is_pending());
    core_open(state);
}

static void count_visit(void *ctx, struct bytes name, void *value)
{
    int number = *(int *)value;
    assert_int_equal(name.len, number < 10 ? 2 : number < 100 ? 3 : 4);
    ++*(int *)ctx;
}

static void a_map_finds_what_was_added_until_it_is_removed(void **state)
{
    (void)state;
    struct name_map m = {0};
    static int values[1000];
    for (int i = 0; i < 1000; i++) {
        char text[16];
        values[i] = i;
        snprintf(text, sizeof(text), "k%d", i);
        struct bytes kept = name_map_add(&m, key_make(bytes_of(text)), &values[i]);
        assert_true(bytes_equal(kept, bytes_of(text)));
    }
    assert_int_equal(name_map_count(&m), 1000);
    assert_ptr_equal(name_map_find(&m, key_make(bytes_of("k7"))), &values[7]);
    assert_null(name_map_find(&m, key_make(bytes_of("k1000"))));
    int seen = 0;
    name_map_each(&m, count_visit, &seen);
    assert_int_equal(seen, 1000);
    assert_true(name_map_bytes(&m) > 1000 * sizeof(void *));
    name_map_remove(&m, key_make(bytes_of("k7")));
    assert_null(name_map_find(&m, key_make(bytes_of("k7"))));
    assert_int_equal(name_map_count(&m), 999);
    name_map_close(&m);
    assert_int_equal(name_map_count(&m), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        core_test(messages_wait_in_the_order_in_which_they_were_sent),
        core_test(a_message_to_nobody_is_dropped),
        core_test(a_message_has_many_receivers),
        core_test(messages_that_nobody_took_are_freed_at_the_end),
        core_test(a_map_finds_what_was_added_until_it_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
