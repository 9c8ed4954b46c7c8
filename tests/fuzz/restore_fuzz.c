/*
 * Fuzzes what RESTORE reads, behind the footer, so that no checksum stands in the way. The first
 * byte is the type, the second says whether the rest is the value as it is, or the elements of the
 * listpacks, ziplists and intsets in it, which are then built soundly but for one byte. Its other
 * bits choose where small forms end.
 *
 * What must hold of any input: it is refused without a trace, or it is a sound value with elements,
 * which is read again from what is written of it in each version, with as many of them.
 */
#include "codec/rdb.h"
#include "execute/types/dump.h"
#include "execute/types/grave.h"
#include "execute/types/heap.h"
#include "execute/types/list.h"
#include "execute/types/load.h"
#include "execute/types/set.h"
#include "execute/types/stream.h"
#include "execute/types/zset.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) abort();
}

static void grow(struct rdb_out *out, size_t want)
{
    out->cap = out->len + want;
    out->ptr = realloc(out->ptr, out->cap);
    check(out->ptr != NULL);
}

/* ---- The value that is tried ---- */

struct input {
    const uint8_t *at, *end;
};

static uint8_t take(struct input *in) { return in->at < in->end ? *in->at++ : 0; }

static int64_t take_int(struct input *in, unsigned bytes)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < bytes; i++) n = n << 8 | take(in);
    unsigned unused = 64 - 8 * bytes;
    return (int64_t)(n << unused) >> unused;
}

static struct bytes take_text(struct input *in, size_t len)
{
    size_t left = (size_t)(in->end - in->at);
    if (len > left) len = left;
    struct bytes text = bytes_make((const char *)in->at, len);
    in->at += len;
    return text;
}

/* One byte of what was just built may be wrong. */
static void damage(struct input *in, uint8_t *built, size_t len)
{
    uint8_t where = take(in);
    if (where != 0 && len > 0) built[where * len / 256] ^= take(in);
}

static uint8_t *build_listpack(struct input *in)
{
    uint8_t *lp = listpack_make(0);
    for (unsigned left = take(in) % 64; left > 0; left--) {
        uint8_t kind = take(in);
        if (kind & 1)
            lp = listpack_append_int(lp, take_int(in, 1 + kind % 8));
        else
            lp = listpack_append(lp, take_text(in, kind / 2));
    }
    return lp;
}

static void put_listpack(struct rdb_out *out, struct input *in)
{
    uint8_t *lp = build_listpack(in);
    size_t len = listpack_bytes(lp);
    damage(in, lp, len);
    rdb_put_string(out, bytes_make((const char *)lp, len));
    heap_free(lp);
}

static void write_little(uint8_t *to, uint64_t n, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) to[i] = (uint8_t)(n >> (8 * i));
}

static void put_ziplist(struct rdb_out *out, struct input *in)
{
    uint8_t zl[64 * 80];
    size_t len = 10, last = 10, before = 0;
    unsigned count = take(in) % 64;
    for (unsigned i = 0; i < count; i++) {
        uint8_t kind = take(in);
        last = len;
        zl[len++] = (uint8_t)before;
        if (kind & 1) {
            zl[len++] = 0xe0;
            write_little(zl + len, (uint64_t)take_int(in, 1 + kind % 8), 8);
            len += 8;
        } else {
            struct bytes text = take_text(in, kind / 4);
            zl[len++] = (uint8_t)text.len;
            if (text.len != 0) memcpy(zl + len, text.ptr, text.len);
            len += text.len;
        }
        before = len - last;
    }
    zl[len++] = 0xff;
    write_little(zl, len, 4);
    write_little(zl + 4, last, 4);
    write_little(zl + 8, count, 2);
    damage(in, zl, len);
    rdb_put_string(out, bytes_make((const char *)zl, len));
}

static void put_intset(struct rdb_out *out, struct input *in)
{
    uint8_t is[8 + 8 * 64];
    unsigned width = 2u << take(in) % 3, count = take(in) % 64;
    int64_t n = take_int(in, width);
    write_little(is, width, 4);
    write_little(is + 4, count, 4);
    for (unsigned i = 0; i < count; i++, n += take(in))
        write_little(is + 8 + i * width, (uint64_t)n, width);
    damage(in, is, 8 + count * width);
    rdb_put_string(out, bytes_make((const char *)is, 8 + count * width));
}

static void put_nodes(struct rdb_out *out, struct input *in, uint8_t type)
{
    unsigned count = take(in) % 8;
    rdb_put_len(out, count);
    for (; count > 0; count--) {
        unsigned how = type == RDB_LIST_QUICKLIST_2 ? take(in) % 4 : 0;
        if (type == RDB_LIST_QUICKLIST_2) rdb_put_len(out, how);
        if (type == RDB_LIST_QUICKLIST)
            put_ziplist(out, in);
        else if (how == 1)
            rdb_put_string(out, take_text(in, take(in)));
        else
            put_listpack(out, in);
    }
}

static void put_built(struct rdb_out *out, struct input *in, uint8_t type)
{
    switch (type) {
    case RDB_LIST_ZIPLIST:
    case RDB_ZSET_ZIPLIST:
    case RDB_HASH_ZIPLIST: put_ziplist(out, in); break;
    case RDB_SET_INTSET: put_intset(out, in); break;
    case RDB_HASH_LISTPACK_DEADLINES:
        rdb_put_ms(out, take_int(in, 8));
        put_listpack(out, in);
        break;
    case RDB_SET_LISTPACK:
    case RDB_ZSET_LISTPACK:
    case RDB_HASH_LISTPACK:
    case RDB_HASH_LISTPACK_DEADLINES_OLD: put_listpack(out, in); break;
    case RDB_LIST_QUICKLIST:
    case RDB_LIST_QUICKLIST_2: put_nodes(out, in, type); break;
    default: rdb_put_raw(out, bytes_make((const char *)in->at, (size_t)(in->end - in->at)));
    }
}

/* ---- What it becomes ---- */

static void check_sound(const struct entry *e)
{
    if (entry_type(e) == TYPE_ZSET) zset_check(e);
    if (entry_encoding(e) == ENC_QUICKLIST) quicklist_check(entry_root(e));
    if (entry_type(e) == TYPE_STREAM) stream_check(entry_root(e));
    if (entry_type(e) == TYPE_SET && set_table(e) != NULL) table_check(set_table(e));
    check(type_count(e) > 0 || entry_type(e) == TYPE_STREAM);
}

static struct entry *load(const uint8_t *data, size_t len, bool whole)
{
    struct rdb_in in = {.at = data, .end = data + len, .max_string = (size_t)1 << 24};
    uint8_t type;
    struct entry *e = NULL;
    if (!rdb_take_byte(&in, &type)) return NULL;
    const char *wrong = load_value(&in, type, bytes_of("key"), &e);
    check((wrong == NULL) == (e != NULL));
    check(!whole || (e != NULL && rdb_left(&in) == 0));
    return e;
}

static void check_written_again(const struct entry *e, uint16_t version)
{
    struct rdb_out out = {.room = grow, .compress = version == RDB_VERSION_7_0};
    dump_value(&out, e, version);
    struct entry *again = load(out.ptr, out.len, true);
    check(type_count(again) == type_count(e) && entry_type(again) == entry_type(e));
    check_sound(again);
    entry_free(again);
    free(out.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (heap_arena == NULL) heap_use(arena_open("fuzz"));
    if (size < 2 || size > 1 << 16) return 0;
    uint64_t small = (data[1] >> 1 & 3) * 8;
    value_limits.set_max_intset_entries = value_limits.set_max_listpack_entries = small;
    value_limits.zset_max_listpack_entries = value_limits.hash_max_listpack_entries = small;
    value_limits.list_max_listpack_size = data[1] & 8 ? 4 : -2;

    struct input in = {data + 2, data + size};
    struct rdb_out out = {.room = grow, .compress = (data[1] & 16) != 0};
    rdb_put_byte(&out, data[0] % 28);
    if (data[1] & 1)
        put_built(&out, &in, data[0] % 28);
    else
        rdb_put_raw(&out, bytes_make((const char *)data + 2, size - 2));
    struct entry *e = load(out.ptr, out.len, false);
    if (e != NULL) {
        check_sound(e);
        check_written_again(e, RDB_VERSION_7_0);
        check_written_again(e, RDB_VERSION_7_2);
        entry_free(e);
    }
    free(out.ptr);
    while (grave_dig()) {} /* large values, refused ones too */
    return 0;
}
