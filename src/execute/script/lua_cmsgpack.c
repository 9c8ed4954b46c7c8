/*
 * Counts that the input names are believed only as far as bytes for them are left, and nothing is
 * allocated for them in advance. Output grows in a userdata of Lua, because Lua's errors leave by
 * longjmp: nothing here owns memory. Depth is bounded by Lua's stack when reading.
 */
#include "execute/script/lua_cmsgpack.h"

#include <lua5.1/lauxlib.h>
#include <limits.h>
#include <lua5.1/lua.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { MAX_PACK_DEPTH = 16 };

/* The first byte of a value. Those of numbers, strings, arrays and maps that have a length of their
 * own are followed by others for twice as many bytes each. */
enum {
    TAG_MAP = 0x80,   /* with a count below 16 */
    TAG_ARRAY = 0x90, /* the same */
    TAG_TEXT = 0xa0,  /* with a length below 32 */
    TAG_NIL = 0xc0,
    TAG_FALSE = 0xc2,
    TAG_TRUE = 0xc3,
    TAG_FLOAT = 0xca,
    TAG_DOUBLE = 0xcb,
    TAG_UINT8 = 0xcc,
    TAG_UINT64 = 0xcf,
    TAG_INT8 = 0xd0,
    TAG_INT64 = 0xd3,
    TAG_TEXT8 = 0xd9,
    TAG_TEXT32 = 0xdb,
    TAG_ARRAY16 = 0xdc,
    TAG_ARRAY32 = 0xdd,
    TAG_MAP16 = 0xde,
    TAG_MAP32 = 0xdf,
    TAG_NEGATIVE = 0xe0, /* to 0xff: -32 to -1 */
};

/* ---- Packing ---- */

struct out {
    lua_State *L;
    int slot; /* of the userdata that is the buffer */
    uint8_t *ptr;
    size_t len, cap;
};

/* Needs a free slot of Lua's stack. */
static uint8_t *out_room(struct out *o, size_t more)
{
    if (more > o->cap - o->len) {
        size_t cap = o->cap * 2 > o->len + more ? o->cap * 2 : o->len + more;
        uint8_t *larger = lua_newuserdata(o->L, cap);
        memcpy(larger, o->ptr, o->len);
        lua_replace(o->L, o->slot);
        o->ptr = larger;
        o->cap = cap;
    }
    o->len += more;
    return o->ptr + o->len - more;
}

static void put_byte(struct out *o, unsigned byte) { *out_room(o, 1) = (uint8_t)byte; }

/* A tag and the lowest `bytes` bytes of n, the highest first. */
static void put_tagged(struct out *o, unsigned tag, uint64_t n, unsigned bytes)
{
    uint8_t *to = out_room(o, 1 + bytes);
    to[0] = (uint8_t)tag;
    for (unsigned i = 0; i < bytes; i++) to[bytes - i] = (uint8_t)(n >> (8 * i));
}

/* Bytes that an unsigned number takes as log2: of 1, 2, 4, 8. */
static unsigned width_of(uint64_t n)
{
    if (n <= UINT8_MAX) return 0;
    if (n <= UINT16_MAX) return 1;
    return n <= UINT32_MAX ? 2 : 3;
}

static void put_int(struct out *o, int64_t n)
{
    if (n >= -32 && n <= INT8_MAX) {
        put_byte(o, (uint8_t)n);
        return;
    }
    /* A negative number fits where its complement, doubled for the sign, does. */
    unsigned width = width_of(n < 0 ? (uint64_t)~n << 1 : (uint64_t)n);
    put_tagged(o, (n < 0 ? TAG_INT8 : TAG_UINT8) + width, (uint64_t)n, 1u << width);
}

static void put_number(struct out *o, double d)
{
    float f = (float)d;
    if (d >= -0x1p63 && d < 0x1p63 && d == trunc(d)) {
        put_int(o, (int64_t)d);
    } else if ((double)f == d) {
        uint32_t bits;
        memcpy(&bits, &f, sizeof(bits));
        put_tagged(o, TAG_FLOAT, bits, sizeof(bits));
    } else {
        uint64_t bits;
        memcpy(&bits, &d, sizeof(bits));
        put_tagged(o, TAG_DOUBLE, bits, sizeof(bits));
    }
}

static void put_text(struct out *o, int at)
{
    size_t len;
    const char *text = lua_tolstring(o->L, at, &len);
    if (len > UINT32_MAX) luaL_error(o->L, "string too long for MessagePack");
    if (len < 32)
        put_byte(o, TAG_TEXT | (unsigned)len);
    else
        put_tagged(o, TAG_TEXT8 + width_of(len), len, 1u << width_of(len));
    memcpy(out_room(o, len), text, len);
}

static void put_count(struct out *o, bool is_array, size_t count)
{
    if (count < 16)
        put_byte(o, (is_array ? TAG_ARRAY : TAG_MAP) | (unsigned)count);
    else if (count <= UINT16_MAX)
        put_tagged(o, is_array ? TAG_ARRAY16 : TAG_MAP16, count, 2);
    else
        put_tagged(o, is_array ? TAG_ARRAY32 : TAG_MAP32, count, 4);
}

/* Counts what is in the table on top; *is_array: its keys are 1 to that number. */
static size_t count_pairs(lua_State *L, bool *is_array)
{
    size_t count = 0;
    double max = 0;
    *is_array = true;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1), count++) {
        double key = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
        if (key < 1 || key != trunc(key)) *is_array = false;
        if (key > max) max = key;
    }
    if (count > INT_MAX) luaL_error(L, "table too large for MessagePack");
    *is_array = *is_array && max == (double)count;
    return count;
}

static void put_value(struct out *o, int depth);

static void put_table(struct out *o, int depth)
{
    lua_State *L = o->L;
    bool is_array;
    luaL_checkstack(L, 4, "in cmsgpack.pack");
    size_t count = count_pairs(L, &is_array);
    put_count(o, is_array, count);
    for (int i = 1; is_array && i <= (int)count; i++) {
        lua_rawgeti(L, -1, i);
        put_value(o, depth);
        lua_pop(L, 1);
    }
    if (is_array) return;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        put_value(o, depth);
        lua_pop(L, 1);
        put_value(o, depth);
    }
}

/* Packs the value on top, and leaves it there. */
static void put_value(struct out *o, int depth)
{
    switch (lua_type(o->L, -1)) {
    case LUA_TBOOLEAN: put_byte(o, lua_toboolean(o->L, -1) ? TAG_TRUE : TAG_FALSE); break;
    case LUA_TNUMBER: put_number(o, lua_tonumber(o->L, -1)); break;
    case LUA_TSTRING: put_text(o, -1); break;
    case LUA_TTABLE:
        if (depth < MAX_PACK_DEPTH) {
            put_table(o, depth + 1);
            break;
        }
        put_byte(o, TAG_NIL);
        break;
    default: put_byte(o, TAG_NIL);
    }
}

static int cmsgpack_pack(lua_State *L)
{
    enum { FIRST_ROOM = 256 };
    int count = lua_gettop(L);
    if (count == 0) return luaL_argerror(L, 0, "MessagePack pack needs input.");
    luaL_checkstack(L, 4, "in cmsgpack.pack");
    struct out o = {
        .L = L, .slot = count + 1, .ptr = lua_newuserdata(L, FIRST_ROOM), .cap = FIRST_ROOM};
    for (int i = 1; i <= count; i++) {
        lua_pushvalue(L, i);
        put_value(&o, 0);
        lua_pop(L, 1);
    }
    lua_pushlstring(L, (const char *)o.ptr, o.len);
    return 1;
}

/* ---- Unpacking ---- */

struct in {
    lua_State *L;
    const uint8_t *at;
    size_t left;
};

static const uint8_t *take(struct in *in, size_t bytes)
{
    if (bytes > in->left) luaL_error(in->L, "Missing bytes in input.");
    in->at += bytes;
    in->left -= bytes;
    return in->at - bytes;
}

static uint64_t take_bits(struct in *in, unsigned bytes)
{
    const uint8_t *from = take(in, bytes);
    uint64_t bits = 0;
    for (unsigned i = 0; i < bytes; i++) bits = bits << 8 | from[i];
    return bits;
}

static void take_text(struct in *in, size_t len)
{
    const uint8_t *text = take(in, len);
    lua_pushlstring(in->L, (const char *)text, len);
}

static void take_float(struct in *in)
{
    uint32_t bits = (uint32_t)take_bits(in, sizeof(bits));
    float f;
    memcpy(&f, &bits, sizeof(f));
    lua_pushnumber(in->L, (double)f);
}

static void take_double(struct in *in)
{
    uint64_t bits = take_bits(in, sizeof(bits));
    double d;
    memcpy(&d, &bits, sizeof(d));
    lua_pushnumber(in->L, d);
}

static void take_signed(struct in *in, unsigned bytes)
{
    uint64_t bits = take_bits(in, bytes), sign = (uint64_t)1 << 63;
    if (bytes < 8) sign >>= 64 - 8 * bytes;
    lua_pushnumber(in->L, (double)(int64_t)((bits ^ sign) - sign));
}

static void take_value(struct in *in);

static void take_array(struct in *in, size_t count)
{
    if (count > in->left || count > INT_MAX) luaL_error(in->L, "Missing bytes in input.");
    lua_newtable(in->L);
    for (int i = 1; i <= (int)count; i++) {
        take_value(in);
        lua_rawseti(in->L, -2, i);
    }
}

static void take_map(struct in *in, size_t count)
{
    lua_newtable(in->L);
    for (; count > 0; count--) {
        take_value(in);
        take_value(in);
        lua_rawset(in->L, -3); /* has errors of its own for keys that are nil or not a number */
    }
}

/* What begins with one of the tags that stand alone or before a length. */
static void take_tagged(struct in *in, unsigned tag)
{
    switch (tag) {
    case TAG_NIL: lua_pushnil(in->L); break;
    case TAG_FALSE:
    case TAG_TRUE: lua_pushboolean(in->L, tag == TAG_TRUE); break;
    case TAG_FLOAT: take_float(in); break;
    case TAG_DOUBLE: take_double(in); break;
    case TAG_ARRAY16:
    case TAG_ARRAY32: take_array(in, take_bits(in, 2u << (tag - TAG_ARRAY16))); break;
    case TAG_MAP16:
    case TAG_MAP32: take_map(in, take_bits(in, 2u << (tag - TAG_MAP16))); break;
    default:
        if (tag == TAG_UINT64)
            take_signed(in, 8);
        else if (tag >= TAG_UINT8 && tag < TAG_UINT64)
            lua_pushnumber(in->L, (double)take_bits(in, 1u << (tag - TAG_UINT8)));
        else if (tag >= TAG_INT8 && tag <= TAG_INT64)
            take_signed(in, 1u << (tag - TAG_INT8));
        else if (tag >= TAG_TEXT8 && tag <= TAG_TEXT32)
            take_text(in, take_bits(in, 1u << (tag - TAG_TEXT8)));
        else
            luaL_error(in->L, "Bad data format in input.");
    }
}

/* Pushes the next value. */
static void take_value(struct in *in)
{
    luaL_checkstack(in->L, 2, "in cmsgpack.unpack");
    unsigned tag = *take(in, 1);
    if (tag < TAG_MAP)
        lua_pushnumber(in->L, tag);
    else if (tag >= TAG_NEGATIVE)
        lua_pushnumber(in->L, (int8_t)tag);
    else if (tag < TAG_ARRAY)
        take_map(in, tag - TAG_MAP);
    else if (tag < TAG_TEXT)
        take_array(in, tag - TAG_ARRAY);
    else if (tag < TAG_NIL)
        take_text(in, tag - TAG_TEXT);
    else
        take_tagged(in, tag);
}

/* Pushes up to `limit` values of argument 1; gives their number. *next: where to go on, -1 at the
 * end. */
static int take_values(lua_State *L, lua_Integer limit, lua_Integer offset, lua_Integer *next)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    if (offset < 0 || limit < 0)
        return luaL_error(L, "Invalid request to unpack with offset of %d and limit of %d.",
                          (int)offset, (int)len);
    if ((size_t)offset > len)
        return luaL_error(L, "Start offset %d greater than input length %d.", (int)offset,
                          (int)len);
    struct in in = {L, (const uint8_t *)text + offset, len - (size_t)offset};
    int count = 0;
    for (; in.left > 0 && count < limit; count++) {
        luaL_checkstack(L, 3,
                        "too many return values at once; use unpack_one or unpack_limit instead.");
        take_value(&in);
    }
    *next = in.left == 0 ? -1 : (lua_Integer)(len - in.left);
    return count;
}

static int cmsgpack_unpack(lua_State *L)
{
    lua_Integer next;
    return take_values(L, INT_MAX, 0, &next);
}

/* The values, after the place where the next one begins. */
static int unpack_from(lua_State *L, lua_Integer limit, lua_Integer offset)
{
    lua_Integer next = -1;
    int count = take_values(L, limit, offset, &next);
    luaL_checkstack(L, 1, "in cmsgpack.unpack");
    lua_pushinteger(L, next);
    lua_insert(L, -1 - count);
    return count + 1;
}

static int cmsgpack_unpack_one(lua_State *L)
{
    lua_Integer offset = luaL_optinteger(L, 2, 0);
    return unpack_from(L, 1, offset);
}

static int cmsgpack_unpack_limit(lua_State *L)
{
    lua_Integer limit = luaL_checkinteger(L, 2);
    lua_Integer offset = luaL_optinteger(L, 3, 0);
    /* No limit from the start on is what unpack does. */
    if (limit == 0 && offset == 0) return cmsgpack_unpack(L);
    return unpack_from(L, limit, offset);
}

int luaopen_baton_cmsgpack(lua_State *L)
{
    static const luaL_Reg functions[] = {{"pack", cmsgpack_pack},
                                         {"unpack", cmsgpack_unpack},
                                         {"unpack_one", cmsgpack_unpack_one},
                                         {"unpack_limit", cmsgpack_unpack_limit},
                                         {NULL, NULL}};
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    lua_pushliteral(L, "cmsgpack");
    lua_setfield(L, -2, "_NAME");
    lua_pushliteral(L, "lua-cmsgpack 0.4.0"); /* the one that it behaves like */
    lua_setfield(L, -2, "_VERSION");
    return 1;
}
