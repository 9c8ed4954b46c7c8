/* The parser's turn, with real sockets; the test is accept and execute. Each test with both
 * pollers. */
#include "unit/backends.h"
#include "unit/solo.h"

#include "parse/big.h"
#include "parse/parse.h"

#include <stdio.h>

enum { SHOWN = 1 << 16 };

static struct {
    struct parse_stage *p;
    struct handoff seeds, commands, home_ring;
    struct arena *home; /* where execute would keep blocks */
    struct conn_card *card;
    int ours, theirs; /* the connection's two ends */
    struct command_batch *kept[PARSE_BATCHES];
    int kept_count;
    char shown[SHOWN];
    size_t len;
} fx;

static void connection(uint32_t slot)
{
    int fds[2];
    solo_pair(fds);
    fx.ours = fds[0];
    fx.theirs = fds[1];
    fx.card = solo_card(slot, fds[0]);
    handoff_push(&fx.seeds, slot);
    stage_call_home(parse_stage(fx.p));
}

static int fixture_open(void **state)
{
    enum poller_kind kind = *(enum poller_kind *)*state;
    memset(&fx, 0, sizeof(fx));
    if (kind == POLLER_URING && !poller_has_uring()) return 0;
    solo_open(kind);
    handoff_open(&fx.seeds, SOLO_SLOTS);
    handoff_open(&fx.commands, PARSE_BATCHES);
    handoff_open(&fx.home_ring, PARSE_BATCHES);
    struct parse_wiring w = {.seeds = &fx.seeds, .commands = &fx.commands, .home = &fx.home_ring};
    fx.p = parse_open("parse", &w);
    fx.home = arena_open("execute");
    parse_set_execute(fx.p, &solo.neighbour, fx.home);
    solo_adopt(parse_stage(fx.p));
    connection(3);
    return 0;
}

static int fixture_close(void **state)
{
    (void)state;
    if (fx.p == NULL) return 0;
    parse_close(fx.p);
    assert_int_equal(arena_used(fx.home), 0);
    arena_close(fx.home);
    solo_close();
    close(fx.ours);
    if (fx.theirs >= 0) close(fx.theirs);
    handoff_close(&fx.seeds);
    handoff_close(&fx.commands);
    handoff_close(&fx.home_ring);
    return 0;
}

#define NEEDS_BACKEND NEEDS_BACKEND_OF(fx.p)

static void show(const char *data, size_t len)
{
    assert_true(fx.len + len < SHOWN);
    memcpy(fx.shown + fx.len, data, len);
    fx.len += len;
    fx.shown[fx.len] = '\0';
}

/* "o" for OPEN, "(get a)" for a command, "x" for one that is flawed, "b" for BYE. */
static void show_batch(const struct command_batch *b)
{
    for (uint32_t i = 0; i < b->item_count; i++) {
        const struct batch_item *item = &b->items[i];
        if (item->events & BATCH_OPEN) show("o", 1);
        for (uint32_t k = item->first; k < item->first + item->count; k++) {
            const struct command *c = &b->commands[k];
            show(c->flaw == FLAW_NONE ? "(" : "x(", c->flaw == FLAW_NONE ? 1 : 2);
            for (uint32_t a = 0; a < c->nargs; a++) {
                if (a > 0) show(" ", 1);
                size_t len = c->args[a].len;
                show(c->args[a].ptr, len > 100 ? 100 : len);
            }
            show(")", 1);
        }
        if (item->events & BATCH_BYE) show("b", 1);
    }
}

/* As execute does: the blocks are its own, and end here. */
static void send_home(struct command_batch *b)
{
    while (b->blocks.first != NULL) {
        struct block *block = b->blocks.first;
        b->blocks.first = block->next;
        arena_free(fx.home, block);
    }
    b->blocks.last = NULL;
    struct turn t = {.thread = &solo.thread};
    parse_send_home(fx.p, &t, b);
    if (t.given != 0) stage_call_home(parse_stage(fx.p));
}

/* Takes what came, shows it, and sends it home. */
static void take(void)
{
    struct command_batch *b;
    while ((b = handoff_pop_ptr(&fx.commands)) != NULL) {
        show_batch(b);
        send_home(b);
    }
}

static void settle(void)
{
    for (int i = 0; i < 4; i++) {
        solo_settle();
        take();
    }
}

static void expect(const char *shown)
{
    uint64_t until = clock_mono_ns() + 10000ull * SOLO_MS;
    do {
        thread_round(&solo.thread, 2 * SOLO_MS);
        take();
    } while (fx.len < strlen(shown) && clock_mono_ns() < until);
    settle();
    assert_string_equal(fx.shown, shown);
    fx.len = 0;
    fx.shown[0] = '\0';
}

static void put(const char *text) { solo_send(fx.theirs, text, strlen(text)); }

static void a_connection_opens_speaks_and_ends(void **state)
{
    NEEDS_BACKEND;
    put("*2\r\n$3\r\nget\r\n$1\r\na\r\nping\r\n");
    expect("o(get a)(ping)");
    put("*1\r\n$4\r\nPING\r\nset a b\r\n*1\r\n$3\r\nget\r\n*1\r\n$6\r\nnosuch\r\n");
    expect("(PING)(set a b)x(get)x(nosuch)");
    close(fx.theirs);
    fx.theirs = -1;
    expect("b");
    assert_int_equal(conn_meter(&fx.card->in_bytes), parse_bytes_read(fx.p));
}

static void commands_are_looked_up_and_their_keys_hashed(void **state)
{
    NEEDS_BACKEND;
    put("set key value\r\nping\r\n");
    SOLO_UNTIL(handoff_depth(&fx.commands) > 0);
    solo_settle();
    struct command_batch *b = handoff_pop_ptr(&fx.commands);
    if (b->command_count == 0) { /* OPEN came alone */
        send_home(b);
        b = handoff_pop_ptr(&fx.commands);
    }
    assert_non_null(b);
    assert_int_equal(b->command_count, 2);
    assert_string_equal(b->commands[0].spec->name, "set");
    assert_int_equal(b->commands[0].first_key, 1);
    assert_int_equal(b->commands[0].hash, hash_bytes("key", 3));
    assert_int_equal(b->commands[0].wire_len, 15);
    assert_int_equal(b->commands[1].first_key, 0);
    assert_int_equal(b->commands[1].hash, 0);
    send_home(b);
}

static void bytes_may_be_split_anywhere(void **state)
{
    NEEDS_BACKEND;
    static const char text[] = "*3\r\n$3\r\nset\r\n$5\r\nk\r\n\0z\r\n$2\r\nvv\r\n"
                               "ping 'a b'\r\n\r\n*0\r\n*1\r\n$4\r\nPING\r\n";
    size_t len = sizeof(text) - 1;
    settle();
    for (size_t at = 1; at < len; at++) {
        fx.len = 0;
        solo_send(fx.theirs, text, at);
        settle();
        solo_send(fx.theirs, text + at, len - at);
        settle();
        assert_int_equal(fx.len, 30);
        assert_memory_equal(fx.shown, "(set k\r\n\0z vv)(ping a b)(PING)", 30);
        assert_int_equal(conn_meter(&fx.card->in_held), 0);
    }
}

/* They answer nothing and make no command, but their bytes need room all the same. */
static void empty_lines_never_fill_the_room(void **state)
{
    NEEDS_BACKEND;
    static char lines[16384];
    settle();
    size_t before = parse_memory(fx.p);
    for (size_t i = 0; i < sizeof(lines); i += 2) memcpy(lines + i, "\r\n", 2);
    for (int i = 0; i < 40; i++) {
        for (size_t at = 0; at < sizeof(lines);) {
            ssize_t n = send(fx.theirs, lines + at, sizeof(lines) - at, MSG_NOSIGNAL);
            if (n > 0) at += (size_t)n;
            thread_round(&solo.thread, SOLO_MS);
        }
    }
    for (int i = 0; i < 200; i++) { /* and split in two they are held each time */
        put("\r");
        thread_round(&solo.thread, SOLO_MS);
        put("\n");
        thread_round(&solo.thread, SOLO_MS);
    }
    put("ping\r\n");
    fx.len = 0;
    settle();
    assert_string_equal(fx.shown, "(ping)");
    assert_true(parse_memory(fx.p) <= before + 4096);
}

static int print_head(char *to, int key, size_t len)
{
    char name[16];
    int n = snprintf(name, sizeof(name), "%d", key % 13 * 9);
    return snprintf(to, 64, "*3\r\n$3\r\nset\r\n$%d\r\n%s\r\n$%zu\r\n", n, name, len);
}

static void large_arguments_arrive_whole(void **state)
{
    NEEDS_BACKEND;
    enum { LARGE = 3000000 };
    char *value = malloc(LARGE), head[64];
    uint64_t seed = 9;
    for (size_t i = 0; i < LARGE; i++) value[i] = (char)check_random(&seed);
    settle();
    int len = snprintf(head, sizeof(head), "*3\r\n$3\r\nset\r\n$1\r\nk\r\n$%d\r\n", LARGE);
    solo_send(fx.theirs, head, (size_t)len);
    for (size_t at = 0; at < LARGE;) {
        ssize_t n = send(fx.theirs, value + at, LARGE - at, MSG_NOSIGNAL);
        if (n > 0) at += (size_t)n;
        thread_round(&solo.thread, SOLO_MS);
    }
    assert_true(conn_meter(&fx.card->in_held) > LARGE / 2);
    put("\r\nping\r\n");
    SOLO_UNTIL(handoff_depth(&fx.commands) > 0);
    struct command_batch *b = handoff_pop_ptr(&fx.commands);
    assert_string_equal(b->commands[0].spec->name, "set");
    assert_int_equal(b->commands[0].args[2].len, LARGE);
    assert_memory_equal(b->commands[0].args[2].ptr, value, LARGE);
    send_home(b);
    settle();
    put("ping\r\n"); /* a turn that finds the batch at home */
    settle();
    assert_int_equal(conn_meter(&fx.card->in_held), 0);
    assert_true(parse_memory(fx.p) < LARGE);
    free(value);
}

/* ---- Big arguments ---- */

enum { BIG = 300000 };

static char big_bytes[BIG + 2];

static void big_fill(void)
{
    uint64_t seed = 11;
    for (size_t i = 0; i < BIG; i++) big_bytes[i] = (char)check_random(&seed);
    memcpy(big_bytes + BIG, "\r\n", 2);
}

/* Sends all, a piece at a time when `piece` is not 0. */
static void put_all(const char *data, size_t len, size_t piece)
{
    for (size_t at = 0; at < len;) {
        size_t n = piece != 0 && piece < len - at ? piece : len - at;
        ssize_t sent = send(fx.theirs, data + at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) at += (size_t)sent;
        if (sent < 0 || piece != 0) thread_round(&solo.thread, SOLO_MS);
    }
}

static void put_arg(size_t len, size_t piece)
{
    char head[32];
    int n = snprintf(head, sizeof(head), "$%zu\r\n", len);
    put_all(head, (size_t)n, 0);
    put_all(big_bytes, len, piece);
    put_all("\r\n", 2, 0);
}

/* The next batch that is not empty. */
static struct command_batch *next_batch(void)
{
    for (;;) {
        SOLO_UNTIL(handoff_depth(&fx.commands) > 0);
        struct command_batch *b = handoff_pop_ptr(&fx.commands);
        if (b->command_count > 0) return b;
        send_home(b);
    }
}

/* Long ones lie in blocks, in order, and short ones do not; some may have come whole in one read.
 */
static void check_args(const struct command_batch *b, const size_t *lens, uint32_t count)
{
    const struct command *c = &b->commands[0];
    const struct block *block = b->blocks.first;
    size_t wire_len = c->wire_len;
    assert_int_equal(c->nargs, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(c->args[i].len, lens[i]);
        assert_memory_equal(c->args[i].ptr, big_bytes, lens[i]);
        assert_true(wire_len > lens[i]);
        wire_len -= lens[i];
        if (lens[i] < BLOCK_ARG_MIN) continue;
        if (lens[i] < 16384 && (block == NULL || c->args[i].ptr != block->bytes)) continue;
        assert_non_null(block);
        assert_ptr_equal(c->args[i].ptr, block->bytes);
        assert_int_equal(block->len, lens[i]);
        assert_true(block->cap >= lens[i]);
        assert_int_equal(block->users, 1);
        block = block->next;
    }
    assert_null(block);
}

static void big_arguments_come_in_blocks(void **state)
{
    NEEDS_BACKEND;
    static const size_t all[][4] = {
        {3, 5, BLOCK_ARG_MIN - 1, 0}, {3, 5, BLOCK_ARG_MIN, 0},
        {3, 5, BLOCK_ARG_MIN + 1, 7}, {BLOCK_ARG_MIN, 5, 0, 0}, /* a name, too */
        {3, 65536, 65535, 65537},     {BIG, BIG, BIG, BIG},
        {3, BIG, 40000, 12},          {3, 1000, 16384, 100000},
    };
    static const size_t pieces[] = {0, 100000, 20011, 4096};
    big_fill();
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
            put("*4\r\n");
            for (int a = 0; a < 4; a++) put_arg(all[i][a], pieces[k]);
            struct command_batch *b = next_batch();
            check_args(b, all[i], 4);
            send_home(b);
            settle();
            assert_int_equal(arena_used(fx.home), 0);
            assert_int_equal(conn_meter(&fx.card->in_held), 0);
        }
    }
    fx.len = 0;
    for (int i = 0; i < 40; i++) { /* small ones go on as before */
        put("ping\r\n");
        settle();
    }
    assert_int_equal(fx.len, 40 * strlen("(ping)"));
}

/* The keys of big commands differ in length, so that what is expected does not come. */
static void big_commands_may_be_pipelined(void **state)
{
    NEEDS_BACKEND;
    char *text = malloc(64 * 50000);
    size_t len = 0;
    big_fill();
    settle();
    for (int i = 0; i < 60; i++) {
        size_t value = i % 4 == 3 ? 10 : BLOCK_ARG_MIN + (size_t)(i * 7 % 1000);
        len += (size_t)print_head(text + len, i, value);
        memcpy(text + len, big_bytes, value);
        memcpy(text + len + value, "\r\n", 2);
        len += value + 2;
    }
    int got = 0;
    for (size_t at = 0; at < len || got < 60;) {
        ssize_t n = send(fx.theirs, text + at, len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) at += (size_t)n;
        thread_round(&solo.thread, SOLO_MS);
        struct command_batch *b;
        while ((b = handoff_pop_ptr(&fx.commands)) != NULL) {
            for (uint32_t i = 0; i < b->command_count; i++, got++) {
                const struct bytes value = b->commands[i].args[2];
                assert_int_equal(value.len, got % 4 == 3 ? 10 : BLOCK_ARG_MIN + got * 7 % 1000);
                assert_memory_equal(value.ptr, big_bytes, value.len);
            }
            send_home(b);
        }
    }
    settle();
    assert_int_equal(arena_used(fx.home), 0);
    free(text);
}

/* Two heads of one length, and a third is guessed: then the third is as guessed, its argument is
 * shorter, or something else comes. */
static void a_wrong_guess_costs_no_byte(void **state)
{
    NEEDS_BACKEND;
    static const struct {
        const char *third;
        size_t len;
        const char *shown;
    } all[] = {
        {"*3\r\n$3\r\nset\r\n$1\r\nk\r\n$60000\r\n", 60000, "(set k 012)(ping)"},
        {"*3\r\n$3\r\nset\r\n$1\r\nk\r\n$40000\r\n", 40000, "(set k 012)(ping)"},
        {"*3\r\n$3\r\nset\r\n$2\r\nkk\r\n$60000\r\n", 60000, "(set kk 012)(ping)"},
        {"*3\r\n$3\r\nset\r\n$0\r\n\r\n$60000\r\n", 60000, "(set  012)(ping)"},
        {"*3\r\n$3\r\nset\r\n$1\r\nk\r\n$00003\r\n", 3, "x(Protocol error: invalid bulk length)"},
        {"*3\r\n$3\r\nset\r\n$1\r\nk\r\n$3\r\n", 3, "(set k 012)(ping)"},
        {"*4\r\n$4\r\nmset\r\n$1\r\nk\r\n$30000\r\n", 30000, ""},
    };
    char *text = calloc(1, 200000);
    settle();
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        for (int k = 0; k < 2; k++) {
            put(all[0].third);
            put_all(big_bytes, 60000, 0);
            put("\r\n");
            settle();
        }
        fx.len = 0;
        size_t len = strlen(all[i].third);
        memcpy(text, all[i].third, len);
        memset(text + len, 'v', all[i].len);
        memcpy(text + len, "012", 3);
        memcpy(text + len + all[i].len, "\r\nping\r\n", 8);
        put_all(text, len + all[i].len + 8, 0);
        settle();
        size_t shown = strlen(all[i].shown);
        if (shown > 0) assert_memory_equal(fx.shown, all[i].shown, shown - 7);
        if (all[i].shown[0] == '(') assert_string_equal(fx.shown + fx.len - 6, "(ping)");
        settle();
        assert_int_equal(arena_used(fx.home), 0);
        if (all[i].shown[0] == '(') continue;
        close(fx.theirs);
        settle();
        close(fx.ours);
        connection(3);
        settle();
    }
    free(text);
}

static void what_is_announced_is_not_reserved(void **state)
{
    NEEDS_BACKEND;
    big_fill();
    expect("o");
    put("*3\r\n$3\r\nset\r\n$1\r\nk\r\n$500000000\r\n");
    settle();
    assert_true(arena_used(fx.home) <= 2 * BIG_STEP);
    for (size_t sent = 0; sent < 5 * BIG;) {
        put_all(big_bytes, BIG, 0);
        sent += BIG;
        settle();
        assert_true(arena_used(fx.home) <= 3 * sent);
        assert_in_range(conn_meter(&fx.card->in_held), sent, sent + 64);
        assert_in_range(conn_meter(&fx.card->in_held) + conn_meter(&fx.card->in_room), sent,
                        arena_used(fx.home) + 128);
    }
    close(fx.theirs); /* and it dies in the middle */
    fx.theirs = -1;
    expect("b");
    assert_int_equal(arena_used(fx.home), 0);
}

/* Who has sent a long one gets so much at once, but no more than a bound. */
static void what_was_sent_before_is_reserved(void **state)
{
    NEEDS_BACKEND;
    big_fill();
    expect("o");
    for (int i = 0; i < 10; i++) {
        put(i == 0 ? "*11\r\n$4\r\nmget\r\n" : "");
        put_arg(BIG, 0);
    }
    send_home(next_batch());
    settle();
    assert_int_equal(arena_used(fx.home), 0);
    put("*3\r\n$3\r\nset\r\n$1\r\nk\r\n$500000000\r\n12345");
    settle();
    assert_in_range(arena_used(fx.home), BIG, 2 * BIG);
    close(fx.theirs);
    fx.theirs = -1;
    expect("b");
    struct big_input big = {0};
    big_begin(fx.home, &big, 3u << 20, "", 0);
    while (!big_is_whole(&big)) {
        size_t room;
        char *at = big_room(fx.home, &big, &room);
        memset(at, 'x', room);
        if (room == big_missing(&big)) memcpy(at + room - 2, "\r\n", 2);
        big_got(&big, room);
    }
    assert_true(big_end(&big, 1));
    assert_int_equal(big.proven, BIG_PROVEN_MAX);
    big_drop(fx.home, &big);
}

static void who_dies_between_big_arguments_leaves_nothing(void **state)
{
    NEEDS_BACKEND;
    big_fill();
    put("*5\r\n$4\r\nmset\r\n");
    put_arg(BIG, 0);
    put_arg(40000, 0);
    settle();
    assert_true(arena_used(fx.home) >= BIG + 40000);
    assert_true(conn_meter(&fx.card->in_held) + conn_meter(&fx.card->in_args) >= BIG + 40000);
    shutdown(fx.ours, SHUT_RDWR); /* as a kill does */
    fx.len = 0;
    expect("b");
    assert_int_equal(arena_used(fx.home), 0);
}

static void a_big_argument_without_its_end_is_an_error(void **state)
{
    NEEDS_BACKEND;
    big_fill();
    expect("o");
    put("*4\r\n$4\r\nmset\r\n");
    put_arg(40000, 0);
    put("$40000\r\n");
    put_all(big_bytes, 40000, 0);
    put("\rX*1\r\n$4\r\nping\r\n");
    expect("x(Protocol error: expected CRLF after bulk)");
    assert_int_equal(arena_used(fx.home), 0);
    assert_int_equal(conn_meter(&fx.card->in_held), 0);
}

static void many_big_arguments_count_for_the_query_limit(void **state)
{
    NEEDS_BACKEND;
    big_fill();
    solo_set("client-query-buffer-limit", "1mb");
    expect("o");
    put("*100\r\n$4\r\nmset\r\n");
    for (int i = 0; i < 10 && parse_query_limit_cuts(fx.p) == 0; i++) {
        put("$200000\r\n");
        for (size_t at = 0; at < 200000; at += 20000) {
            ssize_t n = send(fx.theirs, big_bytes, 20000, MSG_NOSIGNAL);
            (void)n;
            thread_round(&solo.thread, SOLO_MS);
        }
        ssize_t n = send(fx.theirs, "\r\n", 2, MSG_NOSIGNAL);
        (void)n;
        settle();
    }
    assert_int_equal(parse_query_limit_cuts(fx.p), 1);
    expect("b");
    assert_int_equal(arena_used(fx.home), 0);
}

static void a_batch_that_nobody_took_is_freed_with_the_parser(void **state)
{
    NEEDS_BACKEND;
    big_fill();
    expect("o");
    put("*3\r\n$3\r\nset\r\n$1\r\nk\r\n");
    put_arg(BIG, 50000);
    SOLO_UNTIL(handoff_depth(&fx.commands) > 0); /* the fixture sees what is left */
}

static void a_long_pipeline_is_cut_into_batches(void **state)
{
    NEEDS_BACKEND;
    settle();
    uint32_t count = 0;
    for (int i = 0; i < 3000; i++) {
        put("ping\r\n");
        if (i % 100 == 99) thread_round(&solo.thread, SOLO_MS);
        struct command_batch *b;
        while ((b = handoff_pop_ptr(&fx.commands)) != NULL) {
            assert_true(b->command_count <
                        512 + 16384 / 6 + 2); /* one read at most above the bound */
            count += b->command_count;
            send_home(b);
        }
    }
    SOLO_UNTIL(handoff_depth(&fx.commands) == 0 || count == 0);
    fx.len = 0;
    settle();
    assert_int_equal(count + fx.len / 6, 3000);
}

/* Keeps all batches until the parser has none. */
static void without_batches_nothing_is_read_until_one_is_home(void **state)
{
    NEEDS_BACKEND;
    for (int i = 0; fx.kept_count < PARSE_BATCHES && i < 1000; i++) {
        put("ping\r\n");
        thread_round(&solo.thread, 2 * SOLO_MS);
        struct command_batch *b = handoff_pop_ptr(&fx.commands);
        if (b != NULL) fx.kept[fx.kept_count++] = b;
    }
    assert_int_equal(fx.kept_count, PARSE_BATCHES);
    put("echo late\r\n");
    solo_settle();
    assert_int_equal(handoff_depth(&fx.commands), 0);
    assert_true(parse_starved(fx.p) > 0);
    for (int i = 0; i < fx.kept_count; i++) send_home(fx.kept[i]);
    settle();
    assert_non_null(strstr(fx.shown, "(echo late)"));
}

static void a_connection_whose_replies_pile_up_rests(void **state)
{
    NEEDS_BACKEND;
    solo_set("output-high-water", "1000");
    expect("o");
    conn_meter_set(&fx.card->out_pending, 5000);
    put("echo 1\r\n");
    expect("(echo 1)"); /* this was on its way already */
    put("echo 2\r\n");
    settle();
    size_t first = fx.len;
    put("echo 3\r\n");
    settle();
    assert_int_equal(fx.len, first);
    conn_meter_set(&fx.card->out_pending, 1000);
    fx.len = 0;
    SOLO_UNTIL(handoff_depth(&fx.commands) > 0);
    settle();
    assert_non_null(strstr(fx.shown, "(echo 3)"));
}

static void at_rest_a_death_is_noticed(void **state)
{
    NEEDS_BACKEND;
    solo_set("output-high-water", "1000");
    expect("o");
    conn_meter_set(&fx.card->out_pending, 5000);
    put("ping\r\n");
    expect("(ping)");
    settle();
    shutdown(fx.ours, SHUT_RDWR);
    expect("b");
}

static void a_query_beyond_its_limit_is_cut(void **state)
{
    NEEDS_BACKEND;
    static char zeros[65536];
    solo_set("client-query-buffer-limit", "1mb");
    expect("o");
    put("*3\r\n$3\r\nset\r\n$1\r\nk\r\n$100000000\r\n");
    for (int i = 0; i < 100 && parse_query_limit_cuts(fx.p) == 0; i++) {
        ssize_t n = send(fx.theirs, zeros, sizeof(zeros), MSG_NOSIGNAL);
        (void)n;
        solo_settle();
    }
    assert_int_equal(parse_query_limit_cuts(fx.p), 1);
    expect("b");
    assert_true(parse_memory(fx.p) < 3u << 20);
}

static void after_a_protocol_error_nothing_is_heard(void **state)
{
    NEEDS_BACKEND;
    put("ping\r\n*1\r\n!oops\r\nping\r\n");
    expect("o(ping)x(Protocol error: expected '$', got '!')");
    put("ping\r\nping\r\n*3\r\n");
    settle();
    assert_int_equal(fx.len, 0);
    close(fx.theirs);
    fx.theirs = -1;
    expect("b");
}

static void strangers_may_ask_for_little(void **state)
{
    NEEDS_BACKEND;
    fx.card->authenticated = false;
    put("*2\r\n$4\r\nauth\r\n$16384\r\n");
    settle();
    assert_string_equal(fx.shown, "o");
    fx.len = 0;
    close(fx.theirs);
    expect("b"); /* only then is the number free */
    close(fx.ours);
    connection(4);
    fx.card->authenticated = false;
    put("*2\r\n$4\r\nauth\r\n$16385\r\n");
    settle();
    assert_non_null(strstr(fx.shown, "x(Protocol error: unauthenticated bulk length)"));
}

static void a_new_connection_of_a_slot_is_not_the_old_one(void **state)
{
    NEEDS_BACKEND;
    put("echo half"); /* the rest never comes */
    expect("o");
    close(fx.theirs);
    expect("b");
    close(fx.ours);
    connection(3);
    put("ping\r\n");
    expect("o(ping)");
}

static void when_told_to_stop_it_reads_no_more(void **state)
{
    NEEDS_BACKEND;
    put("ping\r\n");
    expect("o(ping)");
    parse_stop_reading(fx.p);
    put("ping\r\n");
    settle();
    assert_int_equal(fx.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(a_connection_opens_speaks_and_ends),
        BOTH(commands_are_looked_up_and_their_keys_hashed),
        BOTH(bytes_may_be_split_anywhere),
        BOTH(empty_lines_never_fill_the_room),
        BOTH(large_arguments_arrive_whole),
        BOTH(big_arguments_come_in_blocks),
        BOTH(big_commands_may_be_pipelined),
        BOTH(a_wrong_guess_costs_no_byte),
        BOTH(what_is_announced_is_not_reserved),
        BOTH(what_was_sent_before_is_reserved),
        BOTH(who_dies_between_big_arguments_leaves_nothing),
        BOTH(a_big_argument_without_its_end_is_an_error),
        BOTH(many_big_arguments_count_for_the_query_limit),
        BOTH(a_batch_that_nobody_took_is_freed_with_the_parser),
        BOTH(a_long_pipeline_is_cut_into_batches),
        BOTH(without_batches_nothing_is_read_until_one_is_home),
        BOTH(a_connection_whose_replies_pile_up_rests),
        BOTH(at_rest_a_death_is_noticed),
        BOTH(a_query_beyond_its_limit_is_cut),
        BOTH(after_a_protocol_error_nothing_is_heard),
        BOTH(strangers_may_ask_for_little),
        BOTH(a_new_connection_of_a_slot_is_not_the_old_one),
        BOTH(when_told_to_stop_it_reads_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
