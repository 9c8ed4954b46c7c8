/*
 * Fuzzes the loader of RDB files. The first byte chooses: bit 0: head and end with a right sum are
 * put around the rest, which is what stands between them; else the rest is the file as it is, and
 * its sum is not looked at. Bit 1: it is the base of a log. Bit 2: keys that are there twice are no
 * error. The file is read from memory, and once more piece by piece.
 *
 * What must hold of any input: it ends, both readings come to the same, and what was taken is
 * sound.
 */
#include "codec/crc64.h"
#include "codec/rdb.h"
#include "base/hash.h"
#include "base/log.h"
#include "execute/core/loading_rdb.h"
#include "execute/types/grave.h"
#include "execute/types/heap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_SIZE_MAX = 1 << 16 };

static void check(bool good)
{
    if (!good) abort();
}

static const char *add_functions(struct bytes code, bool replaces)
{
    (void)replaces;
    return code.len % 2 == 0 ? NULL : "it is odd";
}

static struct loading_rdb_terms terms_of(uint8_t choice)
{
    return (struct loading_rdb_terms){
        .is_log_base = (choice & 2) != 0,
        .merges = (choice & 4) != 0,
        .checks_sum = (choice & 1) != 0,
        .databases = 4,
        .now_ms = INT64_C(1700000000000),
        .add_functions = add_functions,
    };
}

struct outcome {
    uint64_t result; /* all of one size, so that outcomes are compared as they lie */
    uint64_t keys, expired, empty, in_db;
};

static struct outcome load(struct loading_input *in, uint8_t choice)
{
    const struct loading_slice all = {.until_ticks = UINT64_MAX, .until_offset = UINT64_MAX};
    struct loading_rdb r;
    struct loading_rdb_terms terms = terms_of(choice);
    loading_rdb_begin(&r, &terms, in);
    struct outcome o = {.result = loading_rdb_step(&r, &all)};
    check(o.result != LOADING_MORE && (o.result == LOADING_FAILED) == (r.wrong[0] != '\0'));
    o.keys = r.keys;
    o.expired = r.expired;
    o.empty = r.empty;
    loading_rdb_end(&r);
    loading_input_close(in);
    for (int i = 0; i < keyspace_db_count(); i++) {
        keyspace_check(keyspace_db(i));
        o.in_db += db_size(keyspace_db(i));
    }
    check(o.in_db <= o.keys);
    keyspace_flush(NULL, false);
    while (grave_dig()) continue;
    return o;
}

/* The file, which is `buf`: its length. */
static size_t build(uint8_t *buf, const uint8_t *data, size_t size, bool is_framed)
{
    if (!is_framed) {
        memcpy(buf, data, size);
        return size;
    }
    memcpy(buf, "REDIS0012", 9);
    memcpy(buf + 9, data, size);
    buf[9 + size] = RDB_OP_EOF;
    uint64_t sum = crc64(0, bytes_make((const char *)buf, size + 10));
    memcpy(buf + 10 + size, &sum, 8);
    return size + 18;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t buf[FUZZ_SIZE_MAX + 32];
    static int fd = -1;
    if (fd < 0) {
        hash_open_with(7);
        log_set_level(LOG_NOTHING);
        heap_use(arena_open("fuzz"));
        keyspace_open(4);
        fd = memfd_create("rdb", 0);
    }
    if (size < 1 || size > FUZZ_SIZE_MAX) return 0;
    size_t len = build(buf, data + 1, size - 1, (data[0] & 1) != 0);
    struct loading_input in;
    loading_input_open_bytes(&in, bytes_make((const char *)buf, len));
    struct outcome whole = load(&in, data[0]);
    check(ftruncate(fd, 0) == 0 && pwrite(fd, buf, len, 0) == (ssize_t)len);
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    check(loading_input_open(&in, path) == 0);
    struct outcome pieces = load(&in, data[0]);
    check(memcmp(&whole, &pieces, sizeof(whole)) == 0);
    return 0;
}
