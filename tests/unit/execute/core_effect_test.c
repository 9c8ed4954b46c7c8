/*
 * What commands tell, one by one. The stream has selected database 0 before each test, and the time
 * is 1700000000000.
 */
#include "unit/execute/effects_fixture.h"

static struct session *one;

static int begin(void **state)
{
    effects_open(state);
    one = core_session(1);
    core_ask(one, "SET begun 1");
    effects_forget();
    return 0;
}

#define told_test(name) cmocka_unit_test_setup_teardown(name, begin, effects_close)

/* Runs a line and says what it told. */
static void expect_of(struct session *s, const char *line, const char *told)
{
    core_set_time(core.now_ms); /* whatever has passed */
    core_ask(s, line);
    const char *is = effects_told();
    if (strcmp(is, told) != 0) fail_msg("%s: told <%s>, not <%s>", line, is, told);
}

static void expect(const char *line, const char *told) { expect_of(one, line, told); }

struct told {
    const char *line, *told;
};

static void expect_all(const struct told *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) expect(rows[i].line, rows[i].told);
}
#define expect_rows(rows) expect_all(rows, sizeof(rows) / sizeof(rows[0]))

static void strings(void **state)
{
    static const struct told rows[] = {
        {"SET k v", "SET k v|"},
        {"GET k", ""},
        {"set k v EX 10", "SET k v PXAT 1700000010000|"},
        {"SET k v px 10", "SET k v PXAT 1700000000010|"},
        {"SET k v EXAT 1800000000 XX GET", "SET k v PXAT 1800000000000|"},
        {"SET k v pxat 1800000000000", "SET k v pxat 1800000000000|"},
        {"SET k w KEEPTTL", "SET k w KEEPTTL|"},
        {"SET k w GET KEEPTTL", "SET k w KEEPTTL|"},
        {"SET k v NX", ""},
        {"SET none v XX", ""},
        {"SET k v XX", "SET k v|"},
        {"SETEX k 10 v", "SET k v PXAT 1700000010000|"},
        {"PSETEX k 10 v", "SET k v PXAT 1700000000010|"},
        {"SETNX k v", ""},
        {"SETNX l v", "SETNX l v|"},
        {"GETSET k w", "SET k w|"},
        {"GETEX k", ""},
        {"GETEX k EX 5", "PEXPIREAT k 1700000005000|"},
        {"GETEX k PERSIST", "PERSIST k|"},
        {"GETEX k PERSIST", ""},
        {"GETEX k EXAT 5", "DEL k|"},
        {"GETDEL k", ""},
        {"GETDEL l", "DEL l|"},
        {"INCR n", "INCR n|"},
        {"INCRBYFLOAT n 0.5", "SET n 1.5 KEEPTTL|"},
        {"INCR n", ""},
        {"APPEND n 1", "APPEND n 1|"},
        {"SETRANGE n 0 9", "SETRANGE n 0 9|"},
        {"SETRANGE n 0 ", ""},
        {"MSET a 1 b 2", "MSET a 1 b 2|"},
        {"MSETNX a 1 c 2", ""},
        {"BITFIELD b GET u8 0", ""},
        {"SETBIT b 1 1", "SETBIT b 1 1|"},
        {"PFADD p x", "PFADD p x|"},
        {"PFCOUNT p", "PFCOUNT p|"},
        {"PFCOUNT p", ""},
        {"DEL nothing", ""},
        {"DEL a b nothing", "DEL a b nothing|"},
    };
    (void)state;
    expect_rows(rows);
}

static void deadlines(void **state)
{
    static const struct told rows[] = {
        {"EXPIRE begun 10", "PEXPIREAT begun 1700000010000|"},
        {"PEXPIRE begun 10", "PEXPIREAT begun 1700000000010|"},
        {"PEXPIRE begun 5 GT", ""},
        {"PEXPIRE begun 50 GT", "PEXPIREAT begun 1700000000050|"},
        {"EXPIREAT begun 1800000000", "PEXPIREAT begun 1800000000000|"},
        {"PEXPIREAT begun 1800000000000", "PEXPIREAT begun 1800000000000|"},
        {"PERSIST begun", "PERSIST begun|"},
        {"PERSIST begun", ""},
        {"EXPIRE begun -1", "DEL begun|"},
        {"EXPIRE begun 10", ""},
    };
    (void)state;
    expect_rows(rows);
    core_set("lazyfree-lazy-expire", "yes");
    core_ask(one, "SET k v");
    effects_forget();
    expect("EXPIRE k 0", "UNLINK k|");
}

static void what_expires(void **state)
{
    (void)state;
    core_ask(one, "SET k v PX 10");
    core_ask(one, "SET l v PX 10");
    core_ask(one, "SET m v PX 10");
    core_ask(one, "HSET h a 1 b 2 c 3");
    core_ask(one, "HPEXPIRE h 10 FIELDS 2 a b");
    effects_forget();
    core_set_time(core.now_ms + 20);
    expect("GET k", "DEL k|");
    expect("SET begun 2", "SET begun 2|");
    /* What went is told before what the command did, and with it. */
    expect("SETNX l w", "MULTI|DEL l|SETNX l w|EXEC|");
    expect("HDEL h c", "MULTI|HDEL h a|HDEL h b|HDEL h c|EXEC|");
    core_ask(one, "HSET h2 a 1");
    core_ask(one, "HPEXPIRE h2 10 FIELDS 1 a");
    core_set_time(core.now_ms + 20);
    effects_forget();
    keyspace_expire_due(100, 100000);
    const char *told = effects_told(); /* in either order */
    assert_int_equal(strlen(told), strlen("DEL m|HDEL h2 a|"));
    assert_non_null(strstr(told, "DEL m|"));
    assert_non_null(strstr(told, "HDEL h2 a|"));
    expect("EXISTS h2", "");
}

/* Nothing but what went by itself is no transaction. */
static void what_is_met_by_reading(void **state)
{
    (void)state;
    core_ask(one, "MSET k 1 l 1");
    core_ask(one, "PEXPIRE k 1");
    core_ask(one, "PEXPIRE l 1");
    effects_forget();
    core_set_time(core.now_ms + 20);
    expect("MGET k l", "DEL k|DEL l|");
}

static void lists(void **state)
{
    static const struct told rows[] = {
        {"RPUSH l 1 2 3 4 5 6 7 8 9", "RPUSH l 1 2 3 4 5 6 7 8 9|"},
        {"LPOP l", "LPOP l|"},
        {"LPOP l 0", ""},
        {"BLPOP none l 0", "LPOP l|"},
        {"BRPOP l 0", "RPOP l|"},
        {"LMPOP 2 none l RIGHT COUNT 2", "RPOP l 2|"},
        {"BLMPOP 0 2 none l LEFT", "LPOP l 1|"},
        {"BLMOVE l m left right 0", "LMOVE l m left right|"},
        {"BRPOPLPUSH l m 0", "RPOPLPUSH l m|"},
        {"LMPOP 1 l LEFT COUNT 10", "LPOP l 1|"},
        {"LMPOP 1 l LEFT COUNT 10", ""},
        {"SORT m STORE l", "SORT m STORE l|"},
        {"SORT m", ""},
        {"LTRIM l 0 0", "LTRIM l 0 0|"},
    };
    (void)state;
    expect_rows(rows);
}

static void sets_and_sorted_sets(void **state)
{
    static const struct told rows[] = {
        {"SADD s a", "SADD s a|"},
        {"SPOP s", "SREM s a|"},
        {"SPOP s", ""},
        {"SADD s a b c", "SADD s a b c|"},
        {"SPOP s 0", ""},
        {"SPOP s 3", "DEL s|"},
        {"ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", "ZADD z 1 a 2 b 3 c 4 d 5 e 6 f|"},
        {"ZADD z 1 a", ""},
        {"ZINCRBY z 1.5 a", "ZINCRBY z 1.5 a|"},
        {"BZPOPMIN none z 0", "ZPOPMIN z|"},
        {"BZPOPMAX z 0", "ZPOPMAX z|"},
        {"ZMPOP 2 none z MAX COUNT 2", "ZPOPMAX z 2|"},
        {"BZMPOP 0 1 z MIN", "ZPOPMIN z 1|"},
        {"ZMPOP 1 z MIN COUNT 5", "ZPOPMIN z 1|"},
        {"GEOADD g 1 1 a", "GEOADD g 1 1 a|"},
        {"GEORADIUS g 1 1 10 km STORE z", "GEORADIUS g 1 1 10 km STORE z|"},
    };
    (void)state;
    expect_rows(rows);
}

/* Members that were drawn, whichever they were: as many commands as it takes. */
static void many_popped(void **state)
{
    (void)state;
    char line[32];
    for (int i = 0; i < 3000; i++) {
        snprintf(line, sizeof(line), "SADD s m%d", i);
        core_ask(one, line);
    }
    core_ask(one, "SADD t a b c d e");
    effects_forget();
    core_ask(one, "SPOP t 3");
    core_ask(one, "SPOP s 100");
    core_ask(one, "SPOP s 2890");
    const char *told = effects_told();
    assert_true(strncmp(told, "SREM t ", 7) == 0);
    unsigned srems = 0, words = 0;
    for (const char *at = told; (at = strstr(at, "SREM s")) != NULL; at++) srems++;
    for (const char *at = told; (at = strchr(at, 'm')) != NULL; at++) words++;
    assert_int_equal(srems, 1 + 3); /* of 1024 members at most */
    assert_int_equal(words, 2990);
    char *state_now = effects_state(one);
    core_set_time(core.now_ms + 1000);
    effects_replay(core_session(2));
    char *state_again = effects_state(one);
    assert_string_equal(state_again, state_now);
    free(state_now);
    free(state_again);
}

static void hashes(void **state)
{
    static const struct told rows[] = {
        {"HSET h a 1 b 2 c 3 d 4", "HSET h a 1 b 2 c 3 d 4|"},
        {"HINCRBYFLOAT h a 0.5", "HSET h a 1.5|"},
        {"HEXPIRE h 10 FIELDS 2 a x", "HPEXPIREAT h 1700000010000 FIELDS 2 a x|"},
        {"HEXPIRE h 20 NX FIELDS 1 a", ""},
        {"HPEXPIRE h 20 LT FIELDS 1 a", "HPEXPIREAT h 1700000000020 LT FIELDS 1 a|"},
        {"HINCRBYFLOAT h a 0.5", "HSETEX h KEEPTTL FIELDS 1 a 2|"},
        {"HPERSIST h FIELDS 2 a b", "HPERSIST h FIELDS 2 a b|"},
        {"HGETEX h EX 10 FIELDS 1 a", "HPEXPIREAT h 1700000010000 FIELDS 1 a|"},
        {"HGETEX h PERSIST FIELDS 1 a", "HPERSIST h FIELDS 1 a|"},
        {"HGETEX h FIELDS 1 a", ""},
        {"HGETEX h PXAT 1 FIELDS 1 a", "HDEL h a|"},
        {"HPEXPIREAT h 1 FIELDS 1 b", "HDEL h b|"},
        {"HGETDEL h FIELDS 2 c x", "HDEL h c x|"},
        {"HSETEX h FNX EX 10 FIELDS 1 e 5", "HSETEX h PXAT 1700000010000 FIELDS 1 e 5|"},
        {"HSETEX h FIELDS 1 f 5", "HSET h f 5|"},
        {"HSETEX h KEEPTTL FIELDS 1 e 6", "HSETEX h KEEPTTL FIELDS 1 e 6|"},
        {"HSETEX h PXAT 1 FIELDS 2 e 6 f 7", "HDEL h e f|"},
        {"HSETNX h d 1", ""},
    };
    (void)state;
    expect_rows(rows);
}

static void streams(void **state)
{
    static const struct told rows[] = {
        {"XADD x 5 f v", "XADD x 5 f v|"},
        {"XADD x 5-* f v", "XADD x 5-1 f v|"},
        {"XADD x NOMKSTREAM * f v", "XADD x 1700000000000-0 f v|"},
        {"XADD x MAXLEN 2 * f v", "XADD x MAXLEN = 2 1700000000000-1 f v|"},
        {"XADD x MAXLEN 9 1800000000000-0 f v", "XADD x MAXLEN 9 1800000000000-0 f v|"},
        {"XADD x MAXLEN ~ 1 1800000000000-1 f v", "XADD x MAXLEN = 2 1800000000000-1 f v|"},
        {"XADD x MINID ~ 5 1800000000000-2 f v", "XADD x 1800000000000-2 f v|"},
        {"XTRIM x MAXLEN ~ 1", "XTRIM x MAXLEN = 1|"},
        {"XTRIM x MAXLEN 1", ""},
    };
    (void)state;
    core_set("stream-node-max-entries", "2");
    expect_rows(rows);
}

static void groups(void **state)
{
    static const struct told rows[] = {
        {"XGROUP CREATE x g $ MKSTREAM", "XGROUP CREATE x g $ MKSTREAM|"},
        {"XADD x 1 f v", "XADD x 1 f v|"},
        {"XADD x 2 f v", "XADD x 2 f v|"},
        {"XADD x 3 f v", "XADD x 3 f v|"},
        {"XREADGROUP GROUP g c COUNT 2 STREAMS x >",
         "MULTI|XGROUP CREATECONSUMER x g c|XCLAIM x g c 0 1-0 2-0 TIME 1700000000000 RETRYCOUNT 1 "
         "FORCE JUSTID LASTID 2-0|XGROUP SETID x g 2-0 ENTRIESREAD 2|EXEC|"},
        {"XREADGROUP GROUP g c COUNT 1 STREAMS x 0",
         "XCLAIM x g c 0 1-0 TIME 1700000000000 RETRYCOUNT 2 FORCE JUSTID LASTID 2-0|"},
        {"XREADGROUP GROUP g c NOACK STREAMS x >", "XGROUP SETID x g 3-0 ENTRIESREAD 3|"},
        {"XREADGROUP GROUP g c STREAMS x >", ""},
        {"XCLAIM x g d 0 1 IDLE 1000",
         "MULTI|XGROUP CREATECONSUMER x g d|XCLAIM x g d 0 1-0 TIME 1699999999000 RETRYCOUNT 3 "
         "FORCE JUSTID LASTID 3-0|EXEC|"},
        {"XCLAIM x g d 0 9 LASTID 7", "XGROUP SETID x g 7-0 ENTRIESREAD 3|"},
        {"XDEL x 2", "XDEL x 2|"},
        {"XAUTOCLAIM x g c 0 0 COUNT 10 JUSTID",
         "MULTI|XACK x g 2-0|XCLAIM x g c 0 1-0 TIME 1700000000000 RETRYCOUNT 3 FORCE JUSTID "
         "LASTID 7-0|EXEC|"},
        {"XACK x g 1", "XACK x g 1|"},
        {"XAUTOCLAIM x g c 0 0", ""},
        {"XREADGROUP GROUP g e STREAMS x 0", "XGROUP CREATECONSUMER x g e|"},
    };
    (void)state;
    expect_rows(rows);
}

static void keys_and_databases(void **state)
{
    static const struct told rows[] = {
        {"RENAME begun b", "RENAME begun b|"},
        {"COPY b c DB 3", "COPY b c DB 3|"},
        {"MOVE b 2", "MOVE b 2|"},
        {"SELECT 2", ""},
        {"EXPIRE b 100", "SELECT 2|PEXPIREAT b 1700000100000|"},
        {"SWAPDB 2 3", "SWAPDB 2 3|"},
        {"FLUSHDB ASYNC", "FLUSHDB ASYNC|"},
        {"FLUSHDB", "FLUSHDB|"},
        {"FLUSHALL", "FLUSHALL|"},
    };
    (void)state;
    expect_rows(rows);
}

static void restored(void **state)
{
    (void)state;
    core_ask(one, "DUMP begun");
    char *payload = malloc(core.reply.len);
    assert_non_null(payload);
    size_t len = core.reply.len - 5 - 2; /* "$12\r\n" and an end */
    memcpy(payload, core.reply.buf + 5, len);
    struct bytes args[] = {bytes_of("RESTORE"),      bytes_of("k"),       bytes_of("1000"),
                           bytes_make(payload, len), bytes_of("REPLACE"), bytes_of("ABSTTL")};
    struct command cmd = core_command(args, 5);
    assert_true(run(one, &cmd, &core.reply));
    const char *told = effects_told();
    assert_memory_equal(told, "RESTORE k 1700000001000 ", 24);
    static const char end[] = "\r\n$7\r\nREPLACE\r\n$6\r\nABSTTL\r\n";
    size_t end_len = sizeof(end) - 1;
    assert_memory_equal(effects.stream.buf + effects.stream.len - end_len, end, end_len);
    cmd = core_command(args, 6); /* 1000 ms after 1970 */
    assert_true(run(one, &cmd, &core.reply));
    assert_string_equal(effects_told(), "DEL k|");
    assert_true(run(one, &cmd, &core.reply));
    assert_string_equal(effects_told(), "");
    free(payload);
}

/* Who waits is served by the command of another, and tells it as one of its own. */
static void who_waited(void **state)
{
    (void)state;
    struct session *two = core_session(2), *three = core_session(3);
    expect_of(two, "BLPOP l 0", "");
    expect_of(three, "BLMOVE m l LEFT RIGHT 0", "");
    expect("RPUSH m 1", "RPUSH m 1|");
    core_run_woken();
    assert_string_equal(effects_told(), "LMOVE m l LEFT RIGHT|LPOP l|");
    core_ask(one, "XGROUP CREATE x g $ MKSTREAM");
    effects_forget();
    expect_of(two, "XREADGROUP GROUP g c BLOCK 0 STREAMS x >", "XGROUP CREATECONSUMER x g c|");
    expect("XADD x 1 f v", "XADD x 1 f v|");
    core_run_woken();
    assert_string_equal(effects_told(),
                        "MULTI|XCLAIM x g c 0 1-0 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID "
                        "LASTID 1-0|XGROUP SETID x g 1-0 ENTRIESREAD 1|EXEC|");
}

static void transactions(void **state)
{
    (void)state;
    expect("MULTI", "");
    expect("SET k v", "");
    expect("EXEC", "SET k v|");
    core_ask(one, "MULTI");
    core_ask(one, "SET k w EX 10");
    core_ask(one, "GET k");
    core_ask(one, "LPUSH k w");
    core_ask(one, "SELECT 1");
    core_ask(one, "BLPOP l 0");
    core_ask(one, "INCR n");
    core_ask(one, "SELECT 0");
    core_ask(one, "INCR n");
    expect("EXEC", "MULTI|SET k w PXAT 1700000010000|SELECT 1|INCR n|SELECT 0|INCR n|EXEC|");
    core_ask(one, "MULTI");
    core_ask(one, "GET k");
    expect("EXEC", "");
    core_ask(one, "MULTI");
    core_ask(one, "SET k 1");
    expect("DISCARD", "");
}

static void ask_script(const char *script)
{
    struct bytes args[] = {bytes_of("EVAL"), bytes_of(script), bytes_of("0")};
    struct command cmd = core_command(args, 3);
    core.reply.len = 0;
    assert_true(run(one, &cmd, &core.reply));
}

static void expect_script(const char *script, const char *told)
{
    core_set_time(core.now_ms);
    ask_script(script);
    const char *is = effects_told();
    if (strcmp(is, told) != 0) fail_msg("%s: told <%s>, not <%s>", script, is, told);
}

static void scripts(void **state)
{
    (void)state;
    expect_script("return redis.call('GET', 'begun')", "");
    expect_script("redis.call('SET', 'k', 'v', 'EX', 10)", "SET k v PXAT 1700000010000|");
    expect_script("redis.call('SADD', 's', 'a') redis.call('SELECT', 3) "
                  "redis.call('INCR', 'n') redis.call('SELECT', 0) redis.call('SPOP', 's')",
                  "MULTI|SADD s a|SELECT 3|INCR n|SELECT 0|SREM s a|EXEC|");
    /* What an error ends has done what it did. */
    expect_script("redis.call('INCR', 'n') redis.call('INCR', 'n') error('oh')",
                  "MULTI|INCR n|INCR n|EXEC|");
    expect_script("redis.call('INCR', 'n') redis.call('LPUSH', 'n', 1)", "INCR n|");
    expect_script("redis.set_repl(redis.REPL_REPLICA) redis.call('INCR', 'a') "
                  "redis.set_repl(redis.REPL_AOF) redis.call('INCR', 'b') "
                  "redis.set_repl(redis.REPL_NONE) redis.call('INCR', 'c') ",
                  "INCR b|");
    expect("INCR d", "INCR d|"); /* that was the script's */
    core_ask(one, "MULTI");
    ask_script("return redis.call('INCR', 'e')");
    core_ask(one, "INCR f");
    expect("EXEC", "MULTI|INCR e|INCR f|EXEC|");
}

static void functions(void **state)
{
    static const char *const code =
        "#!lua name=lib\nredis.register_function('bump', function(keys) "
        "redis.call('INCR', keys[1]) return redis.call('INCR', keys[1]) end)";
    (void)state;
    struct bytes args[] = {bytes_of("FUNCTION"), bytes_of("LOAD"), bytes_of(code)};
    struct command cmd = core_command(args, 3);
    assert_true(run(one, &cmd, &core.reply));
    assert_memory_equal(effects_told(), "FUNCTION LOAD #!lua", 19);
    expect("FCALL bump 1 n", "MULTI|INCR n|INCR n|EXEC|");
    expect("FUNCTION DELETE lib", "FUNCTION DELETE lib|");
    expect("FUNCTION DELETE lib", "");
    expect("FUNCTION FLUSH", "FUNCTION FLUSH|");
    expect("SCRIPT FLUSH", "");
}

/* The log is switched on and off within a transaction: what is told is what came between. */
static void ears_that_open_midway(void **state)
{
    (void)state;
    effect_listen(false);
    expect("SET k 1", "");
    effect_unit_begin();
    effect_listen(true);
    expect("SET k 2", "SELECT 0|SET k 2|");
    effect_unit_begin();
    struct call c = {.db = keyspace_db(0)};
    effect_begin(&c, 1);
    effect_word("LOST");
    effect_listen(false);
    effect_unit_end();
    assert_string_equal(effects_told(), "");
    effect_listen(true);
    expect("SET k 3", "SELECT 0|SET k 3|");
}

/* What is told is handed over in the midst of a unit, while a script breathes: whole units only. */
static void open_units_stay(void **state)
{
    (void)state;
    struct call c = {.db = keyspace_db(0)};
    size_t kept = 0;
    for (int round = 0; round < 3; round++) {
        effect_unit_begin();
        for (int i = 0; i < 2000 * round + 1; i++) {
            effect_begin(&c, 2);
            effect_word("ECHO");
            effect_word("a text that takes its room in a buffer of sixty-four kibibytes");
            if (i % 500 == 0) effects_catch();
            assert_int_equal(effects.stream.len, effects.shown_to + kept);
        }
        effect_unit_end();
        effects_catch();
        assert_true(effects.stream.len > effects.shown_to + kept);
        kept = effects.stream.len - effects.shown_to;
    }
    unsigned count = 0;
    for (const char *at = effects_told(); (at = strstr(at, "ECHO")) != NULL; at++) count++;
    assert_int_equal(count, 1 + 2001 + 4001);
}

/* In a replay nothing is due, and what is told as past stays. */
static void nothing_is_due_in_a_replay(void **state)
{
    (void)state;
    run_replay(true);
    core_set_time(core.now_ms + 1000);
    core_expect(one, "SET k v PXAT 5", "+OK|");
    core_expect(one, "APPEND k w", ":2|");
    core_expect(one, "PEXPIREAT k 6", ":1|");
    core_expect(one, "HSET h f 1", ":1|");
    core_expect(one, "HPEXPIREAT h 5 FIELDS 1 f", "*1|:1|");
    core_expect(one, "HINCRBY h f 1", ":2|");
    core_expect(one, "XADD x MAXLEN = 5 LIMIT 3 1 f v", "$3|1-0|");
    core_expect(one, "DBSIZE", ":4|");
    keyspace_expire_due(100, 100000);
    assert_int_equal(keyspace_next_due_ms(), -1);
    core_expect(one, "GET k", "$2|vw|");
    run_replay(false);
    core_expect(one, "GET k", "$-1|");
    core_expect(one, "HGET h f", "$-1|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        told_test(strings),
        told_test(deadlines),
        told_test(what_expires),
        told_test(what_is_met_by_reading),
        told_test(lists),
        told_test(sets_and_sorted_sets),
        told_test(many_popped),
        told_test(hashes),
        told_test(streams),
        told_test(groups),
        told_test(keys_and_databases),
        told_test(restored),
        told_test(who_waited),
        told_test(transactions),
        told_test(scripts),
        told_test(functions),
        told_test(ears_that_open_midway),
        told_test(open_units_stay),
        told_test(nothing_is_due_in_a_replay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
