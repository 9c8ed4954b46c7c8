/*
 * Commands of all families at random, by several sessions, with keys and fields that expire, with
 * clients that wait, in transactions and scripts; then all that was told is run again, later, into
 * empty databases. Everything must be as it was.
 */
#include "unit/execute/effects_fixture.h"

#include <ctype.h>

enum { SESSIONS = 4, REPLAYER = 9, WORDS_MAX = 4096, MANY = 900 };

/*
 * Words of a template: %s %l %h %t %z %x are keys of a type, %k one of any; %m a member, %f a
 * field, %n a small number, %i an integer, %d a score, %e an id of a stream, %p some milliseconds,
 * %a a time to come or past, %r REPLACE or nothing, and %*m some members (and so on).
 */
static const char *const templates[] = {
    "SET %s %m",
    "SET %s %m",
    "SET %s %i",
    "SET %s %m EX 1",
    "SET %s %m PX %p",
    "SET %s %m PXAT %a",
    "SET %s %m XX GET PX %p",
    "SET %s %m NX",
    "SET %k %m GET",
    "SET %s %m XX KEEPTTL",
    "SET %s %m KEEPTTL",
    "SETEX %s 1 %m",
    "PSETEX %s %p %m",
    "SETNX %s %m",
    "GETSET %s %m",
    "GETDEL %s",
    "GETEX %s PX %p",
    "GETEX %s PXAT %a",
    "GETEX %s PERSIST",
    "GET %s",
    "MGET %s %s %s",
    "MSET %s %m %s %m",
    "MSETNX %s %m %s %m",
    "APPEND %s %m",
    "SETRANGE %s %n %m",
    "INCR %s",
    "DECRBY %s %i",
    "INCRBYFLOAT %s 0.1",
    "INCRBYFLOAT %s 1e10",
    "SETBIT %s %n 1",
    "BITFIELD %s INCRBY u4 %n %i OVERFLOW FAIL SET i8 3 %i",
    "BITOP XOR %s %s %s",
    "PFADD %s %*m",
    "PFMERGE %s %s %s",
    "PFCOUNT %s",
    "PFDEBUG GETREG %s",
    "DEL %k %k",
    "UNLINK %k",
    "EXPIRE %k 1",
    "PEXPIRE %k %p",
    "PEXPIRE %k %p",
    "PEXPIRE %k %p GT",
    "PEXPIREAT %k %a",
    "PEXPIREAT %k %a LT",
    "PERSIST %k",
    "RENAME %k %k",
    "RENAMENX %k %k",
    "COPY %k %k",
    "COPY %k %k DB 1 %r",
    "MOVE %k 1",
    "SELECT 1",
    "SELECT 0",
    "SELECT 0",
    "SWAPDB 0 1",
    "EXISTS %k %k",
    "TOUCH %k",
    "RANDOMKEY",
    "SCAN 0",
    "SORT %l ALPHA STORE %l",
    "SORT %t ALPHA DESC LIMIT 0 3 STORE %l",
    "SORT %t BY nosort STORE %l",
    "SORT %l BY w_* GET # STORE %l",
    "SORT %t ALPHA BY h*->f1 GET # GET h*->f2 STORE %l",
    "SORT %z BY nosort DESC STORE %l",
    "LPUSH %l %*m",
    "RPUSH %l %*m",
    "RPUSH %l %*m",
    "LPUSHX %l %m",
    "LPOP %l",
    "RPOP %l %n",
    "LMPOP 2 %l %l LEFT COUNT %n",
    "BLMPOP 1 2 %l %l RIGHT COUNT 2",
    "BLPOP %l %l 1",
    "BRPOP %l 0.01",
    "LMOVE %l %l LEFT RIGHT",
    "BLMOVE %l %l RIGHT RIGHT 1",
    "BRPOPLPUSH %l %l 0.01",
    "RPOPLPUSH %l %l",
    "LSET %l 0 %m",
    "LINSERT %l BEFORE %m %m",
    "LREM %l 1 %m",
    "LTRIM %l 1 5",
    "SADD %t %*m",
    "SADD %t %*m %*i",
    "SADD %t %i",
    "SREM %t %m %m",
    "SMOVE %t %t %m",
    "SPOP %t",
    "SPOP %t %n",
    "SPOP %t 2",
    "SINTERSTORE %t %t %t",
    "SUNIONSTORE %t %t %t",
    "SDIFFSTORE %t %t %t",
    "HSET %h %f %m %f %m",
    "HSET %h %f %i",
    "HMSET %h %f %m",
    "HSETNX %h %f %m",
    "HDEL %h %f %f",
    "HINCRBY %h %f %i",
    "HINCRBYFLOAT %h %f 0.1",
    "HPEXPIRE %h %p FIELDS 2 %f %f",
    "HPEXPIRE %h %p NX FIELDS 3 %f %f %f",
    "HPEXPIREAT %h %a FIELDS 1 %f",
    "HPEXPIREAT %h %a GT FIELDS 1 %f",
    "HPERSIST %h FIELDS 2 %f %f",
    "HGETDEL %h FIELDS 2 %f %f",
    "HGETEX %h PX %p FIELDS 2 %f %f",
    "HGETEX %h PXAT %a FIELDS 1 %f",
    "HGETEX %h PERSIST FIELDS 1 %f",
    "HSETEX %h PX %p FIELDS 2 %f %m %f %m",
    "HSETEX %h FXX PXAT %a FIELDS 1 %f %m",
    "HSETEX %h FNX KEEPTTL FIELDS 1 %f %m",
    "HSETEX %h KEEPTTL FIELDS 1 %f %i",
    "HGETALL %h",
    "HGET %h %f",
    "ZADD %z %d %m %d %m",
    "ZADD %z GT CH %d %m",
    "ZADD %z INCR %d %m",
    "ZINCRBY %z %d %m",
    "ZREM %z %m %m",
    "ZPOPMIN %z",
    "ZPOPMAX %z %n",
    "ZMPOP 2 %z %z MIN COUNT %n",
    "BZMPOP 0.01 2 %z %z MAX COUNT 2",
    "BZPOPMIN %z %z 1",
    "BZPOPMAX %z 0.01",
    "ZREMRANGEBYRANK %z 0 1",
    "ZREMRANGEBYSCORE %z %d %d",
    "ZREMRANGEBYLEX %z [m1 [m3",
    "ZRANGESTORE %z %z 0 2",
    "ZUNIONSTORE %z 2 %z %z WEIGHTS 0.1 3",
    "ZINTERSTORE %z 2 %z %t AGGREGATE MAX",
    "ZDIFFSTORE %z 2 %z %z",
    "GEOADD %z 13.36 38.11 %m 15.08 37.50 %m",
    "GEOSEARCHSTORE %z %z FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST",
    "GEORADIUS %z 15 37 200 km COUNT 2 ANY STORE %z",
    "XADD %x * %f %m",
    "XADD %x * %f %m %f %m",
    "XADD %x NOMKSTREAM * %f %m",
    "XADD %x MAXLEN %n * %f %m",
    "XADD %x MAXLEN ~ %n * %f %m",
    "XADD %x MINID ~ %e * %f %m",
    "XADD %x %e-* %f %m",
    "XADD %x %e %f %m",
    "XADD %x MAXLEN ~ %n %e %f %m",
    "XTRIM %x MAXLEN %n",
    "XTRIM %x MAXLEN ~ %n LIMIT 4",
    "XTRIM %x MINID ~ %e",
    "XDEL %x %e",
    "XSETID %x 1700000900000-0",
    "XGROUP CREATE %x %g $ MKSTREAM",
    "XGROUP CREATE %x %g 0",
    "XGROUP CREATE %x %g 0",
    "XGROUP CREATE %x %g 0",
    "XGROUP CREATE %x %g 0 ENTRIESREAD %n",
    "XGROUP SETID %x %g 0",
    "XGROUP SETID %x %g $ ENTRIESREAD %n",
    "XGROUP CREATECONSUMER %x %g %c",
    "XGROUP DELCONSUMER %x %g %c",
    "XGROUP DESTROY %x %g",
    "XREADGROUP GROUP %g %c COUNT 2 STREAMS %x >",
    "XREADGROUP GROUP %g %c COUNT 2 STREAMS %x >",
    "XREADGROUP GROUP %g %c COUNT 1 STREAMS %x >",
    "XREADGROUP GROUP %g %c STREAMS %x >",
    "XREADGROUP GROUP %g %c NOACK COUNT 1 STREAMS %x >",
    "XREADGROUP GROUP %g %c COUNT 2 STREAMS %x 0",
    "XREADGROUP GROUP %g %c COUNT 1 STREAMS %x 0",
    "XREADGROUP GROUP %g %c STREAMS %x 0",
    "XREADGROUP GROUP %g %c BLOCK 10 STREAMS %x %x > >",
    "XREAD BLOCK 10 STREAMS %x $",
    "XCLAIM %x %g %c %n %e %e",
    "XCLAIM %x %g %c 0 %e IDLE %p FORCE",
    "XCLAIM %x %g %c 0 %e RETRYCOUNT %n LASTID %e",
    "XAUTOCLAIM %x %g %c %n 0 COUNT 3",
    "XAUTOCLAIM %x %g %c 0 0 JUSTID",
    "XACK %x %g %e %e",
    "FUNCTION FLUSH",
    "FUNCTION DELETE one",
    "PFDEBUG TODENSE %s",
    "GETRANGE %s 0 3",
    "LPOS %l %m",
    "GEOSEARCHSTORE %z %z FROMMEMBER %m BYBOX 300 300 km COUNT 3 ANY",
    "ZRANGESTORE %z %z -inf +inf BYSCORE REV LIMIT 1 3",
    "LINSERT %l AFTER %m %m",
    "SORT %h STORE %l",
    "XINFO STREAM %x FULL",
    "EXPIREAT %k 1700009999",
    "EXPIRE %k -1",
};

/* Scripts: KEYS[1] to KEYS[3] are keys of any type. */
static const char *const script_texts[] = {
    "redis.call('SET', KEYS[1], 'x', 'PX', 5) return redis.call('SPOP', KEYS[2])",
    "redis.pcall('INCR', KEYS[1]) redis.pcall('SELECT', 1) redis.pcall('SPOP', KEYS[2]) "
    "redis.pcall('SELECT', 0)",
    "redis.pcall('PEXPIRE', KEYS[1], 3) redis.call('XADD', KEYS[2], '*', 'f', 'v') error('end')",
    "return redis.pcall('BLPOP', KEYS[1], 0)",
    "redis.pcall('HINCRBYFLOAT', KEYS[1], 'f1', '0.3') redis.pcall('HPEXPIRE', KEYS[1], 2, "
    "'FIELDS', 1, 'f1') return redis.pcall('GETEX', KEYS[3], 'PX', 4)",
};

static const char *const libraries_texts[] = {
    "#!lua name=one\nredis.register_function('f1', function(k) return redis.call('INCR', k[1]) "
    "end)",
    "#!lua name=two\nredis.register_function('f2', function(k) return redis.call('SPOP', k[1]) "
    "end)",
};

static uint64_t dice;
static struct session *sessions[SESSIONS];
static uint64_t answered, failed;
static char last_id[64]; /* what XADD answered last */

static uint64_t below(uint64_t n) { return check_random(&dice) % n; }

/* ---- Words ---- */

struct line {
    struct bytes args[WORDS_MAX];
    uint32_t nargs;
    char text[65536];
    size_t len;
};
static struct line line;

static void word(struct bytes text)
{
    assert_true(line.nargs < WORDS_MAX && line.len + text.len < sizeof(line.text));
    if (text.len > 0) memcpy(line.text + line.len, text.ptr, text.len);
    line.args[line.nargs++] = bytes_make(line.text + line.len, text.len);
    line.len += text.len;
}

static void wordf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void wordf(const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    word(bytes_make(text, (size_t)len));
}

static void word_member(void)
{
    static char big[400];
    memset(big, 'B', sizeof(big));
    uint64_t kind = below(20);
    if (kind == 0)
        word(bytes_make(big, below(sizeof(big))));
    else if (kind == 1)
        word(bytes_make("\0\r\n\xff", 4));
    else if (kind < 6)
        wordf("%d", (int)below(30) - 10);
    else
        wordf("m%d", (int)below(kind == 7 ? 300 : 12));
}

/* An id of a stream: mostly one that may be there. */
static void word_id(void)
{
    if (last_id[0] != '\0' && below(2) == 0)
        wordf("%s", last_id);
    else if (below(2) == 0)
        wordf("%" PRIu64, (uint64_t)core.now_ms - below(100));
    else
        wordf("%" PRIu64 "-%" PRIu64, (uint64_t)core.now_ms - below(20), below(3));
}

static void word_of(char kind)
{
    static const char kinds[] = "slhtzx";
    static const char *const scores[] = {
        "1", "0.1", "-3.5", "1e17", "inf", "7", "0.30000000000004"};
    switch (kind) {
    case 'k': wordf("%c%d", kinds[below(6)], (int)below(4)); break;
    case 'm': word_member(); break;
    case 'f': wordf("f%d", (int)below(below(8) == 0 ? 200 : 10)); break;
    case 'n': wordf("%d", (int)below(8)); break;
    case 'i': wordf("%d", (int)below(40) - 20); break;
    case 'd': wordf("%s", scores[below(sizeof(scores) / sizeof(scores[0]))]); break;
    case 'e': word_id(); break;
    case 'p': wordf("%d", 1 + (int)below(200)); break;
    case 'a': wordf("%" PRId64, core.now_ms + (int64_t)below(200) - 40); break;
    case 'g': wordf("g%d", (int)below(2)); break;
    case 'c': wordf("c%d", (int)below(3)); break;
    case 'r':
        if (below(2) == 0) wordf("REPLACE");
        break;
    default: wordf("%c%d", below(30) == 0 ? kinds[below(6)] : kind, (int)below(4));
    }
}

static void expand(const char *text)
{
    line.nargs = 0;
    line.len = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        if (text[0] == 'f' && text[1] == '%') { /* of many */
            wordf("f%d", (int)below(MANY));
        } else if (text[0] == '%' && text[1] == '*') {
            for (uint64_t n = 1 + below(below(6) == 0 ? 60 : 4); n > 0; n--) word_of(text[2]);
        } else if (text[0] == '%' && len > 2) { /* "%e-*": the ms of an id */
            wordf("%" PRIu64 "-*", (uint64_t)core.now_ms + below(3));
        } else if (text[0] == '%') {
            word_of(text[1]);
        } else {
            word(bytes_make(text, len));
        }
        text += len + (text[len] == ' ');
    }
}

/* ---- Running ---- */

static void ask(struct session *s)
{
    struct command cmd = core_command(line.args, line.nargs);
    core.reply.len = 0;
    if (s->is_blocked) return;
    run(s, &cmd, &core.reply);
    answered++;
    failed += core.reply.len > 0 && core.reply.buf[0] == '-';
    size_t len = core.reply.len;
    if (bytes_is_word(line.args[0], "xadd") && len > 0 && len < 40 && core.reply.buf[0] == '$') {
        const char *id = memchr(core.reply.buf, '\n', len);
        snprintf(last_id, sizeof(last_id), "%.*s", (int)(len - 3 - (size_t)(id - core.reply.buf)),
                 id + 1);
    }
    core_run_woken();
}

static void ask_template(struct session *s)
{
    expand(templates[below(sizeof(templates) / sizeof(templates[0]))]);
    ask(s);
}

static void ask_script(struct session *s)
{
    expand("EVAL text 3 %k %k %k");
    line.args[1] = bytes_of(script_texts[below(sizeof(script_texts) / sizeof(script_texts[0]))]);
    ask(s);
}

static void ask_function(struct session *s)
{
    size_t which = below(2);
    if (below(2) == 0) {
        expand("FUNCTION LOAD REPLACE text");
        line.args[3] = bytes_of(libraries_texts[which]);
    } else {
        expand(which == 0 ? "FCALL f1 1 %s" : "FCALL f2 1 %t");
    }
    ask(s);
}

/* What DUMP gives is restored under another key, in time or too late. */
static void ask_restore(struct session *s)
{
    expand("DUMP %k");
    ask(s);
    if (core.reply.len < 10 || core.reply.buf[0] != '$' || core.reply.len > 8000) return;
    const char *body = memchr(core.reply.buf, '\n', core.reply.len);
    if (body == NULL || body[1] == '-') return;
    struct bytes payload =
        bytes_make(body + 1, core.reply.len - 2 - (size_t)(body + 1 - core.reply.buf));
    char copy[8000];
    memcpy(copy, payload.ptr, payload.len);
    static const char *const forms[] = {"RESTORE %k 0", "RESTORE %k %p", "RESTORE %k %a"};
    uint64_t form = below(3);
    expand(forms[form]);
    word(bytes_make(copy, payload.len));
    if (below(4) != 0) wordf("REPLACE");
    if (form == 2) wordf("ABSTTL");
    ask(s);
}

static void ask_group(struct session *s)
{
    expand("MULTI");
    ask(s);
    for (uint64_t n = below(8); n > 0; n--) {
        if (below(6) == 0)
            ask_script(s);
        else
            ask_template(s);
    }
    expand("EXEC");
    ask(s);
}

/* A hash whose fields are due together, more than go at once. */
static void ask_many_fields(struct session *s)
{
    expand("HSETEX %h PX %p FIELDS");
    wordf("%d", MANY);
    for (int i = 0; i < MANY; i++) {
        wordf("f%d", i);
        wordf("%d", i);
    }
    ask(s);
    if (below(2) == 0 || core.reply.len == 0 || core.reply.buf[0] != ':') return;
    static const char *const edits[] = {"HINCRBY %h f%n 1", "HSETNX %h f%n x", "HDEL %h f%n",
                                        "HSETEX %h KEEPTTL FIELDS 1 f%n x",
                                        "HPEXPIRE %h 500 FIELDS 1 f%n"};
    char key[8];
    snprintf(key, sizeof(key), "%.*s", (int)line.args[1].len, line.args[1].ptr);
    core_set_time(core.now_ms + 200);
    for (int i = 0; i < 4; i++) {
        expand(edits[below(sizeof(edits) / sizeof(edits[0]))]);
        line.args[1] = bytes_of(key);
        ask(s);
    }
}

static void pass_time(void)
{
    core_set_time(core.now_ms + (int64_t)below(30));
    if (below(2) == 0) blocking_tick(run_mono_now_ms() + 2000); /* nobody waits longer */
    core_run_woken();
    if (below(3) == 0) keyspace_expire_due(1 + below(20), 100000);
    if (below(20) == 0)
        keyspace_evict(&(struct evict_rule){.order = EVICT_RANDOM, .only_volatile = below(2) == 0});
}

static void step(void)
{
    struct session *s = sessions[below(SESSIONS)];
    uint64_t kind = below(40);
    core_set_time(core.now_ms); /* a seed makes the same, however fast it runs */
    if (kind == 0)
        ask_group(s);
    else if (kind == 1)
        ask_script(s);
    else if (kind == 2)
        ask_function(s);
    else if (kind == 3)
        ask_restore(s);
    else if (kind == 4 && below(3) == 0)
        ask_many_fields(s);
    else if (kind < 10)
        pass_time();
    else if (kind == 10 && below(10) == 0)
        expand(below(2) == 0 ? "FLUSHALL" : "FLUSHDB"), ask(s);
    else
        ask_template(s);
    if (below(20) == 0) effects_catch();
}

static void show_difference(const char *was, const char *is)
{
    size_t at = 0;
    while (was[at] != '\0' && was[at] == is[at]) at++;
    while (at > 0 && was[at - 1] != '\n') at--;
    print_error("it was: %.*s\n", (int)strcspn(was + at, "\n"), was + at);
    print_error("it is:  %.*s\n", (int)strcspn(is + at, "\n"), is + at);
}

static void set_small_limits(void)
{
    core_set("hash-max-listpack-entries", "12");
    core_set("set-max-intset-entries", "12");
    core_set("set-max-listpack-entries", "12");
    core_set("zset-max-listpack-entries", "12");
    core_set("list-max-listpack-size", "6");
    core_set("stream-node-max-entries", "3");
}

static void run_seed(uint64_t seed, int steps)
{
    dice = seed * 7919 + 1;
    set_small_limits();
    for (uint32_t i = 0; i < SESSIONS; i++) sessions[i] = core_session(1 + i);
    struct session *replayer = core_session(REPLAYER);
    answered = failed = 0;
    for (int i = 0; i < steps; i++) step();
    assert_true(failed < answered * 2 / 3); /* most of them do something */
    char *was = effects_state(replayer);
    core_set_time(core.now_ms + 100000);
    effects_replay(replayer);
    char *is = effects_state(replayer);
    if (strcmp(was, is) != 0) {
        show_difference(was, is);
        fail_msg("seed %" PRIu64 ", %d steps", seed, steps);
    }
    free(was);
    free(is);
}

static void a_replay_makes_the_same(void **state)
{
    const char *only = getenv("SEED"), *more = getenv("SEEDS");
    uint64_t first = only != NULL ? strtoull(only, NULL, 10) : 1;
    uint64_t count = more != NULL ? strtoull(more, NULL, 10) : only != NULL ? 1 : 12;
    int steps = getenv("STEPS") != NULL ? atoi(getenv("STEPS")) : 2500;
    for (uint64_t i = 0; i < count; i++) {
        effects_open(state);
        run_seed(first + i, steps);
        effects_close(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_replay_makes_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
