/* Replies to Lua values and back; first lines of scripts. */
#include "unit/check.h"

#include "base/hash.h"
#include "execute/core/stats.h"
#include "execute/script/convert.h"
#include "execute/script/script.h"
#include "execute/script/shebang.h"
#include "execute/types/heap.h"

static struct vm *vm;
static struct reply reply;

static int convert_open(void **state)
{
    (void)state;
    hash_open_with(7);
    heap_use(arena_open("test"));
    stats_open();
    vm = vm_open();
    return 0;
}

static int convert_close(void **state)
{
    (void)state;
    vm_close(vm);
    reply_release(&reply);
    stats_close();
    return 0;
}

/* A call whose answers go to `reply`, in that version. */
static struct call convert_call(uint8_t resp)
{
    reply_rewind(&reply, 0);
    reply.resp = resp;
    return (struct call){.reply = &reply};
}

static const char *convert_shown(void)
{
    *reply_room(&reply, 1) = '\0';
    return reply.buf;
}

/* To a Lua value, and from it in the version of the client. */
static const char *convert_there_and_back(const char *raw, uint8_t resp)
{
    struct call c = convert_call(resp);
    bool is_error = convert_push_reply(vm->lua, bytes_of(raw));
    assert_int_equal(is_error, raw[0] == '-');
    convert_reply(&c, vm->lua, 3);
    assert_int_equal(lua_gettop(vm->lua), VM_SLOTS);
    assert_int_equal(c.failed, is_error);
    return convert_shown();
}

static void test_that_values_survive_both_ways(void **state)
{
    (void)state;
    static const char *const replies[] = {
        "+OK\r\n",
        "-ERR x\r\n",
        ":0\r\n",
        ":-9007199254740991\r\n",
        "$0\r\n\r\n",
        "$3\r\na\r\n\r\n",
        "*0\r\n",
        "*2\r\n:1\r\n*1\r\n+x\r\n",
        "#t\r\n",
        "#f\r\n",
        "_\r\n",
        ",3.25\r\n",
        ",inf\r\n",
        "(123456789012345678901234567890\r\n",
        "=7\r\ntxt:abc\r\n",
        "=4\r\nmkd:\r\n",
        "%0\r\n",
        "%1\r\n$1\r\na\r\n:1\r\n",
        "~1\r\n$1\r\na\r\n",
    };
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
        assert_string_equal(convert_there_and_back(replies[i], 3), replies[i]);
}

static void test_that_an_old_client_gets_old_types(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"_\r\n", "$-1\r\n"},
        {"#t\r\n", ":1\r\n"},
        {",3.25\r\n", "$4\r\n3.25\r\n"},
        {"%1\r\n$1\r\na\r\n:1\r\n", "*2\r\n$1\r\na\r\n:1\r\n"},
        {"~1\r\n:1\r\n", "*1\r\n:1\r\n"},
        {"(12\r\n", "$2\r\n12\r\n"},
        {"=7\r\ntxt:abc\r\n", "$3\r\nabc\r\n"},
        {"|1\r\n+a\r\n*1\r\n:2\r\n:7\r\n", ":7\r\n"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        assert_string_equal(convert_there_and_back(pairs[i][0], 2), pairs[i][1]);
}

/* An array ends at its first nil; a map does without them. */
static void test_that_nil_is_no_element(void **state)
{
    (void)state;
    assert_string_equal(convert_there_and_back("*3\r\n:1\r\n_\r\n:2\r\n", 3), "*1\r\n:1\r\n");
    assert_string_equal(convert_there_and_back("%2\r\n_\r\n:1\r\n:2\r\n_\r\n", 3), "%0\r\n");
    assert_string_equal(convert_there_and_back("~2\r\n_\r\n:1\r\n", 3), "~1\r\n:1\r\n");
}

static void test_that_an_error_is_counted_by_its_maker(void **state)
{
    (void)state;
    uint64_t before = stats()->error_replies;
    convert_there_and_back("-ERR x\r\n", 2); /* the command that it came from has counted it */
    assert_int_equal(stats()->error_replies, before);
    struct call c = convert_call(2);
    assert_true(vm_load(vm->lua, bytes_of("return {err = 'MY own'}"), "@test", 0));
    assert_true(vm_call(vm, 0, 0));
    assert_int_equal(convert_reply(&c, vm->lua, 2), RUN_ERROR);
    assert_string_equal(convert_shown(), "-MY own\r\n");
    assert_int_equal(stats()->error_replies, before + 1);
}

static void test_that_a_first_line_says_what_a_script_does(void **state)
{
    (void)state;
    static const struct {
        const char *text, *code;
        uint32_t flags;
    } good[] = {
        {"return 1", "return 1", SCRIPT_SAYS_NOTHING},
        {"", "", SCRIPT_SAYS_NOTHING},
        {"#!lua\nx", "\nx", 0},
        {"#!lua\r\nx", "\nx", 0},
        {"#!lua flags=\nx", "\nx", 0},
        {"#!lua flags=no-writes,allow-oom\n", "\n", SCRIPT_NO_WRITES | SCRIPT_ALLOW_OOM},
        {"#!lua  flags=allow-stale flags=no-cluster,allow-cross-slot-keys \n", "\n",
         SCRIPT_ALLOW_STALE | SCRIPT_NO_CLUSTER | SCRIPT_ALLOW_CROSS_SLOT_KEYS},
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct shebang s = shebang_read(bytes_of(good[i].text));
        assert_null(s.error);
        assert_int_equal(s.flags, good[i].flags);
        assert_true(bytes_equal(s.code, bytes_of(good[i].code)));
    }
}

static void test_that_a_bad_first_line_names_the_word(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error, *word;
    } bad[] = {
        {"#!lua", "Invalid script shebang", ""},
        {"#!\n", "Unexpected engine in script shebang: ", ""},
        {"#!js x\n", "Unexpected engine in script shebang: ", "js"},
        {"#!lua x y\n", "Unknown lua shebang option: ", "x"},
        {"#!lua flags=a,b\n", "Unexpected flag in script shebang: ", "a"},
        {"#!lua flags=allow-oom,,\n", "Unexpected flag in script shebang: ", ""},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct shebang s = shebang_read(bytes_of(bad[i].text));
        assert_string_equal(s.error, bad[i].error);
        assert_true(bytes_equal(s.word, bytes_of(bad[i].word)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_that_values_survive_both_ways),
        cmocka_unit_test(test_that_an_old_client_gets_old_types),
        cmocka_unit_test(test_that_nil_is_no_element),
        cmocka_unit_test(test_that_an_error_is_counted_by_its_maker),
        cmocka_unit_test(test_that_a_first_line_says_what_a_script_does),
        cmocka_unit_test(test_that_a_bad_first_line_names_the_word),
    };
    return cmocka_run_group_tests(tests, convert_open, convert_close);
}
