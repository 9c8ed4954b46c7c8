/* How answers look, in RESP2 and RESP3. */
#include "core_harness.h"

#include <math.h>

static struct call made(uint8_t resp)
{
    core.reply.len = 0;
    core.reply.resp = resp;
    return (struct call){.reply = &core.reply, .spec = command_by_id(CMD_CLIENT_KILL)};
}

/* Both forms of one answer; the call is named c. */
#define both(answer, resp2, resp3)               \
    do {                                         \
        struct call c_ = made(2), *c = &c_;      \
        assert_int_equal((answer), RUN_OK);      \
        assert_string_equal(core_show(), resp2); \
        c_ = made(3);                            \
        assert_int_equal((answer), RUN_OK);      \
        assert_string_equal(core_show(), resp3); \
    } while (0)

static void replies_have_the_form_of_the_protocol(void **state)
{
    (void)state;
    both(reply_ok(c), "+OK|", "+OK|");
    both(reply_status(c, "a\r\nb"), "+a  b|", "+a  b|");
    both(reply_bulk(c, bytes_of("hello")), "$5|hello|", "$5|hello|");
    both(reply_bulk(c, bytes_make(NULL, 0)), "$0||", "$0||");
    both(reply_null(c), "$-1|", "_|");
    both(reply_null_array(c), "*-1|", "_|");
    both(reply_double(c, 1.5), "$3|1.5|", ",1.5|");
    both(reply_double(c, INFINITY), "$3|inf|", ",inf|");
    both(reply_bool(c, true), ":1|", "#t|");
    both(reply_bool(c, false), ":0|", "#f|");
    both(reply_bignum(c, bytes_of("12345678901234567890")), "$20|12345678901234567890|",
         "(12345678901234567890|");
    both(reply_verbatim(c, bytes_of("some"), "txt"), "$4|some|", "=8|txt:some|");
    both(reply_key_value_text(c, "k", "v"), "$1|k|$1|v|", "$1|k|$1|v|");
    both(reply_array(c, 3), "*3|", "*3|");
    both(reply_map(c, 3), "*6|", "%3|");
    both(reply_set(c, 3), "*3|", "~3|");
    both(reply_push(c, 3), "*3|", ">3|");
}

static void integers_of_all_lengths(void **state)
{
    (void)state;
    char expected[64];
    int64_t n = 0;
    for (int digits = 0; digits < 18; digits++) {
        int64_t around[] = {n - 1, n, n + 1, -n};
        for (int i = 0; i < 4; i++) {
            struct call c = made(2);
            reply_int(&c, around[i]);
            snprintf(expected, sizeof(expected), ":%lld|", (long long)around[i]);
            assert_string_equal(core_show(), expected);
        }
        n = n == 0 ? 10 : n * 10;
    }
    both(reply_int(c, INT64_MAX), ":9223372036854775807|", ":9223372036854775807|");
    both(reply_int(c, INT64_MIN), ":-9223372036854775808|", ":-9223372036854775808|");
}

static void bulks_of_all_lengths_around_growth(void **state)
{
    (void)state;
    static char text[20000];
    memset(text, 'x', sizeof(text));
    size_t lens[] = {9, 10, 99, 100, 999, 1000, 4070, 4090, 4096, 16384, 20000};
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        reply_release(&core.reply);
        struct call c = made(2);
        char head[16];
        size_t head_len = (size_t)snprintf(head, sizeof(head), "$%zu\r\n", lens[i]);
        reply_bulk(&c, bytes_make(text, lens[i]));
        assert_int_equal(core.reply.len, head_len + lens[i] + 2);
        assert_memory_equal(core.reply.buf, head, head_len);
        assert_memory_equal(core.reply.buf + head_len, text, lens[i]);
        assert_memory_equal(core.reply.buf + core.reply.len - 2, "\r\n", 2);
    }
}

static void errors_are_one_line_and_counted(void **state)
{
    (void)state;
    struct call c = made(2);
    assert_int_equal(reply_error(&c, "ERR a\r\n+OK\n"), RUN_ERROR);
    assert_string_equal(core_show(), "-ERR a  +OK |");
    assert_true(c.failed);
    assert_int_equal(stats()->error_replies, 1);

    c = made(3);
    char longest[3000];
    memset(longest, 'y', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(reply_errorf(&c, "ERR %s!", longest), RUN_ERROR);
    assert_int_equal(core.reply.len, strlen("-ERR ") + sizeof(longest) - 1 + strlen("!\r\n"));
    assert_memory_equal(core.reply.buf + core.reply.len - 4, "y!\r\n", 4);
}

static void usual_errors_name_the_command(void **state)
{
    (void)state;
    struct bytes args[] = {bytes_of("client"), bytes_of("kIll")};
    struct call c = made(2);
    c.args = args;
    c.nargs = 2;
    reply_arity(&c);
    reply_subcommand(&c);
    reply_syntax(&c);
    reply_wrong_type(&c);
    assert_string_equal(
        core_show(),
        "-ERR wrong number of arguments for 'client|kill' command|"
        "-ERR unknown subcommand or wrong number of arguments for 'kIll'. Try CLIENT HELP.|"
        "-ERR syntax error|"
        "-WRONGTYPE Operation against a key holding the wrong kind of value|");
}

static void help_has_the_usual_frame(void **state)
{
    (void)state;
    static const char *const lines[] = {"DO", "    Does.", NULL};
    struct call c = made(2);
    reply_help(&c, lines);
    assert_string_equal(core_show(),
                        "*5|+CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:|"
                        "+DO|+    Does.|+HELP|+    Prints this help.|");
}

static void heads_can_follow_their_elements(void **state)
{
    (void)state;
    struct call c = made(3);
    reply_text(&c, "before");
    size_t outer = reply_defer(&c);
    reply_text(&c, "key");
    size_t inner = reply_defer(&c);
    for (int i = 0; i < 12; i++) reply_int(&c, 7);
    reply_defer_array(&c, inner, 12);
    reply_defer_map(&c, outer, 1);
    assert_string_equal(core_show(),
                        "$6|before|%1|$3|key|*12|:7|:7|:7|:7|:7|:7|:7|:7|:7|:7|:7|:7|");
}

static void arguments_are_read_with_the_usual_errors(void **state)
{
    (void)state;
    struct bytes args[] = {bytes_of("12"), bytes_of("x"), bytes_of("1.5"), bytes_of("-3")};
    struct call c = made(2);
    int64_t n;
    double d;
    c.args = args;
    c.nargs = 4;
    assert_true(call_int(&c, 0, &n) && n == 12);
    assert_true(call_double(&c, 2, &d) && d == 1.5);
    assert_true(call_arg_is(&c, 1, "X"));
    assert_false(call_arg_is(&c, 1, "xx"));
    assert_false(c.failed);
    assert_false(call_int(&c, 1, &n));
    assert_false(call_double(&c, 1, &d));
    assert_false(call_int_range(&c, 3, 0, INT64_MAX, NULL, &n));
    assert_false(call_int_range(&c, 3, 1, 5, NULL, &n));
    assert_false(call_int_range(&c, 3, 0, 9, "ERR own", &n));
    assert_true(call_int_range(&c, 3, -3, 9, "ERR own", &n) && n == -3);
    assert_string_equal(core_show(), "-ERR value is not an integer or out of range|"
                                     "-ERR value is not a valid float|"
                                     "-ERR value is out of range, must be positive|"
                                     "-ERR value is out of range, value must between 1 and 5|"
                                     "-ERR own|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        core_test(replies_have_the_form_of_the_protocol),
        core_test(integers_of_all_lengths),
        core_test(bulks_of_all_lengths_around_growth),
        core_test(errors_are_one_line_and_counted),
        core_test(usual_errors_name_the_command),
        core_test(help_has_the_usual_frame),
        core_test(heads_can_follow_their_elements),
        core_test(arguments_are_read_with_the_usual_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
