/*
 * What the tests of loading share: a data set with every type and form, as the bytes of an RDB file
 * or of a log, and both loaders fed from memory.
 */
#ifndef TESTS_UNIT_EXECUTE_LOADING_FIXTURE_H
#define TESTS_UNIT_EXECUTE_LOADING_FIXTURE_H

#include "unit/execute/snapshot_fixture.h"

#include "disk/disk.h"
#include "execute/core/loading_log.h"
#include "execute/core/loading_rdb.h"
#include "execute/types/grave.h"

/* Bytes that grow. */
struct text {
    char *ptr;
    size_t len, cap;
};

static inline void text_add(struct text *t, const void *from, size_t len)
{
    if (t->cap - t->len < len) {
        t->cap = t->cap * 2 + len;
        t->ptr = realloc(t->ptr, t->cap);
        assert_non_null(t->ptr);
    }
    memcpy(t->ptr + t->len, from, len);
    t->len += len;
}

static inline void text_put(struct text *t, const char *words)
{
    text_add(t, words, strlen(words));
}

static inline struct bytes text_bytes(const struct text *t) { return bytes_make(t->ptr, t->len); }

/* A command as a log has it, of words with single blanks between them. */
static inline void text_command(struct text *t, const char *line)
{
    struct bytes args[CORE_WORDS];
    char head[32];
    uint32_t nargs = core_split(line, args);
    text_add(t, head, (size_t)sprintf(head, "*%u\r\n", nargs));
    for (uint32_t i = 0; i < nargs; i++) {
        text_add(t, head, (size_t)sprintf(head, "$%zu\r\n", args[i].len));
        text_add(t, args[i].ptr, args[i].len);
        text_put(t, "\r\n");
    }
}

enum { LOADING_PATH = 64 };

/* Into a file of its own, whose name goes to `path`, of LOADING_PATH bytes. */
static inline void text_to_file(const struct text *t, char *path)
{
    strcpy(path, "/tmp/baton-loading-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    if (t->len > 0) assert_int_equal(write(fd, t->ptr, t->len), t->len);
    close(fd);
}

/* ---- A disk that fails ---- */

static const struct disk_calls *reads_real;
static int reads_left, reads_error;

static inline int64_t reads_read(int fd, void *to, size_t len)
{
    if (reads_left-- > 0) return reads_real->read(fd, to, len);
    errno = reads_error;
    return reads_error == 0 ? 0 : -1;
}

/* So many reads succeed, then they fail, or (0) find no more. */
static inline void reads_fail(int after, int error)
{
    static struct disk_calls calls;
    reads_real = disk_calls;
    calls = *disk_calls;
    calls.read = reads_read;
    reads_left = after;
    reads_error = error;
    disk_calls = &calls;
}

static inline void reads_are_well(void) { disk_calls = reads_real; }

/* ---- Data ---- */

static const char *const loading_lines[] = {
    "SET text# value-of-#",
    "SET number# #",
    "SET short-lived# # PXAT 190000000000#",
    "SET folded# aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa#",
    "RPUSH list# a bb 3 # -70000 x#",
    "RPUSH long a b c # #",
    "SADD ints# 1 # 70000",
    "SADD words# a b #",
    "SADD many m# x#",
    "ZADD ranks# 1 a 2.5 b # c",
    "ZADD all # m#",
    "HSET fields# f 1 g v#",
    "HSET large f# v#",
    "HSET fading# a 1 b #",
    "HPEXPIRE fading# 100000000# FIELDS 1 a",
    "XADD stream# 1-# field # other text",
    "XADD flow #-1 n #",
};

/* Fills the databases with `n` of each. */
static inline void loading_fill(struct session *s, int n)
{
    char line[512];
    for (int i = 1; i <= n; i++) {
        for (size_t j = 0; j < sizeof(loading_lines) / sizeof(*loading_lines); j++) {
            const char *answer = core_ask(s, numbered(line, loading_lines[j], i));
            if (answer[0] == '-') print_error("%s: %s\n", line, answer);
            assert_true(answer[0] != '-');
        }
    }
    core_ask(s, "XGROUP CREATE flow g 0");
    core_ask(s, "XREADGROUP GROUP g me COUNT 3 STREAMS flow >");
    core_ask(s, "XGROUP CREATE flow h 0");
    core_ask(s, "SELECT 3");
    core_ask(s, "SET elsewhere 1");
    core_ask(s, "SELECT 0");
}

/* The databases as the bytes of an RDB file. */
static inline struct text loading_save(uint16_t version)
{
    char path[LOADING_PATH];
    struct text t = {0};
    text_to_file(&t, path);
    const struct snapshot_terms terms = {
        .version = version, .compresses = true, .has_checksum = true, .path = path};
    assert_int_equal(snapshot_now(&terms), 0);
    struct rdb_file f = rdb_file_read(path);
    text_add(&t, f.bytes, f.len);
    free(f.bytes);
    unlink(path);
    return t;
}

static inline void loading_forget(void)
{
    keyspace_flush(NULL, false);
    while (grave_dig()) continue;
}

/* A number for all that the databases hold. */
static inline uint64_t loading_sum(void)
{
    struct picture p = picture_take();
    uint64_t sum = 1;
    for (size_t i = 0; i < p.count; i++) {
        const struct picture_key *k = &p.keys[i];
        sum = crc64(sum, bytes_make(k->name, k->name_len));
        sum = crc64(sum, bytes_make((const char *)&k->sum, sizeof(k->sum)));
        sum = crc64(sum, bytes_make((const char *)&k->db, sizeof(k->db)));
    }
    picture_free(&p);
    return sum;
}

/* ---- Loaders ---- */

static const struct loading_slice loading_whole = {.until_ticks = UINT64_MAX,
                                                   .until_offset = UINT64_MAX};

static inline struct loading_rdb_terms loading_terms(void)
{
    return (struct loading_rdb_terms){
        .checks_sum = true, .databases = 16, .now_ms = INT64_C(1700000000000)};
}

/* What became of it; the rest is in *r. */
static inline enum loading_result loading_rdb_bytes(struct bytes file,
                                                    const struct loading_rdb_terms *terms,
                                                    struct loading_rdb *r)
{
    struct loading_input in;
    loading_input_open_bytes(&in, file);
    loading_rdb_begin(r, terms, &in);
    enum loading_result result = loading_rdb_step(r, &loading_whole);
    loading_rdb_end(r);
    loading_input_close(&in);
    return result;
}

static inline enum loading_result loading_log_input(struct loading_input *in, struct loading_log *l)
{
    run_replay(true);
    loading_log_begin(l, in, "test.aof", NULL);
    enum loading_result result = loading_log_step(l, &loading_whole);
    loading_log_end(l);
    run_replay(false);
    loading_input_close(in);
    return result;
}

static inline enum loading_result loading_log_bytes(struct bytes file, struct loading_log *l)
{
    struct loading_input in;
    loading_input_open_bytes(&in, file);
    return loading_log_input(&in, l);
}

static inline enum loading_result loading_log_file(const char *path, struct loading_log *l)
{
    struct loading_input in;
    assert_int_equal(loading_input_open(&in, path), 0);
    return loading_log_input(&in, l);
}

#endif
