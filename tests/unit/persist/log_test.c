/* The log's stage: what is on disk when it says so, and what its folder looks like. */
#include "unit/persist/persist_harness.h"

#define BASE(n) "file appendonly.aof." #n ".base.rdb seq " #n " type b\n"
#define INCR(n) "file appendonly.aof." #n ".incr.aof seq " #n " type i\n"

static uint64_t durable(void) { return counter_read(&px.card.durable); }
static int error_now(void) { return (int)counter_read(&px.card.error); }

/* The stage asks for no turn before. */
static bool sleeps_for_ms(uint64_t ms)
{
    SOLO_UNTIL(atomic_load(&persist_log_stage(px.p)->due_ns) > clock_mono_ns() + ms * SOLO_MS);
    return !thread_round(&solo.thread, 0);
}

static void expect_records(int n)
{
    assert_int_equal(durable(), (uint64_t)n * RECORD);
    assert_int_equal(recover(true), n);
    assert_int_equal(recover(false), n);
}

static void a_new_log_gets_an_increment(void **state)
{
    (void)state;
    assert_int_equal(log_order(ORDER_LOG_OPEN), 0);
    expect_manifest(INCR(1));
    append(3);
    expect_records(3);
    assert_true(sleeps_for_ms(60000));
    assert_int_equal(counter_read(&px.card.size), 3 * RECORD);
    assert_int_equal(counter_read(&px.card.pending), 0);
    assert_int_equal(log_order(ORDER_LOG_CLOSE), 0);
}

static void a_log_goes_on_where_it_was(void **state)
{
    (void)state;
    assert_int_equal(log_order(ORDER_LOG_OPEN), 0);
    append(2);
    restart();
    assert_int_equal(log_order(ORDER_LOG_OPEN), 0);
    append(2);
    expect_records(4);
    expect_manifest(INCR(1));
    assert_int_equal(log_order(ORDER_LOG_OPEN), -EALREADY);
}

static void a_group_is_written_and_synced_once(void **state)
{
    (void)state;
    assert_int_equal(log_order(ORDER_LOG_OPEN), 0);
    int calls = fake.calls, gives = solo.gives;
    for (int i = 0; i < 20; i++) handoff_push(&px.log_orders, (uint64_t)(uintptr_t)record_new());
    append(1);
    expect_records(21);
    assert_int_equal(fake.calls, calls + 2);
    assert_in_range(solo.gives, gives + 1, gives + 2); /* the neighbour stands for execute, too */
}

/* While each of the first syncs lasts one more comes, and no wake-up. */
static int comes_in_syncs;
static void one_comes_in_a_sync(void)
{
    if (comes_in_syncs-- > 0) handoff_push(&px.log_orders, (uint64_t)(uintptr_t)record_new());
}

static void what_comes_during_a_sync_gets_the_next(void **state)
{
    (void)state;
    assert_int_equal(log_order(ORDER_LOG_OPEN), 0);
    comes_in_syncs = 5;
    fake.on_file_sync = one_comes_in_a_sync;
    append(1);
    fake.on_file_sync = NULL;
    expect_records(6);
}

static void everysec_syncs_the_first_at_once_and_the_next_later(void **state)
{
    (void)state;
    solo_set("appendfsync", "everysec");
    assert_int_equal(log_order(ORDER_LOG_OPEN), 0);
    struct order *o = record_new();
    o->is_awaited = false;
    order_give(o);
    log_settle();
    assert_int_equal(durable(), RECORD);
    o = record_new();
    o->is_awaited = false;
    uint64_t began = clock_mono_ns();
    order_give(o);
    log_settle();
    assert_int_equal(counter_read(&px.card.written), 2 * RECORD);
    SOLO_UNTIL(durable() == 2 * RECORD);
    assert_true(clock_mono_ns() - began > 100ull * SOLO_MS);
    assert_true(clock_mono_ns() - began < 900ull * SOLO_MS);
}

static void what_is_awaited_is_synced_whatever_the_settings(void **state)
{
    (void)state;
    solo_set("appendfsync", "no");
    assert_int_equal(log_order(ORDER_LOG_OPEN), 0);
    struct order *o = record_new();
    o->is_awaited = false;
    order_give(o);
    log_settle();
    assert_int_equal(durable(), 0);
    append(1);
    expect_records(2);
    o = record_new();
    o->is_awaited = false;
    order_give(o);
    log_settle();
    assert_int_equal(durable(), 2 * RECORD);
    assert_int_equal(log_order(ORDER_LOG_SYNC), 0);
    expect_records(3);
}

static void a_rewrite_takes_the_place_of_what_was(void **state)
{
    (void)state;
    assert_int_equal(log_order(ORDER_LOG_OPEN), 0);
    append(3);
    assert_int_equal(rewrite(2), 0);
    expect_manifest(BASE(1) INCR(2));
    append(1);
    expect_records(6);
    assert_null(fake_at(in_folder("appendonly.aof.1.incr.aof"), false));
    assert_int_equal(counter_read(&px.card.base_size), 4 + 2 * RECORD);
    assert_int_equal(rewrite(0), 0);
    expect_manifest(BASE(2) INCR(3));
    expect_records(6);
}

static void rewrites_that_fail_leave_increments(void **state)
{
    (void)state;
    assert_int_equal(log_order(ORDER_LOG_OPEN), 0);
    assert_int_equal(rewrite(1), 0);
    for (int i = 0; i < 2; i++) {
        append(1);
        assert_int_equal(log_order(ORDER_LOG_SWITCH), 0);
        append(1);
        assert_int_equal(log_order(ORDER_LOG_FORGET), 0);
    }
    append(1);
    expect_manifest(BASE(1) INCR(2) INCR(3) INCR(4));
    expect_records(6);
    assert_int_equal(rewrite(1), 0);
    expect_manifest(BASE(2) INCR(5));
    expect_records(7);
}

static void history_stays_where_the_option_says_so(void **state)
{
    (void)state;
    solo_set("aof-disable-auto-gc", "yes");
    assert_int_equal(log_order(ORDER_LOG_OPEN), 0);
    append(1);
    assert_int_equal(rewrite(1), 0);
    assert_int_equal(rewrite(1), 0);
    expect_manifest(BASE(2) "file appendonly.aof.2.incr.aof seq 2 type h\n"
                            "file appendonly.aof.1.base.rdb seq 1 type h\n"
                            "file appendonly.aof.1.incr.aof seq 1 type h\n" INCR(3));
    expect_records(3);
    solo_set("aof-disable-auto-gc", "no");
    assert_int_equal(log_order(ORDER_LOG_SYNC), 0);
    expect_manifest(BASE(2) INCR(3));
    assert_null(fake_at(in_folder("appendonly.aof.1.incr.aof"), false));
}

static void a_log_that_is_switched_on_is_named_with_its_base(void **state)
{
    (void)state;
    px.records = 5;
    assert_int_equal(log_order(ORDER_LOG_SWITCH), 0);
    append(1);
    assert_null(fake_at(in_folder("appendonly.aof.manifest"), false));
    assert_int_equal(log_order(ORDER_LOG_FORGET), 0);
    assert_null(fake_at(in_folder("temp-appendonly.aof.incr"), false));
    assert_int_equal(rewrite(2), 0);
    expect_manifest(BASE(1) INCR(1));
    append(1);
    expect_records(9);
    assert_int_equal(log_order(ORDER_LOG_CLOSE), 0);
    assert_int_equal(write_base(9), 0);
    assert_int_equal(adopt(), 0);
    expect_manifest(BASE(2));
    assert_int_equal(rewrite(1), 0);
    expect_manifest(BASE(3) INCR(1));
    expect_records(10);
}

static void a_manifest_that_is_none_is_not_touched(void **state)
{
    (void)state;
    fake_put(in_folder("appendonly.aof.manifest"), "nonsense\n");
    assert_int_equal(log_order(ORDER_LOG_OPEN), -EINVAL);
    assert_int_equal(log_order(ORDER_LOG_SWITCH), -EINVAL);
    expect_manifest("nonsense\n");
}

static void times_are_noted_where_the_second_changes(void **state)
{
    (void)state;
    solo_set("aof-timestamp-enabled", "yes");
    assert_int_equal(log_order(ORDER_LOG_OPEN), 0);
    static const int64_t ms[] = {1000100, 1000900, 1001000, 1000999, 1003000};
    for (int i = 0; i < 5; i++) {
        struct order *o = record_new();
        o->wall_ms = ms[i];
        assert_int_equal(order_do(o), 0);
    }
    log_settle();
    struct bytes text = fake_content(fake_at(in_folder("appendonly.aof.1.incr.aof"), true), true);
    static const char want[] = "#TS:1000\r\n<0000001><0000002>#TS:1001\r\n<0000003><0000004>"
                               "#TS:1003\r\n<0000005>";
    assert_true(bytes_equal(text, bytes_of(want)));
}

/* ---- Errors ---- */

static void a_full_disk_heals_by_itself(void **state)
{
    (void)state;
    assert_int_equal(log_order(ORDER_LOG_OPEN), 0);
    append(2);
    fake.room = RECORD + 4;
    append(1);
    int gives = solo.gives;
    append(1);
    assert_int_equal(error_now(), ENOSPC);
    assert_int_equal(counter_read(&px.card.needs_rewrite), 0);
    assert_int_equal(durable(), 3 * RECORD);
    assert_int_equal(counter_read(&px.card.failed), 4 * RECORD);
    assert_true(solo.gives > gives);
    append(1);
    assert_true(sleeps_for_ms(500));
    assert_int_equal(counter_read(&px.card.failed), 5 * RECORD);
    assert_int_equal(recover(false), 3);
    assert_int_equal(log_order(ORDER_LOG_SYNC), -ENOSPC);
    fake.room = -1;
    SOLO_UNTIL(error_now() == 0);
    log_settle();
    expect_records(5);
}

static void what_a_rewrite_has_needs_no_room_in_the_old_file(void **state)
{
    (void)state;
    assert_int_equal(log_order(ORDER_LOG_OPEN), 0);
    append(2);
    fake.fail_at = fake.calls + 1;
    fake.fail_most = INT_MAX;
    fake.fail_errno = EIO;
    fake.fails_writes_only = true;
    append(1);
    assert_int_equal(error_now(), EIO);
    fake.fail_at = 0;
    assert_int_equal(rewrite(1), 0);
    assert_int_equal(error_now(), 0);
    expect_manifest(BASE(1) INCR(2));
    append(1);
    expect_records(5);
}

static void what_a_rewrite_had_is_written_when_it_fails(void **state)
{
    (void)state;
    assert_int_equal(log_order(ORDER_LOG_OPEN), 0);
    fake.fail_at = fake.calls + 1;
    fake.fail_most = 2; /* and the try of the switch */
    fake.fail_errno = ENOSPC;
    fake.fails_writes_only = true;
    append(2);
    assert_int_equal(error_now(), ENOSPC);
    assert_int_equal(log_order(ORDER_LOG_SWITCH), 0);
    append(2);
    assert_true(sleeps_for_ms(500));
    assert_int_equal(recover(true), 0);
    assert_int_equal(log_order(ORDER_LOG_FORGET), 0);
    assert_int_equal(log_order(ORDER_LOG_SYNC), 0);
    log_settle();
    assert_int_equal(error_now(), 0);
    expect_manifest(INCR(1));
    expect_records(4);
}

static void after_a_failed_sync_only_a_rewrite_helps(void **state)
{
    (void)state;
    assert_int_equal(log_order(ORDER_LOG_OPEN), 0);
    append(2);
    fake.fail_at = fake.calls + 1;
    fake.fail_most = 1;
    fake.fail_errno = EIO;
    fake.fails_syncs_only = true;
    append(1);
    assert_int_equal(error_now(), EIO);
    assert_int_equal(counter_read(&px.card.needs_rewrite), 1);
    append(1);
    assert_int_equal(log_order(ORDER_LOG_SYNC), -EIO);
    assert_int_equal(durable(), 2 * RECORD);
    assert_int_equal(counter_read(&px.card.failed), 4 * RECORD);
    assert_int_equal(recover(false), 4);
    assert_int_equal(recover(true), 2);
    assert_int_equal(rewrite(1), 0);
    log_settle();
    assert_int_equal(counter_read(&px.card.needs_rewrite), 0);
    expect_records(5);
}

/* A base cannot mend the increment beside it. */
static void a_rewrite_that_a_failed_sync_falls_into_is_not_taken(void **state)
{
    (void)state;
    assert_int_equal(log_order(ORDER_LOG_OPEN), 0);
    append(2);
    assert_int_equal(log_order(ORDER_LOG_SWITCH), 0);
    fake.fail_at = fake.calls + 1;
    fake.fail_most = 1;
    fake.fail_errno = EIO;
    fake.fails_syncs_only = true;
    append(1);
    assert_int_equal(write_base(2), 0);
    assert_int_equal(adopt(), -EIO);
    assert_int_equal(log_order(ORDER_LOG_FORGET), 0);
    assert_int_equal(error_now(), EIO);
    expect_kept();
    assert_int_equal(rewrite(0), 0);
    log_settle();
    assert_int_equal(error_now(), 0);
    expect_records(3);
}

/* A sync of the folder that failed when history was removed says nothing of a later change. */
static void a_rewrite_that_fails_is_not_taken_because_an_older_change_is_unsure(void **state)
{
    enum { CALLS_TO_RENAME = 7, CALLS_TO_BASE = 2 };
    (void)state;
    solo_set("aof-disable-auto-gc", "yes");
    assert_int_equal(log_order(ORDER_LOG_OPEN), 0);
    append(1);
    assert_int_equal(rewrite(0), 0);
    solo_set("aof-disable-auto-gc", "no");
    fake.fail_at = fake.calls + CALLS_TO_RENAME;
    fake.fail_most = 1;
    fake.fail_errno = EIO;
    fake.fails_syncs_only = true;
    assert_int_equal(log_order(ORDER_LOG_SYNC), 0);
    assert_int_equal(fake.fail_most, 0);
    expect_manifest(BASE(1) "file appendonly.aof.1.incr.aof seq 1 type h\n" INCR(2));

    fake.room = 0;
    append(2);
    assert_int_equal(error_now(), ENOSPC);
    assert_int_equal(log_order(ORDER_LOG_SWITCH), 0);
    fake.room = -1;
    append(1);
    assert_int_equal(write_base(3), 0);
    fake.fail_at = fake.calls + CALLS_TO_BASE;
    fake.fail_most = 1;
    fake.fails_syncs_only = false;
    assert_int_equal(adopt(), -EIO);
    assert_int_equal(log_order(ORDER_LOG_FORGET), 0);
    assert_int_equal(log_order(ORDER_LOG_SYNC), 0);
    log_settle();
    assert_int_equal(error_now(), 0);
    expect_records(4);
}

/* ---- Every call ---- */

/* The life of a log as execute lives it: whatever fails, it goes on. */
static void live(void)
{
    if (log_order(ORDER_LOG_OPEN) != 0 && log_order(ORDER_LOG_OPEN) != 0) return;
    append(2);
    rewrite(2);
    append(1);
    if (counter_read(&px.card.needs_rewrite) != 0) rewrite(1);
    append(1);
    log_order(ORDER_LOG_SYNC);
    log_order(ORDER_LOG_CLOSE);
    rewrite(1);
    append(1);
    log_settle();
}

static int calls_of_a_life(void)
{
    harness_open(NULL);
    live();
    int calls = fake.calls;
    expect_records(px.records);
    harness_close(NULL);
    return calls;
}

static void begin_life(int at, int most, int error)
{
    harness_open(NULL);
    fake.fail_at = at;
    fake.fail_most = most;
    fake.fail_errno = error;
    fake.is_over = most == INT_MAX;
    live();
    expect_kept();
}

static void try_life(int at, int most, int error)
{
    begin_life(at, most, error);
    if (most == 1) {
        fake.fail_at = 0;
        log_order(ORDER_LOG_SYNC);
        if (error_now() != 0 || durable() != (uint64_t)px.records * RECORD)
            assert_int_equal(rewrite(1), 0);
        append(1);
        assert_int_equal(error_now(), 0);
        expect_records(px.records);
    }
    harness_close(NULL);
}

static void whichever_call_fails_nothing_that_was_promised_is_lost(void **state)
{
    (void)state;
    int calls = calls_of_a_life();
    assert_true(calls > 60);
    for (int at = 1; at <= calls; at++) {
        try_life(at, 1, EIO);
        try_life(at, 2, ENOSPC);
    }
}

/* From some call on nothing is done any more: the process was killed, or the power went. */
static void wherever_it_ends_what_is_left_is_legal(void **state)
{
    (void)state;
    int calls = calls_of_a_life();
    for (int at = 1; at <= calls; at++) try_life(at, INT_MAX, EIO);
}

static void expect_named_files_are_left(const struct fake_file *file, const char *to)
{
    struct manifest m;
    if (strstr(to, ".manifest") == NULL) return;
    assert_null(manifest_parse(fake_content(file, false), &m, NULL));
    for (int i = 0; i < m.count; i++) {
        if (m.files[i].type == MANIFEST_HISTORY) continue;
        const struct fake_file *f = fake_at(in_folder(m.files[i].name), true);
        if (f == NULL) fail_msg("%s may be lost", m.files[i].name);
    }
    manifest_free(&m);
}

/* As a disk may have a later name and not an earlier one. */
static void a_manifest_gets_its_name_after_the_files_that_it_names(void **state)
{
    (void)state;
    fake.before_rename = expect_named_files_are_left;
    live();
    expect_records(px.records);
}

/* The same, and the process that comes next finds a name that the disk does not have yet: what it
 * promises is not there by that name alone. */
static void wherever_it_ends_the_next_process_promises_what_it_has(void **state)
{
    (void)state;
    int calls = calls_of_a_life();
    for (int at = 1; at <= calls; at++) {
        begin_life(at, INT_MAX, EIO);
        restart();
        fake.fail_at = 0;
        fake.is_over = false;
        px.records = load();
        assert_int_equal(log_order(ORDER_LOG_OPEN), 0);
        append(2);
        assert_int_equal(durable(), (uint64_t)px.records * RECORD);
        expect_kept();
        harness_close(NULL);
    }
}

int main(void)
{
#define WITH_LOG(test) cmocka_unit_test_setup_teardown(test, harness_open, harness_close)
    const struct CMUnitTest tests[] = {
        WITH_LOG(a_new_log_gets_an_increment),
        WITH_LOG(a_log_goes_on_where_it_was),
        WITH_LOG(a_group_is_written_and_synced_once),
        WITH_LOG(what_comes_during_a_sync_gets_the_next),
        WITH_LOG(everysec_syncs_the_first_at_once_and_the_next_later),
        WITH_LOG(what_is_awaited_is_synced_whatever_the_settings),
        WITH_LOG(a_rewrite_takes_the_place_of_what_was),
        WITH_LOG(rewrites_that_fail_leave_increments),
        WITH_LOG(history_stays_where_the_option_says_so),
        WITH_LOG(a_log_that_is_switched_on_is_named_with_its_base),
        WITH_LOG(a_manifest_that_is_none_is_not_touched),
        WITH_LOG(times_are_noted_where_the_second_changes),
        WITH_LOG(a_full_disk_heals_by_itself),
        WITH_LOG(what_a_rewrite_has_needs_no_room_in_the_old_file),
        WITH_LOG(what_a_rewrite_had_is_written_when_it_fails),
        WITH_LOG(after_a_failed_sync_only_a_rewrite_helps),
        WITH_LOG(a_rewrite_that_a_failed_sync_falls_into_is_not_taken),
        WITH_LOG(a_rewrite_that_fails_is_not_taken_because_an_older_change_is_unsure),
        WITH_LOG(a_manifest_gets_its_name_after_the_files_that_it_names),
        cmocka_unit_test(whichever_call_fails_nothing_that_was_promised_is_lost),
        cmocka_unit_test(wherever_it_ends_what_is_left_is_legal),
        cmocka_unit_test(wherever_it_ends_the_next_process_promises_what_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
