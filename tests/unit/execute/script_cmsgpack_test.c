/* The Lua library cmsgpack. Expected results are those of redis-server 7.0.15. */
#include "unit/execute/script_fixture.h"

#include "execute/script/lua_cmsgpack.h"

static lua_State *L;

static int begin(void **state)
{
    (void)state;
    L = script_begin(luaopen_baton_cmsgpack, "cmsgpack");
    return 0;
}

static int end(void **state)
{
    (void)state;
    lua_close(L);
    return 0;
}

static void numbers_take_the_shortest_form(void **state)
{
    (void)state;
    static const struct script_case cases[] = {
        {"return hex(cmsgpack.pack(0, 1, 127, 128, 255, 256, 65535, 65536, 4294967295, 2^32))",
         "00017fcc80ccffcd0100cdffffce00010000ceffffffffcf0000000100000000"},
        {"return hex(cmsgpack.pack(-1, -32, -33, -128, -129, -32768, -32769, -2^31, -2^31 - 1))",
         "ffe0d0dfd080d1ff7fd18000d2ffff7fffd280000000d3ffffffff7fffffff"},
        {"return hex(cmsgpack.pack(-1099511627776, -2^63))",
         "d3ffffff0000000000d38000000000000000"},
        {"return hex(cmsgpack.pack(2^63, 1/0, 1.5))", "ca5f000000ca7f800000ca3fc00000"},
        {"return hex(cmsgpack.pack(0.1, 255.0000001))", "cb3fb999999999999acb406fe0000035afe5"},
        {"return hex(cmsgpack.pack(-0.0, 1e10))", "00cf00000002540be400"},
        {"return hex(cmsgpack.pack(true, false, nil, tostring))", "c3c2c0c0"},
    };
    SCRIPT_CHECK(L, cases);
}

static void strings_and_tables(void **state)
{
    (void)state;
    static const struct script_case cases[] = {
        {"return hex(cmsgpack.pack('', 'a', '12'))", "a0a161a23132"},
        {"return hex(cmsgpack.pack(('x'):rep(31)):sub(1, 1))", "bf"},
        {"return hex(cmsgpack.pack(('x'):rep(32)):sub(1, 2))", "d920"},
        {"return hex(cmsgpack.pack(('x'):rep(256)):sub(1, 3))", "da0100"},
        {"return hex(cmsgpack.pack(('x'):rep(65536)):sub(1, 5))", "db00010000"},
        {"return hex(cmsgpack.pack({}, {1, 2, 3}, {[2] = 2, [1] = 1}))", "90930102"
                                                                         "03920102"},
        {"return hex(cmsgpack.pack({1, 2, nil, 4}))", "83010102020404"},
        {"return hex(cmsgpack.pack({[0] = 1}, {[2] = 1}, {[1.5] = 1}))", "810001"
                                                                         "810201"
                                                                         "81ca3fc0000001"},
        {"return hex(cmsgpack.pack({[2^53] = 1}, {[true] = 1}, {[{}] = 1}))",
         "81cf002000000000000001"
         "81c301"
         "819001"},
        {"local t = {} for i = 1, 16 do t[i] = i end return hex(cmsgpack.pack(t):sub(1, 4))",
         "dc001001"},
        {"local t = {} for i = 1, 65536 do t[i] = 1 end return hex(cmsgpack.pack(t):sub(1, 6))",
         "dd0001000001"},
        {"local t = {} for i = 1, 16 do t['k' .. i] = i end return hex(cmsgpack.pack(t):sub(1, 3))",
         "de0010"},
        {"local t = {1} for i = 1, 20 do t = {t} end return hex(cmsgpack.pack(t))",
         "91919191919191919191919191919191c0"},
        {"local t = {} t.t = t return #cmsgpack.pack(t)", "49"},
        {"return cmsgpack.pack()",
         "t:1: bad argument #0 to 'pack' (MessagePack pack needs input.)"},
    };
    SCRIPT_CHECK(L, cases);
}

static void unpacking(void **state)
{
    (void)state;
    static const struct script_case cases[] = {
        {"return cmsgpack.unpack(raw'0102c0c3c2a161')", "1 2 nil true false a"},
        {"return cmsgpack.unpack(raw'ccffd0ffcdfffed1fffecefffffffed2fffffffe')",
         "255 -1 65534 -2 4294967294 -2"},
        {"return cmsgpack.unpack(raw'cfffffffffffffffffd3fffffffffffffffe')", "-1 -2"},
        {"return cmsgpack.unpack(raw'ca3fc00000cb3fc0000000000000')", "1.5 0.125"},
        {"return #cmsgpack.unpack(raw'dc00020102'), cmsgpack.unpack(raw'8201020103')[1]", "2 3"},
        {"return cmsgpack.unpack('')", ""},
        {"return cmsgpack.unpack_one('\\1\\2\\3')", "1 1"},
        {"return cmsgpack.unpack_one('\\1\\2\\3', 2)", "-1 3"},
        {"return cmsgpack.unpack_one('\\1\\2\\3', 3)", "-1"},
        {"return cmsgpack.unpack_limit('\\1\\2\\3', 2)", "2 1 2"},
        {"return cmsgpack.unpack_limit('\\1\\2\\3', 4)", "-1 1 2 3"},
        {"return cmsgpack.unpack_limit('\\1\\2\\3', 0)", "1 2 3"},
        {"return cmsgpack.unpack_limit('\\1\\2\\3', 0, 1)", "1"},
        {"return cmsgpack.unpack_limit('\\1\\193', 1, 0)", "1 1"},
        {"return cmsgpack.unpack_one('abc', 4)",
         "t:1: Start offset 4 greater than input length 3."},
        {"return cmsgpack.unpack_one('abc', -1)",
         "t:1: Invalid request to unpack with offset of -1 and limit of 3."},
        {"return cmsgpack.unpack_limit('abc', -1, 1)",
         "t:1: Invalid request to unpack with offset of 1 and limit of 3."},
        {"return cmsgpack.unpack_limit('abc')",
         "t:1: bad argument #2 to 'unpack_limit' (number expected, got no value)"},
        {"return cmsgpack.unpack({})",
         "t:1: bad argument #1 to 'unpack' (string expected, got table)"},
        {"return cmsgpack.unpack(raw'81c001')", "table index is nil"},
        {"return cmsgpack.unpack(raw'81cb7ff800000000000001')", "table index is NaN"},
    };
    SCRIPT_CHECK(L, cases);
}

static void what_is_not_known_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"c1",       "01c1",         "c40161", "c5000161",
                                      "c7010161", "d40101616161", "91c1"};
    char chunk[64];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(chunk, sizeof(chunk), "return cmsgpack.unpack(raw'%s')", bad[i]);
        assert_string_equal(script_run(L, chunk), "t:1: Bad data format in input.");
    }
}

static void counts_are_believed_as_far_as_there_is_data(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "dcffff", "ddffffffff05", "deffff0101", "dfffffffff0505", "dbffffffff05", "daffff05",
        "d9ff05", "a561",         "9f01",       "8101",           "cb3ff0",       "d0"};
    char chunk[64];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(chunk, sizeof(chunk), "return cmsgpack.unpack(raw'%s')", bad[i]);
        assert_string_equal(script_run(L, chunk), "t:1: Missing bytes in input.");
    }
}

static void data_cut_at_any_byte(void **state)
{
    (void)state;
    static const struct script_case cases[] = {
        {"local t = {1, -200, 70000, 2^40, 1.5, 0.1, true, {}, {a = {'text', ('x'):rep(300)}}} "
         "local s, n = cmsgpack.pack(t), 0 "
         "for i = 1, #s - 1 do if pcall(cmsgpack.unpack, s:sub(1, i)) then n = n + 1 end end "
         "return n, cmsgpack.pack(cmsgpack.unpack(s)) == s",
         "0 true"},
    };
    SCRIPT_CHECK(L, cases);
}

static void depth_and_number_of_results_are_bounded(void **state)
{
    (void)state;
    static const struct script_case cases[] = {
        {"return type(cmsgpack.unpack(('\\145'):rep(3900) .. '\\1'))", "table"},
        {"return type(cmsgpack.unpack(('\\129\\1'):rep(2600) .. '\\1'))", "table"},
        {"return cmsgpack.unpack(('\\145'):rep(1e6))", "t:1: stack overflow (in cmsgpack.unpack)"},
        {"return cmsgpack.unpack(('\\129\\1'):rep(1e6))",
         "t:1: stack overflow (in cmsgpack.unpack)"},
        {"return select('#', cmsgpack.unpack(('\\1'):rep(7900)))", "7900"},
        {"return cmsgpack.unpack(('\\1'):rep(1e5))",
         "t:1: stack overflow (too many return values at once; use unpack_one or unpack_limit "
         "instead.)"},
    };
    SCRIPT_CHECK(L, cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_take_the_shortest_form),
        cmocka_unit_test(strings_and_tables),
        cmocka_unit_test(unpacking),
        cmocka_unit_test(what_is_not_known_is_refused),
        cmocka_unit_test(counts_are_believed_as_far_as_there_is_data),
        cmocka_unit_test(data_cut_at_any_byte),
        cmocka_unit_test(depth_and_number_of_results_are_bounded),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
