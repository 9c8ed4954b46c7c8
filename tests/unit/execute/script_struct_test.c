/* The Lua library struct. Expected results are those of redis-server 7.0.15. */
#include "unit/execute/script_fixture.h"

#include "execute/script/lua_struct.h"

static lua_State *L;

static int begin(void **state)
{
    (void)state;
    L = script_begin(luaopen_baton_struct, "struct");
    return 0;
}

static int end(void **state)
{
    (void)state;
    lua_close(L);
    return 0;
}

static void sizes_and_alignment(void **state)
{
    (void)state;
    static const struct script_case cases[] = {
        {"return struct.size('bBhHiIlLTfdx')", "51"},
        {"return struct.size('i4i8i16i32')", "60"},
        {"return struct.size('i0')", "0"},
        {"return struct.size('c5 c')", "6"},
        {"return struct.size('bi8')", "9"},
        {"return struct.size('!bi8')", "16"},
        {"return struct.size('!4bi8')", "12"},
        {"return struct.size('!2bd')", "10"},
        {"return struct.size('!16bi16')", "32"},
        {"return struct.size('!64bi32')", "64"},
        {"return struct.size('!8bi3')", "6"},
        {"return struct.size('!8bc5i4')", "12"},
        {"return struct.size('<>! \\0i')", "0"},
        {"return struct.size('s')",
         "t:1: bad argument #1 to 'size' (option 's' has no fixed size)"},
        {"return struct.size('c0')",
         "t:1: bad argument #1 to 'size' (option 'c0' has no fixed size)"},
        {"return struct.size('i33')", "t:1: integral size 33 is larger than limit of 32"},
        {"return struct.size('!3')", "t:1: alignment 3 is not a power of 2"},
        {"return struct.size('!0')", "t:1: alignment 0 is not a power of 2"},
        {"return struct.size('@')", "t:1: bad argument #1 to 'size' (invalid format option '@')"},
        {"return struct.size(('c2147483647'):rep(3))", "6442450941"},
    };
    SCRIPT_CHECK(L, cases);
}

static void numbers_of_a_format_do_not_overflow(void **state)
{
    (void)state;
    static const char *const formats[] = {"i99999999999", "I2147483648",  "c2147483648",
                                          "!2147483648",  "!99999999999", ">I9999999999"};
    char chunk[128];
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        snprintf(chunk, sizeof(chunk), "return struct.size('%s')", formats[i]);
        assert_string_equal(script_run(L, chunk), "t:1: integral size overflow");
        snprintf(chunk, sizeof(chunk), "return struct.pack('%s', 1)", formats[i]);
        assert_string_equal(script_run(L, chunk), "t:1: integral size overflow");
        snprintf(chunk, sizeof(chunk), "return struct.unpack('%s', 'abc')", formats[i]);
        assert_string_equal(script_run(L, chunk), "t:1: integral size overflow");
    }
}

static void packing(void **state)
{
    (void)state;
    static const struct script_case cases[] = {
        {"return hex(struct.pack('>i', -1.9))", "ffffffff"},
        {"return hex(struct.pack('<i', 1.9))", "01000000"},
        {"return hex(struct.pack('>I4', 4294967297))", "00000001"},
        {"return hex(struct.pack('>b', 300))", "2c"},
        {"return hex(struct.pack('>i3', -5))", "fffffb"},
        {"return hex(struct.pack('>I8', 2^63))", "8000000000000000"},
        {"return hex(struct.pack('>I8', 2^64))", "0000000000000000"},
        {"return hex(struct.pack('>i8', -1e300))", "8000000000000000"},
        {"return hex(struct.pack('>i16', -2))", "0000000000000000fffffffffffffffe"},
        {"return hex(struct.pack('i', '12'))", "0c000000"},
        {"return hex(struct.pack('i0', 5))", ""},
        {"return hex(struct.pack('>fd', 1.5, 1.5))", "3fc000003ff8000000000000"},
        {"return hex(struct.pack('s', 'a\\0b'))", "61006200"},
        {"return hex(struct.pack('cc2c0x', 'abc', 'abc', 'abc'))", "616162"
                                                                   "616263"
                                                                   "00"},
        {"return hex(struct.pack('!>bs i', 1, 'ab', 3))", "01616200"
                                                          "00000003"},
        {"return hex(struct.pack('! > b < i', 1, 1))", "01000000"
                                                       "01000000"},
        {"return struct.pack('i')", "t:1: bad argument #2 to 'pack' (number expected, got nil)"},
        {"return struct.pack(('i'):rep(9), 1, 2)",
         "t:1: bad argument #4 to 'pack' (number expected, got nil)"},
        {"return struct.pack('s')", "t:1: bad argument #2 to 'pack' (string expected, got nil)"},
        {"return struct.pack('c5', 'abc')", "t:1: bad argument #3 to 'pack' (string too short)"},
        {"return struct.pack('bq', 1, 2)",
         "t:1: bad argument #1 to 'pack' (invalid format option 'q')"},
        {"return #struct.pack(('c0'):rep(200) , unpack((function() local t = {} for i = 1, 200 do "
         "t[i] = ('x'):rep(5000) end return t end)()))",
         "1000000"},
    };
    SCRIPT_CHECK(L, cases);
}

static void unpacking(void **state)
{
    (void)state;
    static const struct script_case cases[] = {
        {"return struct.unpack('>i4', raw'00000001')", "1 5"},
        {"return struct.unpack('>i4b', raw'ff00000001fe', 2)", "1 -2 7"},
        {"return struct.unpack('>i3I3', raw'fffffefffffe')", "-2 16777214 7"},
        {"return struct.unpack('>I8', raw'ffffffffffffffff')", "1.844674407371e+19 9"},
        {"return struct.unpack('>i16', ('\\255'):rep(16))", "-1 17"},
        {"return struct.unpack('i0b', '\\5')", "0 5 2"},
        {"return struct.unpack('>f', raw'3fc00000')", "1.5 5"},
        {"return struct.unpack('!bd', struct.pack('!bd', 1, 1.5))", "1 1.5 17"},
        {"return struct.unpack('ss', 'abc\\0de\\0')", "abc de 8"},
        {"return struct.unpack('bc0', '\\2abc')", "ab 4"},
        {"return struct.unpack('sc0', '2\\0abc')", "ab 5"},
        {"return struct.unpack('bc0', '\\0')", " 2"},
        {"return struct.unpack('', 'abc', 9)", "9"},
        {"return select('#', struct.unpack(('b'):rep(7900), ('a'):rep(7900)))", "7901"},
        {"return struct.unpack('c0', 'abc')", "t:1: format 'c0' needs a previous size"},
        {"return struct.unpack('c0', 'abc', 1)", "t:1: format 'c0' needs a previous size"},
        {"return struct.unpack('bc0c0', '\\2abc')", "t:1: format 'c0' needs a previous size"},
        {"return struct.unpack('s', 'abc')", "t:1: unfinished string in data"},
        {"return struct.unpack('s', 'abc\\0', 5)", "t:1: unfinished string in data"},
        {"return struct.unpack('b', 'a', 0)",
         "t:1: bad argument #3 to 'unpack' (offset must be 1 or greater)"},
        {"return struct.unpack('b', 'a', -2^63)",
         "t:1: bad argument #3 to 'unpack' (offset must be 1 or greater)"},
        {"return struct.unpack(('b'):rep(1e5), ('a'):rep(1e5))",
         "t:1: stack overflow (too many results)"},
    };
    SCRIPT_CHECK(L, cases);
}

static void data_that_is_too_short_is_told(void **state)
{
    (void)state;
    static const char *const calls[] = {"'i', 'abc'",
                                        "'c5', 'abc'",
                                        "'c2147483647', 'abc'",
                                        "'x', ''",
                                        "'bc0', '\\5abc'",
                                        "'bc0', '\\255abc'",
                                        "'b', 'a', 2",
                                        "'s', 'abc\\0', 6",
                                        "'i', 'a', 2^62",
                                        "'x', 'a', 2^63 - 1024",
                                        "'!bi32', 'a', 2^63 - 1024",
                                        "'dc0', struct.pack('d', 0/0) .. 'abc'",
                                        "'dc0', struct.pack('d', 1e300) .. 'abc'"};
    char chunk[128];
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        snprintf(chunk, sizeof(chunk), "return struct.unpack(%s)", calls[i]);
        const char *got = script_run(L, chunk);
        if (strcmp(got, "t:1: bad argument #2 to 'unpack' (data string too short)") != 0)
            fail_msg("%s gives %s", chunk, got);
    }
}

/* Every cut of packed data is refused, and all of it reads as what it was. */
static void data_cut_at_any_byte(void **state)
{
    (void)state;
    static const struct script_case cases[] = {
        {"local f, n = '!>bi4shI8dlT', 0 "
         "local s = struct.pack(f, -1, -2, 'text', 3, 4, 5.5, 6, 7) "
         "for i = 0, #s - 1 do if pcall(struct.unpack, f, s:sub(1, i)) then n = n + 1 end end "
         "return n, struct.unpack(f, s)",
         "0 -1 -2 text 3 4 5.5 6 7 49"},
    };
    SCRIPT_CHECK(L, cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_and_alignment),
        cmocka_unit_test(numbers_of_a_format_do_not_overflow),
        cmocka_unit_test(packing),
        cmocka_unit_test(unpacking),
        cmocka_unit_test(data_that_is_too_short_is_told),
        cmocka_unit_test(data_cut_at_any_byte),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
