/*
 * The log's life, with the test as persist: what is ordered when, what follows from each answer,
 * and who waits for the disk. A rewrite's snapshot is a real one, of few keys.
 */
#include "core_harness.h"

#include "execute/core/blocking.h"
#include "execute/core/effect.h"
#include "execute/core/log_life.h"
#include "execute/core/orders.h"
#include "execute/core/snapshot.h"

#include <errno.h>
#include <unistd.h>

enum { FAKE_ROOM = 1024, FAKE_KINDS = 512, FAKE_SECOND = 1000000000 };

/* What persist would be. */
static struct {
    struct handoff log_orders, log_home, file_orders, file_home;
    struct log_card card;
    int fails[ORDER_FILE_REMOVE + 1]; /* -errno for the next order of that kind */
    char told[FAKE_KINDS];            /* the orders of the log, a letter each, APPENDs left out */
    size_t told_len;
    bool keeps_files, keeps_log; /* they do not come home yet */
    struct order *kept[FAKE_ROOM];
    size_t kept_count;
    uint64_t mono_ns;
} fake;

static const char fake_letters[] = "oasdfyc"; /* OPEN APPEND SWITCH ADOPT FORGET SYNC CLOSE */

static char dir[] = "/tmp/baton-log-life-XXXXXX";

static void fake_answer(struct order *o, struct handoff *home)
{
    o->result = fake.fails[o->kind];
    fake.fails[o->kind] = 0;
    if (home == &fake.log_home && o->kind != ORDER_LOG_APPEND && fake.told_len < FAKE_KINDS - 1)
        fake.told[fake.told_len++] = fake_letters[o->kind];
    handoff_push(home, (uint64_t)(uintptr_t)o);
}

static void fake_line(struct handoff *orders, struct handoff *home, bool keeps)
{
    struct order *o;
    if (keeps) return;
    while ((o = handoff_pop_ptr(orders)) != NULL) fake_answer(o, home);
}

/* A turn of everybody; what is ordered is done by the next one. */
static void turn(void)
{
    effect_flush();
    fake_line(&fake.file_orders, &fake.file_home, fake.keeps_files);
    fake_line(&fake.log_orders, &fake.log_home, fake.keeps_log);
    orders_take_home();
    snapshot_work(100000);
    log_life_tick(settings_now(), fake.mono_ns);
}

static void settle(void)
{
    for (int i = 0; i < 50; i++) turn();
}

static const char *told(void)
{
    fake.told[fake.told_len] = '\0';
    fake.told_len = 0;
    return fake.told;
}

static int open_life(void **state)
{
    core_open(state);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chdir(dir), 0);
    memset(&fake, 0, sizeof(fake));
    fake.mono_ns = clock_mono_ns();
    handoff_open(&fake.log_orders, FAKE_ROOM);
    handoff_open(&fake.log_home, FAKE_ROOM);
    handoff_open(&fake.file_orders, FAKE_ROOM);
    handoff_open(&fake.file_home, FAKE_ROOM);
    const struct execute_wiring w = {.log_orders = &fake.log_orders,
                                     .log_home = &fake.log_home,
                                     .file_orders = &fake.file_orders,
                                     .file_home = &fake.file_home,
                                     .log_card = &fake.card};
    orders_open(&w);
    log_life_open();
    assert_int_equal(log_life_loaded(settings_now()), 0);
    return 0;
}

static int close_life(void **state)
{
    fake.keeps_files = fake.keeps_log = false;
    core_set("appendonly", "no");
    settle();
    assert_int_equal(orders_out(), 0);
    log_life_close();
    core_close(state);
    orders_close();
    handoff_close(&fake.log_orders);
    handoff_close(&fake.log_home);
    handoff_close(&fake.file_orders);
    handoff_close(&fake.file_home);
    rmdir("appendonlydir");
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(dir), 0);
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    return 0;
}

static void switch_on(void)
{
    core_set("appendonly", "yes");
    settle();
    assert_string_equal(told(), "sd");
}

/* ---- On and off ---- */

/* Files that cannot be loaded must not be replaced by what was loaded of them. */
static void nothing_is_touched_before_all_is_loaded(void **state)
{
    (void)state;
    log_life_close();
    log_life_open();
    core_set("appendonly", "yes");
    settle();
    assert_string_equal(told(), "");
    assert_false(log_life_is_durable(0));
}

static void a_log_begins_with_a_base(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    core_expect(s, "set k v", "+OK|");
    assert_int_equal(effect_number(), 0);
    core_set("appendonly", "yes");
    assert_true(log_life_is_rewriting()); /* it will be, at the turn's end */
    fake.keeps_files = true;
    settle();
    assert_true(effect_is_heard());
    assert_true(log_life_is_rewriting());
    assert_false(log_life_is_durable(0));
    fake.keeps_files = false;
    settle();
    assert_string_equal(told(), "sd");
    assert_false(log_life_is_rewriting());
    assert_true(log_life_is_durable(0));
    core_expect(s, "set k v", "+OK|");
    assert_true(effect_number() > 0);
    assert_int_equal(log_life_figures().rewrites, 1);
}

static void a_log_that_is_switched_off_is_closed_behind_its_effects(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    switch_on();
    core_expect(s, "set k v", "+OK|");
    core_set("appendonly", "no");
    settle();
    assert_string_equal(told(), "c");
    assert_false(effect_is_heard());
    assert_false(log_life_is_durable(0));
    switch_on();
}

static void a_rewrite_that_is_on_when_it_is_switched_off_is_forgotten(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    switch_on();
    fake.keeps_files = true;
    core_expect(s, "bgrewriteaof", "+Background append only file rewriting started|");
    settle();
    core_set("appendonly", "no");
    settle();
    fake.keeps_files = false;
    settle();
    assert_null(strchr(told(), 'd'));
    assert_false(log_life_is_rewriting());
    assert_int_equal(log_life_figures().failures_in_row, 0);
}

static void a_rewrite_without_a_log_makes_a_base_alone(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    core_expect(s, "bgrewriteaof", "+Background append only file rewriting started|");
    settle();
    assert_string_equal(told(), "d");
    assert_false(effect_is_heard());
}

/* ---- Rewrites ---- */

static void one_rewrite_at_a_time(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    switch_on();
    fake.keeps_files = true;
    core_expect(s, "bgrewriteaof", "+Background append only file rewriting started|");
    turn();
    core_expect(s, "bgrewriteaof",
                "-ERR Background append only file rewriting already in progress|");
    fake.keeps_files = false;
    settle();
    assert_string_equal(told(), "sd");
}

static void within_a_transaction_it_waits_for_its_end(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    switch_on();
    core_expect(s, "multi", "+OK|");
    core_expect(s, "set k v", "+QUEUED|");
    core_expect(s, "bgrewriteaof", "+QUEUED|");
    core_expect(s, "exec", "*2|+OK|+Background append only file rewriting scheduled|");
    settle();
    assert_string_equal(told(), "sd");
}

static void the_log_is_rewritten_when_it_has_grown(void **state)
{
    (void)state;
    switch_on();
    core_set("auto-aof-rewrite-min-size", "1000");
    core_set("auto-aof-rewrite-percentage", "50");
    counter_set(&fake.card.base_size, 1000);
    counter_set(&fake.card.size, 1499);
    settle();
    assert_string_equal(told(), "");
    counter_set(&fake.card.size, 1500);
    turn();
    counter_set(&fake.card.base_size, 1500);
    settle();
    assert_string_equal(told(), "sd");
    core_set("auto-aof-rewrite-percentage", "0");
    counter_set(&fake.card.size, 1u << 30);
    settle();
    assert_string_equal(told(), "");
}

static void pass_seconds(uint64_t s) { fake.mono_ns += s * FAKE_SECOND; }

static void failures_delay_those_that_nobody_asked_for(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    switch_on();
    for (uint64_t i = 1; i <= 3; i++) {
        fake.fails[ORDER_FILE_FINISH] = -ENOSPC;
        core_expect(s, "bgrewriteaof", "+Background append only file rewriting started|");
        settle();
        assert_string_equal(told(), "sf");
        assert_true(log_life_figures().last_rewrite_failed);
        assert_int_equal(log_life_figures().failures_in_row, i);
    }
    core_set("auto-aof-rewrite-min-size", "1");
    counter_set(&fake.card.base_size, 1);
    counter_set(&fake.card.size, 1000);
    settle();
    pass_seconds(55);
    settle();
    assert_string_equal(told(), "");
    pass_seconds(10);
    turn();
    counter_set(&fake.card.base_size, 1000);
    settle();
    assert_string_equal(told(), "sd");
    assert_false(log_life_figures().last_rewrite_failed);
    assert_int_equal(log_life_figures().failures_in_row, 0);
}

static void what_fails_at_the_log_fails_the_rewrite(void **state)
{
    (void)state;
    static const struct {
        enum order_kind kind;
        const char *told;
    } cases[] = {{ORDER_LOG_SWITCH, "s"}, {ORDER_LOG_ADOPT, "sdf"}, {ORDER_FILE_OPEN, "sf"}};
    struct session *s = core_session(0);
    switch_on();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fake.fails[cases[i].kind] = -EIO;
        core_expect(s, "bgrewriteaof", "+Background append only file rewriting started|");
        settle();
        assert_string_equal(told(), cases[i].told);
        assert_int_equal(log_life_figures().failures_in_row, i + 1);
        assert_false(log_life_is_rewriting());
    }
    core_expect(s, "bgrewriteaof", "+Background append only file rewriting started|");
    settle();
    assert_string_equal(told(), "sd");
}

/* The base may be whole before the switch is known to have failed. */
static void a_switch_that_fails_late_fails_the_rewrite(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    switch_on();
    fake.keeps_log = true;
    fake.fails[ORDER_LOG_SWITCH] = -EIO;
    core_expect(s, "bgrewriteaof", "+Background append only file rewriting started|");
    settle();
    assert_true(log_life_is_rewriting());
    fake.keeps_log = false;
    settle();
    assert_string_equal(told(), "s");
    assert_int_equal(log_life_figures().failures_in_row, 1);
}

static void a_log_that_waits_for_its_base_tries_again(void **state)
{
    (void)state;
    fake.fails[ORDER_FILE_FINISH] = -ENOSPC;
    core_set("appendonly", "yes");
    settle();
    assert_string_equal(told(), "sfsd");
    assert_true(log_life_is_durable(0));
}

static void a_failed_sync_is_healed_by_a_rewrite(void **state)
{
    (void)state;
    switch_on();
    counter_set(&fake.card.error, EIO);
    counter_set(&fake.card.needs_rewrite, 1);
    fake.fails[ORDER_LOG_SWITCH] = -EIO;
    settle();
    assert_string_equal(told(), "s");
    assert_string_equal(log_life_refusal(),
                        "MISCONF Errors writing to the AOF file: Input/output error");
    pass_seconds(2);
    turn();
    turn();
    counter_set(&fake.card.error, 0); /* as the adoption does */
    counter_set(&fake.card.needs_rewrite, 0);
    settle();
    assert_string_equal(told(), "sd");
    assert_null(log_life_refusal());
}

/* ---- Replies ---- */

static void replies_wait_under_always_alone(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    assert_int_equal(log_life_reply_after(), 0);
    switch_on();
    core_expect(s, "set k v", "+OK|");
    assert_int_equal(log_life_reply_after(), 0);
    core_set("appendfsync", "always");
    assert_int_equal(log_life_reply_after(), effect_number());
    counter_set(&fake.card.error, EIO);
    assert_int_equal(log_life_reply_after(), effect_number()); /* there may be a write among them */
    turn();
    assert_int_equal(log_life_reply_after(), 0);
}

/* ---- WAITAOF, WAIT ---- */

static void who_waits_for_the_disk_is_woken_by_it(void **state)
{
    (void)state;
    struct session *s = core_session(0), *other = core_session(1);
    switch_on();
    core_expect(s, "set k v", "+OK|");
    uint64_t number = effect_number();
    core_expect(other, "set k w", "+OK|");
    core_expect(s, "waitaof 1 0 0", "");
    assert_true(s->is_blocked);
    turn();
    assert_int_equal(counter_read(&fake.card.watched), number);
    counter_set(&fake.card.durable, number - 1);
    turn();
    assert_string_equal(core_run_woken(), "");
    counter_set(&fake.card.durable, number);
    turn();
    assert_string_equal(core_run_woken(), "*2|:1|:0|");
    assert_false(s->is_blocked);
    turn();
    assert_int_equal(counter_read(&fake.card.watched), 0);
    core_expect(s, "waitaof 1 0 0", "*2|:1|:0|");
    core_expect(other, "waitaof 0 0 0", "*2|:0|:0|");
}

static void who_wrote_first_is_woken_first(void **state)
{
    (void)state;
    struct session *s[4];
    uint64_t numbers[4];
    switch_on();
    for (uint32_t i = 0; i < 4; i++) {
        s[i] = core_session(i);
        core_expect(s[i], "set k v", "+OK|");
        numbers[i] = effect_number();
    }
    static const int order[] = {2, 0, 3, 1};
    for (int i = 0; i < 4; i++) core_expect(s[order[i]], "waitaof 1 0 0", "");
    for (int i = 0; i < 4; i++) {
        turn();
        assert_int_equal(counter_read(&fake.card.watched), numbers[i]);
        counter_set(&fake.card.durable, numbers[i]);
        turn();
        assert_string_equal(core_run_woken(), "*2|:1|:0|");
        assert_false(s[i]->is_blocked);
        if (i < 3) assert_true(s[i + 1]->is_blocked);
    }
}

/* Here it is on disk, but there are no replicas: nobody is woken again and again. */
static void who_waits_for_more_looks_once(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    switch_on();
    core_expect(s, "set k v", "+OK|");
    core_expect(s, "waitaof 1 1 0", "");
    counter_set(&fake.card.durable, effect_number());
    turn();
    assert_true(blocking_is_pending());
    assert_string_equal(core_run_woken(), "");
    settle();
    assert_false(blocking_is_pending());
    assert_int_equal(counter_read(&fake.card.watched), 0);
    core_set("appendonly", "no");
    settle();
    assert_string_equal(core_run_woken(),
                        "-ERR WAITAOF cannot be used when numlocal is set but appendonly is "
                        "disabled.|");
}

static void a_wait_ends_by_time_or_by_others(void **state)
{
    (void)state;
    struct session *s = core_session_with_id(0, 11), *other = core_session_with_id(1, 12);
    switch_on();
    core_expect(s, "set k v", "+OK|");
    core_expect(s, "waitaof 1 0 20", "");
    assert_int_equal(blocking_timeout_count(), 1);
    blocking_tick(run_mono_now_ms() + 21);
    assert_string_equal(core_run_woken(), "*2|:0|:0|");
    core_expect(s, "waitaof 1 0 0", "");
    core_expect(other, "client unblock 11", ":1|");
    assert_string_equal(core_run_woken(), "*2|:0|:0|");
    core_expect(s, "waitaof 1 0 0", "");
    core_expect(other, "client unblock 11 error", ":1|");
    assert_string_equal(core_run_woken(), "-UNBLOCKED client unblocked via CLIENT UNBLOCK|");
    core_expect(s, "waitaof 0 1 20", ""); /* there are no replicas */
    blocking_tick(run_mono_now_ms() + 21);
    assert_string_equal(core_run_woken(), "*2|:0|:0|");
    core_expect(s, "wait 1 20", "");
    blocking_tick(run_mono_now_ms() + 21);
    assert_string_equal(core_run_woken(), ":0|");
    core_expect(s, "wait 1 0", "");
    core_expect(other, "client unblock 11", ":1|");
    assert_string_equal(core_run_woken(), ":0|");
    core_expect(s, "waitaof 1 0 0", "");
    session_end(s);
    counter_set(&fake.card.durable, effect_number());
    turn();
    assert_string_equal(core_run_woken(), "");
}

static void nobody_waits_for_a_log_that_is_off(void **state)
{
    (void)state;
    static const char off[] = "-ERR WAITAOF cannot be used when numlocal is set but appendonly is "
                              "disabled.|";
    struct session *s = core_session(0);
    core_expect(s, "waitaof 1 0 0", off);
    core_expect(s, "waitaof 0 0 0", "*2|:0|:0|");
    switch_on();
    core_expect(s, "set k v", "+OK|");
    core_expect(s, "waitaof 1 0 0", "");
    core_set("appendonly", "no");
    settle();
    assert_string_equal(core_run_woken(), off);
}

static void a_wait_lasts_until_the_first_base_is_there(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    core_set("appendonly", "yes");
    fake.keeps_files = true;
    core_expect(s, "set k v", "+OK|");
    turn();
    core_expect(s, "waitaof 1 0 0", "");
    counter_set(&fake.card.durable, 1u << 20);
    settle();
    assert_string_equal(core_run_woken(), "");
    fake.keeps_files = false;
    settle();
    assert_string_equal(core_run_woken(), "*2|:1|:0|");
}

static void within_a_transaction_nobody_waits(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    switch_on();
    core_expect(s, "multi", "+OK|");
    core_expect(s, "set k v", "+QUEUED|");
    core_expect(s, "waitaof 1 1 0", "+QUEUED|");
    core_expect(s, "wait 1 0", "+QUEUED|");
    core_expect(s, "exec", "*3|+OK|*2|:1|:0|:0|");
}

static void wrong_waits_are_refused(void **state)
{
    (void)state;
    struct session *s = core_session(0);
    core_expect(s, "waitaof 2 0 0", "-ERR value is out of range, value must between 0 and 1|");
    core_expect(s, "waitaof x 0 0", "-ERR value is not an integer or out of range|");
    core_expect(s, "waitaof 0 -1 0", "-ERR value is out of range, must be positive|");
    core_expect(s, "waitaof 0 0 -1", "-ERR timeout is negative|");
    core_expect(s, "waitaof 0 0 1.5", "-ERR timeout is not an integer or out of range|");
    core_expect(s, "wait x 0", "-ERR value is not an integer or out of range|");
    core_expect(s, "wait 0 -5", "-ERR timeout is negative|");
    core_expect(s, "wait 0 100", ":0|");
}

#define life_test(name) cmocka_unit_test_setup_teardown(name, open_life, close_life)

int main(void)
{
    const struct CMUnitTest tests[] = {
        life_test(nothing_is_touched_before_all_is_loaded),
        life_test(a_log_begins_with_a_base),
        life_test(a_log_that_is_switched_off_is_closed_behind_its_effects),
        life_test(a_rewrite_that_is_on_when_it_is_switched_off_is_forgotten),
        life_test(a_rewrite_without_a_log_makes_a_base_alone),
        life_test(one_rewrite_at_a_time),
        life_test(within_a_transaction_it_waits_for_its_end),
        life_test(the_log_is_rewritten_when_it_has_grown),
        life_test(failures_delay_those_that_nobody_asked_for),
        life_test(what_fails_at_the_log_fails_the_rewrite),
        life_test(a_switch_that_fails_late_fails_the_rewrite),
        life_test(a_log_that_waits_for_its_base_tries_again),
        life_test(a_failed_sync_is_healed_by_a_rewrite),
        life_test(replies_wait_under_always_alone),
        life_test(who_waits_for_the_disk_is_woken_by_it),
        life_test(who_wrote_first_is_woken_first),
        life_test(who_waits_for_more_looks_once),
        life_test(a_wait_ends_by_time_or_by_others),
        life_test(nobody_waits_for_a_log_that_is_off),
        life_test(a_wait_lasts_until_the_first_base_is_there),
        life_test(within_a_transaction_nobody_waits),
        life_test(wrong_waits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
