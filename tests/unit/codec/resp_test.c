/* The request parser: what is a command, what is an error, and that it does not matter how the
 * bytes are cut. */
#include "unit/check.h"

#include "codec/resp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPANS 64

static const struct resp_limits wide = {INT32_MAX, 512 << 20, 65536, true};
static const struct resp_limits narrow = {10, 16384, 65536, false};

/* What a run over a text gave: "[SET][a][b]" per command, then "!error" or "+N" for N bytes that
 * wait for more. */
struct outcome {
    char *text;
    size_t len, room;
};

static void outcome_add(struct outcome *o, const char *from, size_t len)
{
    if (o->len + len + 1 > o->room) {
        o->room = (o->len + len + 1) * 2;
        o->text = realloc(o->text, o->room);
        assert_non_null(o->text);
    }
    memcpy(o->text + o->len, from, len);
    o->len += len;
    o->text[o->len] = '\0';
}

static void outcome_command(struct outcome *o, const struct resp_parser *p, const char *buf,
                            const struct resp_span *spans)
{
    for (uint32_t i = 0; i < p->nargs; i++) {
        assert_true(spans[i].at + spans[i].len <= p->pos);
        outcome_add(o, "[", 1);
        outcome_add(o, buf + spans[i].at, spans[i].len);
        outcome_add(o, "]", 1);
    }
    outcome_add(o, ";", 1);
}

/* Feeds the text in pieces of `piece` bytes; each call sees a fresh copy of the buffer, at another
 * address and without slack. */
static struct outcome run(const char *text, size_t len, size_t piece,
                          const struct resp_limits *limits, uint32_t room)
{
    struct outcome o = {0};
    struct resp_span *spans = calloc(room, sizeof(*spans));
    struct resp_parser p;
    char *buf = malloc(1);
    struct resp_error error = {.text = NULL};
    size_t have = 0, fed = 0;
    outcome_add(&o, "", 0);
    resp_next(&p);
    for (;;) {
        struct resp_input in = {buf, have, spans, room};
        enum resp_result result = resp_parse(&p, limits, &in, &error);
        if (result == RESP_ROOM) {
            room *= 2;
            spans = realloc(spans, room * sizeof(*spans));
        } else if (result == RESP_COMMAND) {
            outcome_command(&o, &p, buf, spans);
            have -= p.pos;
            memmove(buf, buf + p.pos, have);
            resp_next(&p);
        } else if (result == RESP_ERROR) {
            outcome_add(&o, "!", 1);
            outcome_add(&o, error.text, strlen(error.text));
            break;
        } else {
            if (resp_wants(&p) != 0) assert_true(resp_wants(&p) > have);
            if (fed == len) break;
            size_t n = len - fed < piece ? len - fed : piece;
            char *moved = malloc(have + n);
            memcpy(moved, buf, have);
            memcpy(moved + have, text + fed, n);
            free(buf);
            buf = moved;
            have += n;
            fed += n;
        }
    }
    if (o.len == 0 || o.text[o.len - 1] == ';') {
        char rest[32];
        int n = snprintf(rest, sizeof(rest), "+%zu", have);
        if (have > 0) outcome_add(&o, rest, (size_t)n);
    }
    free(buf);
    free(spans);
    return o;
}

static void expect_under(const struct resp_limits *limits, const char *text, size_t len,
                         const char *wanted)
{
    size_t pieces[] = {1, 2, 3, 7, len};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct outcome o = run(text, len, pieces[i], limits, SPANS);
        assert_string_equal(o.text, wanted);
        free(o.text);
    }
}

#define expect(text, wanted) expect_under(&wide, text, sizeof(text) - 1, wanted)
#define expect_narrow(text, wanted) expect_under(&narrow, text, sizeof(text) - 1, wanted)

static void commands_are_found(void **state)
{
    (void)state;
    expect("*1\r\n$4\r\nPING\r\n", "[PING];");
    expect("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$12\r\nhello\r\nworld\r\n", "[SET][a][hello\r\nworld];");
    expect("*2\r\n$0\r\n\r\n$1\r\nx\r\n", "[][x];");
    expect("*1\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\nc d\r\n*1\r\n$1\r\ne\r\n", "[a];[b];[c][d];[e];");
    expect("*2\r\n$1\r\na\r\n", "+11");
    expect("*12\r\n", "+5");
}

static void empty_requests_ask_for_nothing(void **state)
{
    (void)state;
    expect("*0\r\nPING\r\n", ";[PING];");
    expect("*-1\r\n*1\r\n$4\r\nPING\r\n", ";[PING];");
    expect("*-10\r\n\r\nPING\n", ";;[PING];");
    expect("\r\n\n   \r\nPING\r\n", ";;;[PING];");
}

static void wrong_counts_are_refused(void **state)
{
    (void)state;
    const char *wanted = "!Protocol error: invalid multibulk length";
    expect("*2147483648\r\n", wanted);
    expect("*9223372036854775808\r\n", wanted);
    expect("*+1\r\n", wanted);
    expect("*01\r\n", wanted);
    expect("*-0\r\n", wanted);
    expect("*\r\n", wanted);
    expect("* 1\r\n", wanted);
    expect("*1 \r\n", wanted);
    expect("*1x\r\n", wanted);
    expect("*1\rx", wanted);
    expect("*2147483647\r\n", "+13");
}

static void wrong_lengths_are_refused(void **state)
{
    (void)state;
    const char *wanted = "!Protocol error: invalid bulk length";
    expect("*1\r\n$-1\r\n", wanted);
    expect("*1\r\n$+4\r\nPING\r\n", wanted);
    expect("*1\r\n$04\r\nPING\r\n", wanted);
    expect("*1\r\n$00\r\n\r\n", wanted);
    expect("*1\r\n$\r\n", wanted);
    expect("*1\r\n$4a\r\n", wanted);
    expect("*1\r\n$536870913\r\n", wanted);
    expect("*1\r\n$9223372036854775807\r\n", wanted);
    expect("*1\r\n$99999999999999999999\r\n", wanted);
    expect("*1\r\n$536870912\r\n", "+16");
}

static void framing_is_strict(void **state)
{
    (void)state;
    expect("*1\r\nX", "!Protocol error: expected '$', got 'X'");
    expect("*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", "!Protocol error: expected '$', got 'f'");
    expect("*1\r\n\r\n", "!Protocol error: expected '$', got ' '");
    expect("*1\r\n\0", "!Protocol error: expected '$', got ' '");
    expect("*1\r\n$4\r\nPINGXX", "!Protocol error: expected CRLF after bulk");
    expect("*1\r\n$4\r\nPING\r\r", "!Protocol error: expected CRLF after bulk");
    expect("*1\r\n$4\r\nPING\n\n", "!Protocol error: expected CRLF after bulk");
}

static void strangers_have_narrow_limits(void **state)
{
    (void)state;
    expect_narrow("*10\r\n", "+5");
    expect_narrow("*11\r\n", "!Protocol error: unauthenticated multibulk length");
    expect_narrow("*1000000\r\n", "!Protocol error: unauthenticated multibulk length");
    expect_narrow("*2147483648\r\n", "!Protocol error: invalid multibulk length");
    expect_narrow("*2\r\n$3\r\nGET\r\n$16384\r\n", "+21");
    expect_narrow("*2\r\n$3\r\nGET\r\n$16385\r\n", "!Protocol error: unauthenticated bulk length");
    expect_narrow("*1\r\n$-5\r\n", "!Protocol error: invalid bulk length");
}

static void inline_quotes(void **state)
{
    (void)state;
    expect("SET  a\t\"b c\"  \r\n", "[SET][a][b c];");
    expect("a \"\\n\\r\\t\\b\\a\\\\\\\"\\q\\x41\\xfg\" b\n", "[a][\n\r\t\b\a\\\"qAxfg][b];");
    expect("a 'it\\'s' '\\n' ''\n", "[a][it's][\\n][];");
    expect("foo\"bar\" x'y z'\n", "[foobar][xy z];");
    expect("\"\" \"\"\n", "[][];");
    expect(" \v\fa\vb c\r\r\n", "[a\vb][c];");
    expect("a \x80\xff\n", "[a][\x80\xff];");
}

static void inline_quotes_must_balance(void **state)
{
    (void)state;
    const char *wanted = "!Protocol error: unbalanced quotes in request";
    expect("set \"a\r\n", wanted);
    expect("set 'a\r\n", wanted);
    expect("\"a\"b\r\n", wanted);
    expect("'a'b\r\n", wanted);
    expect("a\"b\"\"c\"\r\n", wanted);
    expect("\"a\\\"\r\n", wanted);
    expect("\"\\\r\n", wanted);
}

static void inline_takes_nul(void **state)
{
    (void)state;
    char line[] = "a\0b c\r\n";
    struct resp_span spans[4];
    struct resp_parser p;
    struct resp_error error;
    resp_next(&p);
    struct resp_input in = {line, sizeof(line) - 1, spans, 4};
    assert_int_equal(resp_parse(&p, &wide, &in, &error), RESP_COMMAND);
    assert_int_equal(p.nargs, 2);
    assert_int_equal(spans[0].len, 3);
    assert_memory_equal(line + spans[0].at, "a\0b", 3);
    assert_int_equal(p.pos, 7);
}

/* One line of `len` bytes that starts with `head` and goes on with `fill`, with and without its
 * end. */
static void expect_line(const char *head, char fill, size_t len, const char *wanted)
{
    size_t before = strlen(head), total = before + len;
    const char *mark = strrchr(head, '\n');
    size_t on_line = mark == NULL ? before : before - (size_t)(mark + 1 - head);
    total -= on_line;
    char *text = malloc(total + 2);
    memset(text, fill, total);
    memcpy(text, head, before);
    memcpy(text + total, "\r\n", 2);
    for (size_t piece = 1000; piece <= total + 2; piece += total + 2 - 1000) {
        struct outcome o = run(text, total + 2, piece, &wide, SPANS);
        if (wanted[0] == '!') {
            assert_string_equal(o.text, wanted);
        } else {
            assert_int_equal(o.text[0], '[');
        }
        free(o.text);
    }
    if (wanted[0] == '!') {
        struct outcome o = run(text, total, total, &wide, SPANS);
        assert_string_equal(o.text, wanted);
        free(o.text);
    }
    free(text);
}

static void long_lines_are_refused(void **state)
{
    (void)state;
    expect_line("", 'A', 65535, "[");
    expect_line("", 'A', 65537, "!Protocol error: too big inline request");
    expect_line("*", '1', 65537, "!Protocol error: too big mbulk count string");
    expect_line("*1\r\n$", '1', 65537, "!Protocol error: too big bulk count string");
}

static void room_is_asked_for(void **state)
{
    (void)state;
    static const char text[] = "*4\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n1 2 3 'x y' 5\n";
    for (uint32_t room = 1; room <= 4; room++) {
        struct outcome o = run(text, sizeof(text) - 1, sizeof(text), &wide, room);
        assert_string_equal(o.text, "[a][b][c][d];[1][2][3][x y][5];");
        free(o.text);
    }
}

static void a_big_bulk_tells_its_need(void **state)
{
    (void)state;
    char text[] = "*2\r\n$3\r\nGET\r\n$100000\r\nabc";
    struct resp_span spans[4];
    struct resp_parser p;
    struct resp_error error;
    resp_next(&p);
    assert_int_equal(resp_wants(&p), 0);
    struct resp_input in = {text, sizeof(text) - 1, spans, 4};
    assert_int_equal(resp_parse(&p, &wide, &in, &error), RESP_MORE);
    assert_int_equal(resp_wants(&p), 22 + 100000 + 2);
    assert_int_equal(p.nargs, 1);
}

/* Every request of a mixed pipeline, cut once at every byte. */
static void cuts_do_not_matter(void **state)
{
    (void)state;
    static const char text[] =
        "*1\r\n$4\r\nPING\r\nset a \"b\\x41\"\r\n*0\r\n\r\n*3\r\n$3\r\nSET\r\n$10\r\n0123456789\r\n"
        "$0\r\n\r\nx 'y z'\n*-1\r\n*11\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n"
        "$1\r\n6\r\n$1\r\n7\r\n$1\r\n8\r\n$1\r\n9\r\n$2\r\n10\r\n$2\r\n11\r\nbye\n";
    struct outcome whole = run(text, sizeof(text) - 1, sizeof(text), &wide, SPANS);
    assert_string_equal(whole.text, "[PING];[set][a][bA];;;[SET][0123456789][];[x][y z];;"
                                    "[1][2][3][4][5][6][7][8][9][10][11];[bye];");
    for (size_t piece = 1; piece < sizeof(text); piece++) {
        struct outcome o = run(text, sizeof(text) - 1, piece, &wide, 3);
        assert_string_equal(o.text, whole.text);
        free(o.text);
    }
    free(whole.text);
}

/* Short texts of the protocol's own letters: any outcome is good, but it must be the same for every
 * cut. */
static void random_texts_agree(void **state)
{
    (void)state;
    static const char letters[] = "*$*$123019-+\r\n\r\n\r\n\"'\\xa ";
    uint64_t seed = 88172645463325252ull;
    for (int round = 0; round < 20000; round++) {
        char text[48];
        size_t len = check_random(&seed) % sizeof(text);
        for (size_t i = 0; i < len; i++)
            text[i] = letters[check_random(&seed) % (sizeof(letters) - 1)];
        if (round % 2 == 0 && len > 4) memcpy(text, "*2\r\n", 4);
        struct outcome whole = run(text, len, len + 1, &narrow, SPANS);
        struct outcome cut = run(text, len, 1 + check_random(&seed) % 3, &narrow, 2);
        assert_string_equal(cut.text, whole.text);
        free(whole.text);
        free(cut.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_found),
        cmocka_unit_test(empty_requests_ask_for_nothing),
        cmocka_unit_test(wrong_counts_are_refused),
        cmocka_unit_test(wrong_lengths_are_refused),
        cmocka_unit_test(framing_is_strict),
        cmocka_unit_test(strangers_have_narrow_limits),
        cmocka_unit_test(inline_quotes),
        cmocka_unit_test(inline_quotes_must_balance),
        cmocka_unit_test(inline_takes_nul),
        cmocka_unit_test(long_lines_are_refused),
        cmocka_unit_test(room_is_asked_for),
        cmocka_unit_test(a_big_bulk_tells_its_need),
        cmocka_unit_test(cuts_do_not_matter),
        cmocka_unit_test(random_texts_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
