/* The command table: names, containers, keys, arguments, renames. */
#include "catalog/command.h"
#include "catalog/command_docs.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define ARGS_MAX 400

/* A request from words between single spaces. */
struct request {
    struct bytes args[ARGS_MAX];
    uint32_t nargs;
};

static struct request request_of(const char *line)
{
    struct request r = {.nargs = 0};
    while (*line != '\0') {
        size_t len = strcspn(line, " ");
        r.args[r.nargs++] = bytes_make(line, len);
        line += len + (line[len] == ' ');
    }
    return r;
}

static const struct command_spec *found(const char *line)
{
    struct request r = request_of(line);
    bool no_such_sub = true;
    const struct command_spec *c = command_find(r.args, r.nargs, &no_such_sub);
    assert_false(no_such_sub);
    return c;
}

static const struct command_spec *named(const char *name) { return command_named(bytes_of(name)); }

/* "key:flags key:flags", or "!" when the arguments make no sense. */
static const char *keys_of(const char *line)
{
    static char text[1024];
    struct request r = request_of(line);
    bool no_such_sub;
    const struct command_spec *c = command_find(r.args, r.nargs, &no_such_sub);
    assert_non_null(c);
    assert_true(command_arity_fits(c, r.nargs));
    struct key_use uses[ARGS_MAX];
    int64_t n = command_keys(c, r.args, r.nargs, uses, ARGS_MAX);
    if (n < 0) return "!";
    size_t at = 0;
    text[0] = '\0';
    for (int64_t i = 0; i < n; i++) {
        struct bytes key = r.args[uses[i].index];
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s", i == 0 ? "" : " ",
                               (int)key.len, key.ptr);
        for (unsigned bit = 0; key_flag_name(bit) != NULL; bit++) {
            if ((uses[i].flags >> bit & 1) == 0) continue;
            at += (size_t)snprintf(text + at, sizeof(text) - at, ":%s", key_flag_name(bit));
        }
    }
    return text;
}

static int open_table(void **state)
{
    (void)state;
    command_open();
    return 0;
}

static void every_row_is_found_by_its_names(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CMD_COUNT; i++) {
        const struct command_spec *c = command_by_id(i);
        assert_int_equal(c->id, i);
        assert_ptr_equal(named(c->full), c);
        char line[64];
        size_t n = 0;
        for (; c->full[n] != '\0'; n++)
            line[n] = c->full[n] == '|' ? ' ' : (char)toupper((unsigned char)c->full[n]);
        line[n] = '\0';
        assert_ptr_equal(found(line), c);
        assert_int_equal(strncmp(c->syntax, line, n), 0);
    }
}

static void every_row_is_complete(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CMD_COUNT; i++) {
        const struct command_spec *c = command_by_id(i);
        assert_true(strlen(c->summary) > 10 && c->summary[strlen(c->summary) - 1] == '.');
        assert_true(strlen(c->complexity) >= 4);
        assert_non_null(c->tips);
        assert_int_not_equal(c->arity, 0);
        assert_true((c->flags & CF_WRITE) == 0 || (c->flags & CF_READONLY) == 0);
        bool fast = (c->categories & CAT_FAST) != 0;
        bool slow = (c->categories & CAT_SLOW) != 0;
        assert_true(fast != slow);
        assert_int_equal(c->is_container, c->parent == NULL && i + 1 < CMD_COUNT &&
                                              command_by_id(i + 1)->parent != NULL);
    }
}

static void names_ignore_case_and_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(found("gEt")->id, CMD_GET);
    assert_int_equal(found("INCRBYfloat")->id, CMD_INCRBYFLOAT);
    static const char *const strangers[] = {
        "",
        "g",
        "ge",
        "gett",
        "get\n",
        "incrbyfloaT2",
        "incrbyfloax",
        "bitfield\x7fro",
        "bitfield?ro",
        "\x07\x05\x14",
        "\xe7\xe5\xf4",
        "client|list",
        "list",
    };
    for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
        struct bytes name = bytes_of(strangers[i]);
        bool no_such_sub;
        assert_null(command_find(&name, 1, &no_such_sub));
        assert_false(no_such_sub);
    }
    char longest[600];
    memset(longest, 'a', sizeof(longest));
    memcpy(longest, "get", 3);
    assert_null(command_named(bytes_make(longest, sizeof(longest))));
    assert_null(command_named(bytes_make(longest, 256 + 3)));
    assert_null(command_named(bytes_make("ge\0t", 4)));
    assert_null(command_named(bytes_make(NULL, 0)));
}

static void containers_choose_by_the_second_word(void **state)
{
    (void)state;
    assert_int_equal(found("client list")->id, CMD_CLIENT_LIST);
    assert_int_equal(found("CLIENT No-Evict on")->id, CMD_CLIENT_NO_EVICT);
    assert_int_equal(found("client")->id, CMD_CLIENT);
    assert_int_equal(found("command")->id, CMD_COMMAND);
    assert_int_equal(found("get list")->id, CMD_GET);

    struct request r = request_of("config bla");
    bool no_such_sub = false;
    assert_int_equal(command_find(r.args, r.nargs, &no_such_sub)->id, CMD_CONFIG);
    assert_true(no_such_sub);
    r = request_of("slowlog usage");
    assert_int_equal(command_find(r.args, r.nargs, &no_such_sub)->id, CMD_SLOWLOG);
    assert_true(no_such_sub);
}

static void names_with_a_bar(void **state)
{
    (void)state;
    assert_int_equal(named("Client|List")->id, CMD_CLIENT_LIST);
    assert_null(named("get|key"));
    assert_null(named("config|get|key"));
    assert_null(named("client|"));
    assert_null(named("|list"));
    assert_null(named("|"));
}

static void arity_counts_the_name(void **state)
{
    (void)state;
    assert_true(command_arity_fits(named("get"), 2));
    assert_false(command_arity_fits(named("get"), 1));
    assert_false(command_arity_fits(named("get"), 3));
    assert_true(command_arity_fits(named("set"), 3));
    assert_true(command_arity_fits(named("set"), 9));
    assert_false(command_arity_fits(named("set"), 2));
    assert_false(command_arity_fits(named("client|kill"), 2));
}

static void categories_follow_from_flags(void **state)
{
    (void)state;
    assert_int_equal(named("get")->categories, CAT_READ | CAT_STRING | CAT_FAST);
    assert_int_equal(named("setbit")->categories, CAT_WRITE | CAT_BITMAP | CAT_SLOW);
    assert_int_equal(named("client|kill")->categories,
                     CAT_ADMIN | CAT_DANGEROUS | CAT_SLOW | CAT_CONNECTION);
    assert_int_equal(named("keys")->categories, CAT_KEYSPACE | CAT_READ | CAT_SLOW | CAT_DANGEROUS);
    assert_int_equal(named("config")->categories, CAT_SLOW);
}

static void keys_stand_where_the_specifications_say(void **state)
{
    (void)state;
    assert_string_equal(keys_of("get k"), "k:RO:access");
    assert_string_equal(keys_of("mset a 1 b 2"), "a:OW:update b:OW:update");
    assert_string_equal(keys_of("mset a 1 b"), "a:OW:update b:OW:update");
    assert_string_equal(keys_of("del a b c"), "a:RM:delete b:RM:delete c:RM:delete");
    assert_string_equal(keys_of("lcs a b len"), "a:RO:access b:RO:access");
    assert_string_equal(keys_of("bitop and d a b"), "d:OW:update a:RO:access b:RO:access");
    assert_string_equal(keys_of("rename a b"), "a:RW:access:delete b:OW:update");
    assert_string_equal(keys_of("memory usage k samples 5"), "k:RO");
    assert_string_equal(keys_of("ping k"), "");
    assert_int_equal(named("get")->first_key, 1);
    assert_int_equal(named("bitop")->first_key, 2);
    assert_int_equal(named("object|encoding")->first_key, 2);
    assert_int_equal(named("ping")->first_key, 0);
}

static void key_flags_follow_the_arguments(void **state)
{
    (void)state;
    assert_string_equal(keys_of("set k v"), "k:OW:update");
    assert_string_equal(keys_of("set k v NX EX 5"), "k:OW:update");
    assert_string_equal(keys_of("set k v px 5 GeT"), "k:RW:access:update");
    assert_string_equal(keys_of("set k get"), "k:OW:update");
    assert_string_equal(keys_of("bitfield k"), "k:RO:access");
    assert_string_equal(keys_of("bitfield k get u8 0 GET u4 1"), "k:RO:access");
    assert_string_equal(keys_of("bitfield k overflow sat get u8 0"), "k:RO:access");
    assert_string_equal(keys_of("bitfield k get u8 0 set u8 0 1"), "k:RW:access:update");
    assert_string_equal(keys_of("bitfield k overflow sat incrby u8 0 1"), "k:RW:access:update");
    assert_string_equal(keys_of("bitfield k get u8"), "k:RW:access:update");
}

static void more_keys_than_room_are_counted(void **state)
{
    (void)state;
    struct bytes args[ARGS_MAX];
    for (uint32_t i = 0; i < ARGS_MAX; i++) args[i] = bytes_of("x");
    struct key_use uses[3] = {{0, 0}, {0, 0}, {77, 77}};
    assert_int_equal(command_keys(named("exists"), args, ARGS_MAX, uses, 2), ARGS_MAX - 1);
    assert_int_equal(uses[0].index, 1);
    assert_int_equal(uses[1].index, 2);
    assert_int_equal(uses[2].index, 77);
}

/* No command has these specifications yet. */
static void counted_and_keyword_specifications(void **state)
{
    (void)state;
    const struct key_spec specs[] = {
        {.flags = KEY_RO,
         .begin = KEY_BEGIN_INDEX,
         .begin_index = 1,
         .find = KEY_FIND_KEYNUM,
         .keynum_index = 0,
         .first = 1,
         .step = 1},
        {.flags = KEY_OW,
         .begin = KEY_BEGIN_KEYWORD,
         .begin_keyword = "STORE",
         .begin_index = -2,
         .find = KEY_FIND_RANGE,
         .last = 0,
         .step = 1},
        {.flags = KEY_RW,
         .begin = KEY_BEGIN_KEYWORD,
         .begin_keyword = "STREAMS",
         .begin_index = 1,
         .find = KEY_FIND_RANGE,
         .last = -1,
         .step = 1,
         .limit = 2},
    };
    struct command_spec c = *named("ping");
    struct key_use uses[8];
    c.keys = specs;
    c.key_count = 2;
    struct request r = request_of("x 2 a b by store d");
    assert_int_equal(command_keys(&c, r.args, r.nargs, uses, 8), 3);
    assert_int_equal(uses[0].index, 2);
    assert_int_equal(uses[1].index, 3);
    assert_int_equal(uses[2].index, 6);
    assert_int_equal(uses[2].flags, KEY_OW);
    r = request_of("x 0 a b");
    assert_int_equal(command_keys(&c, r.args, r.nargs, uses, 8), 0);
    static const char *const wrong[] = {"x 3 a b", "x -1 a", "x bla a", "x 99999999999 a", "x"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        r = request_of(wrong[i]);
        assert_int_equal(command_keys(&c, r.args, r.nargs, uses, 8), -1);
    }

    c.keys = &specs[2];
    c.key_count = 1;
    r = request_of("x count 2 streams a b 1 2");
    assert_int_equal(command_keys(&c, r.args, r.nargs, uses, 8), 2);
    assert_int_equal(uses[0].index, 4);
    assert_int_equal(uses[1].index, 5);
    r = request_of("x count 2 streams");
    assert_int_equal(command_keys(&c, r.args, r.nargs, uses, 8), 0);

    const struct key_spec unknown = {.flags = KEY_RO, .begin = KEY_BEGIN_UNKNOWN};
    c.keys = &unknown;
    assert_int_equal(command_keys(&c, r.args, r.nargs, uses, 8), 0);
}

static void old_clients_get_one_range(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int first, last, step;
    } want[] = {
        {"get", 1, 1, 1},    {"mset", 1, -1, 2},           {"del", 1, -1, 1}, {"lcs", 1, 2, 1},
        {"bitop", 2, -1, 1}, {"memory|usage", 2, 2, 1},    {"copy", 1, 2, 1}, {"ping", 0, 0, 0},
        {"rename", 1, 2, 1}, {"object|encoding", 2, 2, 1},
    };
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        struct command_key_range range = command_docs_key_range(named(want[i].name));
        assert_int_equal(range.first, want[i].first);
        assert_int_equal(range.last, want[i].last);
        assert_int_equal(range.step, want[i].step);
    }
}

/* A tree on one line: name:type, =token, ? optional, * multiple, + with its token, {children}. */
static size_t tree_print(const struct doc_arguments *all, int16_t i, char *out, size_t room)
{
    size_t at = 0;
    for (const char *gap = ""; i >= 0; i = all->at[i].next, gap = " ") {
        const struct doc_argument *a = &all->at[i];
        at += (size_t)snprintf(
            out + at, room - at, "%s%s:%s%s%.*s%s%s%s", gap, a->name, doc_type_name(a->type),
            a->token.len > 0 ? "=" : "", (int)a->token.len, a->token.len > 0 ? a->token.ptr : "",
            a->optional ? "?" : "", a->multiple ? "*" : "", a->multiple_token ? "+" : "");
        if (a->type == DOC_KEY)
            at += (size_t)snprintf(out + at, room - at, "#%d", a->key_spec_index);
        if (a->first_child < 0) continue;
        at += (size_t)snprintf(out + at, room - at, "{");
        at += tree_print(all, a->first_child, out + at, room - at);
        at += (size_t)snprintf(out + at, room - at, "}");
    }
    return at;
}

static const char *tree_of_spec(const struct command_spec *c)
{
    static char text[2048];
    static struct doc_arguments all;
    command_docs_arguments(c, &all);
    text[0] = '\0';
    assert_true(tree_print(&all, all.first, text, sizeof(text)) < sizeof(text));
    return text;
}

static const char *tree_of(const char *name) { return tree_of_spec(named(name)); }

static void arguments_are_made_from_the_syntax(void **state)
{
    (void)state;
    assert_string_equal(tree_of("dbsize"), "");
    assert_string_equal(tree_of("get"), "key:key#0");
    assert_string_equal(tree_of("del"), "key:key*#0");
    assert_string_equal(tree_of("mset"), "key-block:block*{key:key#0 value:string}");
    assert_string_equal(tree_of("auth"), "username:string? password:string");
    assert_string_equal(tree_of("incrbyfloat"), "key:key#0 increment:double");
    assert_string_equal(tree_of("lcs"),
                        "key1:key#0 key2:key#0 len:pure-token=LEN? idx:pure-token=IDX? "
                        "min-match-len:integer=MINMATCHLEN? withmatchlen:pure-token=WITHMATCHLEN?");
    assert_string_equal(
        tree_of("scan"),
        "cursor:integer pattern:pattern=MATCH? count:integer=COUNT? type:string=TYPE?");
    assert_string_equal(tree_of("copy"), "source:key#0 destination:key#1 "
                                         "destination-db:integer=DB? replace:pure-token=REPLACE?");
    assert_string_equal(tree_of("memory|usage"), "key:key#0 count:integer=SAMPLES?");
}

static void choices_blocks_and_repeats(void **state)
{
    (void)state;
    assert_string_equal(tree_of("bitop"),
                        "operation:oneof{and:pure-token=AND or:pure-token=OR xor:pure-token=XOR "
                        "not:pure-token=NOT} destkey:key#0 key:key*#1");
    assert_string_equal(tree_of("bitpos"),
                        "key:key#0 bit:integer start-block:block?{start:integer "
                        "end-block:block?{end:integer "
                        "unit:oneof?{byte:pure-token=BYTE bit:pure-token=BIT}}}");
    assert_string_equal(tree_of("client|list"),
                        "type:oneof=TYPE?{normal:pure-token=normal master:pure-token=master "
                        "replica:pure-token=replica pubsub:pure-token=pubsub} "
                        "client-id:integer=ID?*");
    assert_string_equal(tree_of("bitfield_ro"),
                        "key:key#0 get-block:block=GET?*+{encoding:string offset:integer}");
    assert_string_equal(
        tree_of("bitfield"),
        "key:key#0 operation:oneof?*{get-block:block=GET{encoding:string offset:integer} "
        "overflow-block:block{overflow:oneof=OVERFLOW?{wrap:pure-token=WRAP sat:pure-token=SAT "
        "fail:pure-token=FAIL} write-operation:oneof{set-block:block=SET{encoding:string "
        "offset:integer value:integer} incrby-block:block=INCRBY{encoding:string offset:integer "
        "increment:integer}}}}");
    assert_string_equal(tree_of("hello"),
                        "protover-block:block?{protover:integer auth-block:block=AUTH?"
                        "{username:string password:string} clientname:string=SETNAME?}");
}

/* What later commands will need. */
static void syntaxes_of_other_commands(void **state)
{
    (void)state;
    struct command_spec c = *named("ping");
    c.syntax = "X host [PREFIX prefix [PREFIX prefix ...]] <*|id> [=|~] [LIMIT offset count]";
    assert_string_equal(tree_of_spec(&c),
                        "host:string prefix:string=PREFIX?*+ *-choice:oneof{*:pure-token=* "
                        "id:string} =-choice:oneof?{=:pure-token== ~:pure-token=~} "
                        "limit-block:block=LIMIT?{offset:integer count:integer}");
    c.syntax = "X STREAMS key [key ...] id [id ...]";
    assert_string_equal(tree_of_spec(&c), "key:string=STREAMS* id:string*");
}

/* Channels of sharded messages have places among the keys, but are none. */
static bool has_keys(const struct command_spec *c)
{
    for (int i = 0; i < c->key_count; i++)
        if (!(c->keys[i].flags & KEY_NOT_KEY)) return true;
    return false;
}

static void every_syntax_makes_arguments(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < CMD_COUNT; i++) {
        const struct command_spec *c = command_by_id(i);
        const char *tree = tree_of_spec(c);
        size_t name_len = strlen(c->full);
        assert_int_equal(tree[0] == '\0', c->syntax[name_len] == '\0');
        if (has_keys(c) != (strstr(tree, ":key") != NULL)) fail_msg("%s: %s", c->full, tree);
    }
}

static void bits_have_names(void **state)
{
    (void)state;
    assert_string_equal(command_flag_name(0), "write");
    assert_string_equal(command_flag_name((unsigned)__builtin_ctz(CF_MOVABLE_KEYS)), "movablekeys");
    assert_string_equal(command_flag_name((unsigned)__builtin_ctz(CF_TOUCHES_ARBITRARY_KEYS)),
                        "touches_arbitrary_keys");
    assert_string_equal(command_flag_name((unsigned)__builtin_ctz(CF_NO_MANDATORY_KEYS)),
                        "no_mandatory_keys");
    assert_null(command_flag_name((unsigned)__builtin_ctz(CF_NO_MANDATORY_KEYS) + 1));
    assert_string_equal(command_category_name((unsigned)__builtin_ctz(CAT_DANGEROUS)), "dangerous");
    assert_string_equal(command_category_name((unsigned)__builtin_ctz(CAT_SCRIPTING)), "scripting");
    assert_null(command_category_name((unsigned)__builtin_ctz(CAT_SCRIPTING) + 1));
    assert_string_equal(key_flag_name((unsigned)__builtin_ctz(KEY_VARIABLE_FLAGS)),
                        "variable_flags");
    assert_null(key_flag_name((unsigned)__builtin_ctz(KEY_VARIABLE_FLAGS) + 1));
}

/* The last test: it changes the table. */
static void renamed_commands(void **state)
{
    (void)state;
    assert_int_equal(command_rename("nosuch", "x"), -ENOENT);
    assert_int_equal(command_rename("client|list", "x"), -ENOENT);
    assert_int_equal(command_rename("flushdb", "GET"), -EEXIST);
    assert_int_equal(command_rename("FlushDB", "Badger"), 0);
    assert_int_equal(command_rename("flushdb", "x"), -ENOENT);
    assert_int_equal(command_rename("get", "badger"), -EEXIST);
    assert_int_equal(command_rename("keys", ""), 0);
    assert_int_equal(command_rename("keys", "x"), -ENOENT);
    assert_int_equal(command_rename("config", "the-config"), 0);
    assert_int_equal(command_rename("slowlog", ""), 0);
    assert_int_equal(command_rename("incr", "decr2"), 0);
    assert_int_equal(command_rename("decr2", "incr"), 0);
    command_open();

    assert_null(named("flushdb"));
    assert_int_equal(found("bADGER")->id, CMD_FLUSHDB);
    assert_string_equal(found("badger")->full, "flushdb");
    assert_null(named("keys"));
    assert_null(named("config"));
    assert_int_equal(found("THE-CONFIG get")->id, CMD_CONFIG_GET);
    assert_int_equal(named("the-config|get")->id, CMD_CONFIG_GET);
    assert_int_equal(named("incr")->id, CMD_INCR);
    assert_null(named("decr2"));
    assert_null(named("slowlog|get"));
    assert_false(command_is_typed(command_by_id(CMD_KEYS)));
    assert_false(command_is_typed(command_by_id(CMD_SLOWLOG_GET)));
    assert_true(command_is_typed(command_by_id(CMD_CONFIG_GET)));
    assert_true(command_is_typed(command_by_id(CMD_FLUSHDB)));
}

static void a_memo_gives_the_same(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "get k",          "GET k",     "set k v", "Get k",           "gat k",
        "config get x",   "CONFIG",    "get k",   "get k",           "config set x",
        "client id",      "client id", "set k v", "nosuch k",        "set",
        "getrange k 1 2", "getrange",  "getrang", "incrbyfloat k 1",
    };
    struct command_memo memo = {0};
    for (unsigned i = 0; i < 200; i++) {
        struct request r = request_of(requests[i * 7 % (sizeof(requests) / sizeof(requests[0]))]);
        bool flaw[2];
        const struct command_spec *c = command_find(r.args, r.nargs, &flaw[0]);
        assert_ptr_equal(command_find_again(&memo, r.args, r.nargs, &flaw[1]), c);
        assert_int_equal(flaw[0], flaw[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_found_by_its_names),
        cmocka_unit_test(every_row_is_complete),
        cmocka_unit_test(a_memo_gives_the_same),
        cmocka_unit_test(names_ignore_case_and_nothing_else),
        cmocka_unit_test(containers_choose_by_the_second_word),
        cmocka_unit_test(names_with_a_bar),
        cmocka_unit_test(arity_counts_the_name),
        cmocka_unit_test(categories_follow_from_flags),
        cmocka_unit_test(keys_stand_where_the_specifications_say),
        cmocka_unit_test(key_flags_follow_the_arguments),
        cmocka_unit_test(more_keys_than_room_are_counted),
        cmocka_unit_test(counted_and_keyword_specifications),
        cmocka_unit_test(old_clients_get_one_range),
        cmocka_unit_test(arguments_are_made_from_the_syntax),
        cmocka_unit_test(choices_blocks_and_repeats),
        cmocka_unit_test(syntaxes_of_other_commands),
        cmocka_unit_test(every_syntax_makes_arguments),
        cmocka_unit_test(bits_have_names),
        cmocka_unit_test(renamed_commands),
    };
    return cmocka_run_group_tests(tests, open_table, NULL);
}
