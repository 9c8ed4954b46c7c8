/*
 * A snapshot in slices against a picture of its instant: random commands of all families run
 * between the slices, on few keys, so that each is changed, replaced, moved, expired and evicted in
 * every state that the snapshot may find it in. The file must hold what was there at the begin.
 */
#include "unit/execute/snapshot_files.h"

#include "execute/core/pause.h"

enum { SESSIONS = 6, ROUNDS = 60, LARGE = 1500 };

static uint64_t seed = 88172645463325252u;
static struct session *sessions[SESSIONS];
static int over; /* what done() was given, 1 before */

static unsigned draw(unsigned below) { return (unsigned)(check_random(&seed) % below); }

static int test_open(void **state)
{
    core_open(state);
    files_open();
    for (uint32_t i = 0; i < SESSIONS; i++) sessions[i] = core_session(i);
    return 0;
}

static int test_close(void **state)
{
    snapshot_close();
    files_close();
    return core_close(state);
}

/* ---- Commands ---- */

/* K: a key. N: a number. S: a short text, L: a long one. E: a small number. D: a database. T: ms
 * from now, in text of wall time. */
static const char *const commands[] = {
    "SET K S",
    "SET K N",
    "SET K L",
    "SET K S KEEPTTL",
    "SET K S PXAT T",
    "SETNX K S",
    "GETSET K S",
    "GETDEL K",
    "GETEX K PXAT T",
    "GETEX K PERSIST",
    "APPEND K S",
    "APPEND K L",
    "SETRANGE K E S",
    "INCRBY K N",
    "INCRBYFLOAT K N",
    "SETBIT K N 1",
    "MSET K S K N K L",
    "MSETNX K S K S",
    "BITFIELD K SET u8 E 7",
    "BITOP OR K K K",
    "PFADD K S S",
    "PFCOUNT K",
    "PFMERGE K K",
    "GET K",
    "STRLEN K",
    "LPUSH K S N L",
    "RPUSH K S",
    "LPOP K E",
    "RPOP K",
    "LSET K E S",
    "LREM K 0 S",
    "LTRIM K E N",
    "LINSERT K BEFORE S N",
    "RPOPLPUSH K K",
    "LMOVE K K LEFT LEFT",
    "LMPOP 2 K K LEFT COUNT 3",
    "LRANGE K 0 -1",
    "SADD K S N",
    "SREM K S N",
    "SPOP K",
    "SPOP K E",
    "SMOVE K K S",
    "SINTERSTORE K K K",
    "SUNIONSTORE K K K",
    "SDIFFSTORE K K K",
    "SMEMBERS K",
    "ZADD K N S E N",
    "ZINCRBY K 3 S",
    "ZREM K S",
    "ZPOPMIN K E",
    "ZPOPMAX K",
    "ZREMRANGEBYRANK K 0 E",
    "ZREMRANGEBYSCORE K 0 E",
    "ZUNIONSTORE K 2 K K",
    "ZINTERSTORE K 2 K K",
    "ZRANGESTORE K K 0 E",
    "ZMPOP 1 K MIN",
    "GEOADD K 13.3 38.1 S",
    "GEOSEARCHSTORE K K FROMLONLAT 15 37 BYRADIUS 999 km",
    "HSET K S N",
    "HSET K S L N S",
    "HDEL K S N",
    "HINCRBY K N 1",
    "HSETNX K S N",
    "HPEXPIREAT K T FIELDS 2 S N",
    "HPERSIST K FIELDS 1 S",
    "HGETALL K",
    "XADD K * S N",
    "XADD K MAXLEN 20 * S N",
    "XTRIM K MAXLEN E",
    "XDEL K E-1",
    "XSETID K N-1",
    "XGROUP CREATE K g 0 MKSTREAM",
    "XGROUP DESTROY K g",
    "XGROUP SETID K g 0",
    "XGROUP CREATECONSUMER K g S",
    "XGROUP DELCONSUMER K g S",
    "XREADGROUP GROUP g S COUNT E STREAMS K >",
    "XACK K g 1-1",
    "XAUTOCLAIM K g S 0 0 COUNT E",
    "XCLAIM K g S 0 1-1 FORCE",
    "XLEN K",
    "DEL K",
    "UNLINK K K",
    "RENAME K K",
    "RENAMENX K K",
    "COPY K K",
    "COPY K K REPLACE",
    "COPY K K DB D REPLACE",
    "MOVE K D",
    "PEXPIREAT K T",
    "PERSIST K",
    "SORT K BY nosort STORE K",
    "TOUCH K",
    "SELECT D",
    "SELECT D",
    "RANDOMKEY",
    "DBSIZE",
    "EXISTS K",
    "OBJECT ENCODING K",
    "TTL K",
    "MULTI",
    "EXEC",
    "EXEC",
    "DISCARD",
};
static const char *const rare[] = {"FLUSHDB", "FLUSHDB ASYNC", "SWAPDB D D", "SWAPDB D D",
                                   "FLUSHALL"};

static const char *key_name(void)
{
    static const char *const types[] = {"string", "list", "set", "zset", "hash", "stream"};
    static char names[4][32];
    static unsigned turn;
    char *name = names[turn++ % 4];
    const char *size = draw(3) == 0 ? "large" : "small";
    snprintf(name, sizeof(names[0]), "%s-%s-%u", size, types[draw(6)], draw(4));
    return name;
}

static void put_word(char *out, char what)
{
    switch (what) {
    case 'K': strcpy(out, key_name()); return;
    case 'N': sprintf(out, "%u", draw(3000)); return;
    case 'E': sprintf(out, "%u", draw(20)); return;
    case 'D': sprintf(out, "%u", draw(3)); return;
    case 'S': sprintf(out, "text-%u", draw(40)); return;
    case 'L': sprintf(out, "%0*u", 40 + (int)draw(200), draw(1000)); return;
    default: sprintf(out, "%lld", (long long)core.now_ms + draw(3000)); return;
    }
}

/* A template becomes a line: a word of one capital letter, or the first of E-1 and N-1, is drawn.
 */
static void make_line(char *line, const char *text)
{
    char *at = line;
    for (const char *p = text; *p != '\0';) {
        bool begins = p == text || p[-1] == ' ';
        bool alone = p[1] == '\0' || p[1] == ' ' || p[1] == '-';
        if (begins && alone && strchr("KNEDSLT", *p) != NULL) {
            put_word(at, *p++);
            at += strlen(at);
            continue;
        }
        *at++ = *p++;
    }
    *at = '\0';
}

static void some_command(bool may_flush)
{
    char line[2048];
    struct session *s = sessions[draw(SESSIONS)];
    bool is_rare = may_flush && draw(400) == 0;
    if (s->held_first != NULL) return; /* it waits: one command of it is enough */
    make_line(line,
              is_rare ? rare[draw(5)] : commands[draw(sizeof(commands) / sizeof(commands[0]))]);
    core_ask(s, line);
}

/* What else happens to keys. */
static void some_event(void)
{
    static const struct evict_rule rules[] = {{EVICT_RANDOM, false, 5}, {EVICT_LRU, false, 5}};
    switch (draw(12)) {
    case 0: core_set_time(core.now_ms + draw(200)); break;
    case 1: keyspace_expire_due(draw(20), 1000000); break;
    case 2:
        if (draw(6) == 0) keyspace_evict(&rules[draw(2)]);
        break;
    case 3: keyspace_work(100); break;
    case 4: core_run_held(); break;
    default: break;
    }
}

/* Large values of all types, where there are none. */
static void fill_large(void)
{
    static const struct {
        const char *name, *line;
    } kinds[] = {
        {"list", "RPUSH large-list-# item-and-some-text-#-%"},
        {"set", "SADD large-set-# member-%"},
        {"zset", "ZADD large-zset-# % member-%"},
        {"hash", "HSET large-hash-# field-% value-%"},
        {"stream", "XADD large-stream-# * field-% value-% other text-that-is-long"},
    };
    char line[512], with_key[256], name[64];
    core_ask(sessions[0], "DISCARD");
    core_ask(sessions[0], "SELECT 0");
    for (int k = 0; k < 5; k++) {
        for (int i = 0; i < 4; i++) {
            snprintf(name, sizeof(name), "large-%s-%d", kinds[k].name, i);
            if (keyspace_has(keyspace_db(0), key_make(bytes_of(name))) && draw(3) != 0) continue;
            snprintf(line, sizeof(line), "DEL %s", name);
            core_ask(sessions[0], line);
            numbered(with_key, kinds[k].line, i);
            for (char *p = with_key; *p != '\0'; p++)
                if (*p == '%') *p = '#';
            for (int n = 0; n < LARGE; n++) core_ask(sessions[0], numbered(line, with_key, n));
        }
    }
    core_ask(sessions[0], "DEL large-string-0");
    core_expect(sessions[0], "SETRANGE large-string-0 400000 x", ":400001|");
}

static void fill_small(void)
{
    for (int i = 0; i < 4000; i++) {
        some_command(false);
        core_run_held();
    }
    for (int i = 0; i < SESSIONS; i++) core_ask(sessions[i], "DISCARD");
}

/* ---- Snapshots ---- */

static void is_over(int result) { over = result; }

static void begin_as(enum snapshot_form form, uint16_t version)
{
    const struct snapshot_terms t = {
        .form = form,
        .version = version,
        .compresses = true,
        .has_checksum = true,
        .path = snapshot_temp,
        .to = snapshot_path,
        .done = is_over,
    };
    over = 1;
    assert_int_equal(snapshot_begin(&t), 0);
    assert_int_equal(snapshot_begin(&t), -EBUSY);
}

static void begin(uint16_t version) { begin_as(SNAPSHOT_RDB, version); }

/* Nobody waits for ever. */
static void expect_nobody_waits(void)
{
    core_run_held();
    for (int i = 0; i < SESSIONS; i++) assert_null(sessions[i]->held_first);
    for (int i = 0; i < 3; i++) keyspace_check(keyspace_db(i));
}

static void run_to_end(bool may_flush)
{
    for (int i = 0; over == 1; i++) {
        for (unsigned n = draw(8); n > 0; n--) {
            some_command(may_flush);
            some_event();
        }
        snapshot_work(1);
        if (draw(4) == 0) core_run_held();
        files_work((int)draw(3));
        assert_true(i < 10000000);
    }
}

static void the_file_is_the_instant(void **state)
{
    (void)state;
    uint64_t saves = 0, held = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct rdb_file f;
        fill_small();
        fill_large();
        struct picture want = picture_take();
        begin(round % 2 == 0 ? RDB_VERSION_7_2 : RDB_VERSION_7_0);
        run_to_end(round % 3 == 0);
        assert_int_equal(over, 0);
        struct picture got = picture_read(snapshot_path, &f);
        picture_expect(&want, &got);
        picture_free(&want);
        picture_free(&got);
        assert_int_equal(unlink(snapshot_path), 0);
        expect_nobody_waits();
        saves += snapshot_figures().gate_saves;
        held += snapshot_figures().held_commands;
        assert_int_equal(snapshot_figures().extra_bytes, 0);
    }
    assert_true(saves > 1000);
    assert_true(held > 10);
    assert_true(files.strings > 0);
}

/* ---- As commands ---- */

static uint64_t wire_number(const char **at)
{
    char *end;
    uint64_t n = strtoull(*at + 1, &end, 10);
    *at = end + 2;
    return n;
}

/* Runs the commands of a file, all at one time, as those of a log that is loaded. */
static void replay(const char *file, struct session *s, int64_t now_ms)
{
    enum { WORDS = 4096 };
    static struct bytes args[WORDS];
    struct rdb_file f = rdb_file_read(file);
    const char *at = (const char *)f.bytes, *end = at + f.len;
    run_replay(true);
    while (at < end) {
        uint32_t nargs = (uint32_t)wire_number(&at);
        assert_true(nargs > 0 && nargs <= WORDS);
        for (uint32_t i = 0; i < nargs; i++) {
            size_t len = wire_number(&at);
            args[i] = bytes_make(at, len);
            at += len + 2;
        }
        struct command cmd = core_command(args, nargs);
        core.reply.len = 0;
        core_set_time(now_ms);
        run(s, &cmd, &core.reply);
        if (core.reply.len > 0 && core.reply.buf[0] == '-') fail_msg("%s", core_show());
    }
    run_replay(false);
    free(f.bytes);
}

static void the_commands_are_the_instant(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS / 3; round++) {
        fill_small();
        fill_large();
        while (keyspace_expire_due(1000, 1000000) > 0) continue;
        struct picture want = picture_take();
        int64_t began_ms = keyspace_now_ms();
        begin_as(SNAPSHOT_COMMANDS, RDB_VERSION_7_2);
        run_to_end(round % 3 == 0);
        assert_int_equal(over, 0);
        for (int i = 0; i < SESSIONS; i++) core_ask(sessions[i], "DISCARD");
        core_ask(sessions[0], "FLUSHALL");
        keyspace_work(UINT64_MAX);
        core_ask(sessions[0], "SELECT 0");
        replay(snapshot_path, sessions[0], began_ms);
        struct picture got = picture_take();
        picture_expect(&want, &got);
        picture_free(&want);
        picture_free(&got);
        assert_int_equal(unlink(snapshot_path), 0);
    }
}

/* Entries of all epochs are about then, and the next one is right all the same. */
static void aborted_ones_leave_nothing(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS / 3; round++) {
        struct rdb_file f;
        fill_small();
        fill_large();
        for (unsigned aborts = draw(7); aborts > 0; aborts--) {
            begin(RDB_VERSION_7_2);
            for (unsigned n = draw(300); n > 0 && over == 1; n--) {
                some_command(true);
                some_event();
                snapshot_work(1);
                if (draw(2) == 0) files_work(1);
            }
            snapshot_abort();
            while (over == 1) files_work(1);
            if (over == 0)
                assert_int_equal(unlink(snapshot_path), 0); /* it was too late */
            else
                assert_int_equal(over, -ECANCELED);
            assert_int_equal(access(snapshot_temp, F_OK), -1);
            for (unsigned n = draw(4); n > 0; n--) snapshot_work(1);
            expect_nobody_waits();
        }
        struct picture want = picture_take();
        begin(RDB_VERSION_7_2);
        run_to_end(false);
        struct picture got = picture_read(snapshot_path, &f);
        picture_expect(&want, &got);
        picture_free(&want);
        picture_free(&got);
        assert_int_equal(unlink(snapshot_path), 0);
    }
}

static void a_full_disk_ends_it(void **state)
{
    (void)state;
    fill_small();
    fill_large();
    begin(RDB_VERSION_7_2);
    files.write_error = -ENOSPC;
    run_to_end(false);
    assert_int_equal(over, -ENOSPC);
    assert_int_equal(access(snapshot_temp, F_OK), -1);
    files.write_error = 0;
    expect_nobody_waits();
}

#define snapshot_test(name) cmocka_unit_test_setup_teardown(name, test_open, test_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        snapshot_test(the_file_is_the_instant),
        snapshot_test(the_commands_are_the_instant),
        snapshot_test(aborted_ones_leave_nothing),
        snapshot_test(a_full_disk_ends_it),
    };
    return cmocka_run_group_tests(tests, snapshot_dir_open, snapshot_dir_close);
}
