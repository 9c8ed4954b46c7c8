/*
 * Blocks: who owns a big argument and a big value, and that bytes which are lent to a reply stay as
 * they are whatever becomes of the key. All memory must be back when batch and reply are gone.
 */
#include "core_harness.h"

#include "execute/core/loose.h"
#include "execute/types/block.h"

enum { BIG = 100000, ARGS = 8 };

static struct {
    struct session *s;
    size_t memory; /* before the test's commands */
    struct bytes args[ARGS];
    uint32_t nargs;
    struct command_batch batch; /* its blocks only */
    char expected[BIG + 64];
} fx;

/* A value's bytes: of another letter each. */
static void pattern(char *to, size_t len, char letter)
{
    for (size_t i = 0; i < len; i++) to[i] = (char)(letter + i % 7);
}

static int blocks_open(void **state)
{
    core_open(state);
    memset(&fx, 0, sizeof(fx));
    fx.s = core_session(1);
    core_set("latency-tracking", "no"); /* which allocates for each kind of command */
    core.reply = (struct reply){.lends = true};
    core_ask(fx.s, "MSET small 1 k 1 k2 1"); /* what the table takes */
    core_ask(fx.s, "DEL k k2");
    reply_release(&core.reply);
    core.reply.lends = true;
    fx.memory = heap_used();
    return 0;
}

static int blocks_close(void **state)
{
    reply_release(&core.reply);
    return core_close(state);
}

#define blocks_test(name) cmocka_unit_test_setup_teardown(name, blocks_open, blocks_close)

/* As parse hands it over: in a block of the batch's. */
static void big_arg(size_t len, char letter)
{
    struct block *b = block_make(len, len + 2);
    pattern(b->bytes, len, letter);
    memcpy(b->bytes + len, "\r\n", 2);
    block_list_add(&fx.batch.blocks, b);
    fx.args[fx.nargs++] = bytes_make(b->bytes, len);
}

static void word(const char *text) { fx.args[fx.nargs++] = bytes_of(text); }

/* Runs the command of the words so far; its batch goes on. */
static void run_words(void)
{
    struct command cmd = core_command(fx.args, fx.nargs);
    if (fx.batch.blocks.first != NULL) loose_take(&fx.batch);
    run(fx.s, &cmd, &core.reply);
    fx.nargs = 0;
}

static void end_batch(void) { loose_let_go(); }

static void set_big(const char *key, size_t len, char letter)
{
    word("set");
    word(key);
    big_arg(len, letter);
    run_words();
    end_batch();
    core.reply.len = 0;
}

static struct block *block_of(const char *key)
{
    struct entry *e = keyspace_find(fx.s->db, key_make(bytes_of(key)), LOOKUP_QUIET);
    return e == NULL ? NULL : string_block(e);
}

static void value_is(const char *key, size_t len, char letter)
{
    char scratch[STRING_INT_CHARS];
    struct entry *e = keyspace_find(fx.s->db, key_make(bytes_of(key)), LOOKUP_QUIET);
    assert_non_null(e);
    struct bytes value = string_bytes(e, scratch);
    pattern(fx.expected, len, letter);
    assert_int_equal(value.len, len);
    assert_memory_equal(value.ptr, fx.expected, len);
}

/* Every block is gone; the index of deadlines and counts of errors keep a little. */
static void expect_nothing_left(void)
{
    reply_release(&core.reply);
    core_ask(fx.s, "DEL k k2");
    reply_release(&core.reply);
    assert_in_range(heap_used(), fx.memory, fx.memory + 2000);
}

/* ---- Arguments ---- */

static void set_adopts_the_block(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "set k %",    "setnx k %",     "setex k 100 %", "psetex k 100000 %", "getset k %",
        "append k %", "mset k2 1 k %", "msetnx k %",    "set k % ex 100 nx", "set k % get"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct bytes words[ARGS];
        uint32_t count = core_split(forms[i], words);
        const char *bytes = NULL;
        core_ask(fx.s, "DEL k k2");
        for (uint32_t w = 0; w < count; w++) {
            if (words[w].ptr[0] == '%') {
                big_arg(BIG, 'a');
                bytes = fx.args[fx.nargs - 1].ptr;
            } else {
                fx.args[fx.nargs++] = words[w];
            }
        }
        run_words();
        assert_ptr_equal(block_of("k")->bytes, bytes);
        end_batch();
        assert_int_equal(block_of("k")->users, 1);
        value_is("k", BIG, 'a');
        expect_nothing_left();
    }
}

static void what_nobody_adopts_is_freed(void **state)
{
    (void)state;
    static const char *const forms[] = {"append k %",
                                        "setrange k 5 %",
                                        "echo %",
                                        "get %",
                                        "getrange k % 5",
                                        "nosuch %",
                                        "% k",
                                        "get k %",
                                        "set k % nosuch",
                                        "setnx small %",
                                        "msetnx small % k %",
                                        "set small % xx keepttl px 0",
                                        "incrby small %",
                                        "setex k 0 %"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct bytes words[ARGS];
        uint32_t count = core_split(forms[i], words);
        if (i < 2) core_ask(fx.s, "SET k abc");
        for (uint32_t w = 0; w < count; w++) {
            if (words[w].ptr[0] == '%')
                big_arg(BIG, 'a');
            else
                fx.args[fx.nargs++] = words[w];
        }
        run_words();
        end_batch();
        expect_nothing_left();
    }
}

static void the_block_of_a_closing_session_is_freed(void **state)
{
    (void)state;
    fx.s->closing = true;
    word("set");
    word("k");
    big_arg(BIG, 'a');
    run_words();
    end_batch();
    fx.s->closing = false;
    expect_nothing_left();
}

static void arguments_stay_until_the_batch_ends(void **state)
{
    (void)state;
    core_set("slowlog-log-slower-than", "0"); /* reads arguments behind the handler */
    word("mset");
    word("k");
    big_arg(BIG, 'a');
    word("k");
    big_arg(BIG, 'd');
    run_words();
    word("set");
    word("k");
    word("short");
    run_words();
    word("append"); /* not into the argument, which may still be read */
    word("k");
    word("x");
    run_words();
    end_batch();
    core_set("slowlog-log-slower-than", "-1");
    core_ask(fx.s, "SLOWLOG RESET");
    core.reply.len = 0;
    assert_string_equal(core_ask(fx.s, "GET k"), "$6|shortx|");
    expect_nothing_left();
}

static void held_commands_have_bytes_of_their_own(void **state)
{
    (void)state;
    run_pause(PAUSE_ALL, core.now_ms + 1000);
    for (int i = 0; i < 2; i++) {
        word("set");
        word(i == 0 ? "k" : "k2");
        big_arg(BIG, (char)('a' + i));
        run_words();
        end_batch();
    }
    assert_null(block_of("k"));
    run_unpause();
    core_run_held();
    value_is("k", BIG, 'a');
    value_is("k2", BIG, 'b');
    expect_nothing_left();
}

static void held_commands_of_a_session_that_ends_are_freed(void **state)
{
    (void)state;
    struct session *other = core_session(2);
    struct session *first = fx.s;
    size_t before = heap_used();
    run_pause(PAUSE_ALL, core.now_ms + 1000);
    fx.s = other;
    word("set");
    word("k");
    big_arg(BIG, 'a');
    run_words();
    end_batch();
    assert_true(heap_used() > before + BIG);
    session_end(other);
    fx.s = first;
    run_unpause();
    assert_true(heap_used() < before);
    assert_null(block_of("k"));
}

/* ---- Loans ---- */

/* The reply with what is lent in its place. */
static const char *whole_reply(void)
{
    const struct reply *r = &core.reply;
    core.shown = realloc(core.shown, reply_total(r) + 1);
    size_t at = 0, len = 0;
    for (uint32_t i = 0; i < r->loan_count; i++) {
        memcpy(core.shown + len, r->buf + at, r->loans[i].at - at);
        len += r->loans[i].at - at;
        memcpy(core.shown + len, r->loans[i].ptr, r->loans[i].len);
        len += r->loans[i].len;
        at = r->loans[i].at;
    }
    memcpy(core.shown + len, r->buf + at, r->len - at);
    len += r->len - at;
    assert_int_equal(len, reply_total(r));
    core.shown[len] = '\0';
    return core.shown;
}

static void expect_lent_at(const char *at, char letter)
{
    assert_memory_equal(at, "$100000\r\n", 9);
    pattern(fx.expected, BIG, letter);
    assert_memory_equal(at + 9, fx.expected, BIG);
    assert_memory_equal(at + 9 + BIG, "\r\n", 2);
}

/* Runs a line and keeps what was answered so far. */
static void also(const char *line)
{
    fx.nargs = core_split(line, fx.args);
    run_words();
}

static void what_is_lent_stays_whatever_happens_to_the_key(void **state)
{
    (void)state;
    static const char *const deeds[] = {
        "SET k other",
        "SET k 12",
        "DEL k",
        "UNLINK k",
        "APPEND k more",
        "SETRANGE k 0 X",
        "SETBIT k 0 1",
        "SETRANGE k 200000 X",
        "BITFIELD k SET u8 0 255",
        "GETDEL k",
        "GETSET k new",
        "PEXPIRE k -1",
        "FLUSHALL",
        "FLUSHALL ASYNC",
        "RENAME k k2",
        "COPY k k2",
        "RENAME small k",
        "GETEX k PXAT 1",
        "BITOP NOT k k",
        "EXPIRE k 100",
        "PERSIST k",
        "SWAPDB 0 1",
        "MOVE k 1",
        "SET k other GET",
    };
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        core_ask(fx.s, "SET small 1");
        core.reply.len = 0;
        set_big("k", BIG, 'a');
        also("GET k");
        assert_int_equal(core.reply.loan_count, 1);
        assert_ptr_equal(core.reply.loans[0].ptr, block_of("k")->bytes);
        assert_int_equal(block_of("k")->users, 2);
        also(deeds[i]);
        keyspace_work(UINT64_MAX);
        expect_lent_at(whole_reply(), 'a');
        reply_release(&core.reply);
        core.reply.lends = true;
        also("FLUSHALL");
        reply_release(&core.reply);
        core.reply.lends = true;
        assert_true(heap_used() < fx.memory + 2000);
    }
}

static void a_write_to_what_is_lent_is_seen_by_later_replies(void **state)
{
    (void)state;
    set_big("k", BIG, 'a');
    also("GET k");
    also("SETRANGE k 0 XYZ");
    struct block *copy = block_of("k");
    also("SETRANGE k 3 W"); /* nobody else has this one: in place */
    assert_ptr_equal(block_of("k"), copy);
    also("GET k");
    const char *got = whole_reply();
    size_t one = BIG + 11;
    expect_lent_at(got, 'a');
    assert_memory_equal(got + one, ":100000\r\n:100000\r\n$100000\r\nXYZW", 31);
    assert_memory_equal(got + one + 31, fx.expected + 4, BIG - 4);
    expect_nothing_left();
}

static void an_expired_value_stays_while_it_is_lent(void **state)
{
    (void)state;
    set_big("k", BIG, 'a');
    also("PEXPIRE k 100");
    also("GET k");
    core_set_time(core.now_ms + 200);
    keyspace_expire_due(100, 1000000);
    assert_null(block_of("k"));
    assert_true(heap_used() > BIG);
    expect_lent_at(whole_reply() + 4, 'a');
    expect_nothing_left();
}

static void an_adopted_argument_may_be_lent_at_once(void **state)
{
    (void)state;
    word("set");
    word("k");
    big_arg(BIG, 'a');
    run_words();
    also("GET k");
    also("APPEND k x");
    word("set");
    word("k");
    word("y");
    run_words();
    end_batch();
    expect_lent_at(whole_reply() + 5, 'a');
    expect_nothing_left();
}

static void parts_are_lent_too_and_short_ones_copied(void **state)
{
    (void)state;
    set_big("k", BIG, 'a');
    also("GETRANGE k 10 50009");
    assert_int_equal(core.reply.loan_count, 1);
    assert_memory_equal(whole_reply(), "$50000\r\n", 8);
    pattern(fx.expected, BIG, 'a');
    assert_memory_equal(core.shown + 8, fx.expected + 10, 50000);
    also("GETRANGE k 0 100");
    assert_int_equal(core.reply.loan_count, 1);
    expect_nothing_left();
}

static void many_are_lent_in_their_places(void **state)
{
    (void)state;
    set_big("k", BIG, 'a');
    set_big("k2", BIG, 'c');
    also("MGET k small k2 nothing k");
    assert_int_equal(core.reply.loan_count, 3);
    const char *got = whole_reply();
    size_t one = BIG + 11;
    assert_memory_equal(got, "*5\r\n", 4);
    expect_lent_at(got + 4, 'a');
    assert_memory_equal(got + 4 + one, "$1\r\n1\r\n", 7);
    expect_lent_at(got + 11 + one, 'c');
    assert_memory_equal(got + 11 + 2 * one, "$-1\r\n", 5);
    expect_lent_at(got + 16 + 2 * one, 'a');
    assert_int_equal(strlen(got), 16 + 3 * one);
    expect_nothing_left();
}

static void a_late_head_moves_the_places(void **state)
{
    (void)state;
    set_big("k", BIG, 'a');
    also("GET k");
    struct call c = {.reply = &core.reply, .spec = command_by_id(CMD_GET)};
    size_t mark = reply_defer(&c);
    struct block *b = block_of("k");
    reply_bulk_of(&c, bytes_make(b->bytes, BIG), b);
    reply_defer_array(&c, mark, 1);
    const char *got = whole_reply();
    expect_lent_at(got, 'a');
    assert_memory_equal(got + BIG + 11, "*1\r\n", 4);
    expect_lent_at(got + BIG + 15, 'a');
    expect_nothing_left();
}

static void a_reply_that_is_taken_back_repays(void **state)
{
    (void)state;
    set_big("k", BIG, 'a');
    also("GET k");
    size_t mark = core.reply.len;
    also("MGET k k");
    assert_int_equal(block_of("k")->users, 4);
    reply_rewind(&core.reply, mark);
    assert_int_equal(block_of("k")->users, 2);
    assert_int_equal(reply_total(&core.reply), BIG + 11);
    expect_lent_at(whole_reply(), 'a');
    also("CLIENT REPLY OFF");
    also("GET k");
    assert_int_equal(core.reply.loan_count, 1);
    assert_int_equal(reply_total(&core.reply), BIG + 11);
    also("CLIENT REPLY ON");
    expect_nothing_left();
}

static void a_reply_that_does_not_lend_has_all_bytes(void **state)
{
    (void)state;
    set_big("k", BIG, 'a');
    core.reply.lends = false;
    also("GET k");
    assert_int_equal(core.reply.loan_count, 0);
    assert_int_equal(core.reply.len, BIG + 11);
    expect_lent_at(core.reply.buf, 'a');
    expect_nothing_left();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        blocks_test(set_adopts_the_block),
        blocks_test(what_nobody_adopts_is_freed),
        blocks_test(the_block_of_a_closing_session_is_freed),
        blocks_test(arguments_stay_until_the_batch_ends),
        blocks_test(held_commands_have_bytes_of_their_own),
        blocks_test(held_commands_of_a_session_that_ends_are_freed),
        blocks_test(what_is_lent_stays_whatever_happens_to_the_key),
        blocks_test(a_write_to_what_is_lent_is_seen_by_later_replies),
        blocks_test(an_expired_value_stays_while_it_is_lent),
        blocks_test(an_adopted_argument_may_be_lent_at_once),
        blocks_test(parts_are_lent_too_and_short_ones_copied),
        blocks_test(many_are_lent_in_their_places),
        blocks_test(a_late_head_moves_the_places),
        blocks_test(a_reply_that_is_taken_back_repays),
        blocks_test(a_reply_that_does_not_lend_has_all_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
