/*
 * Every size that a format names is checked against what is there before a byte is touched. Lua's
 * errors leave by longjmp, so nothing here owns memory but Lua's own.
 */
#include "execute/script/lua_struct.h"

#include "base/bytes.h"

#include <ctype.h>
#include <lua5.1/lauxlib.h>
#include <limits.h>
#include <lua5.1/lua.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    MAX_INT_BYTES = 32,
    CARRIED_BYTES = 8, /* of an integer: the others are zero, and not looked at */
    DEFAULT_ALIGN = 8,
};

enum item_kind {
    ITEM_SIGNED,
    ITEM_UNSIGNED,
    ITEM_FLOAT,
    ITEM_DOUBLE,
    ITEM_CHARS, /* size 0: c0 */
    ITEM_TEXT,  /* up to a zero byte; its size is 0 */
    ITEM_PADDING,
};

struct item {
    enum item_kind kind;
    size_t size, pad; /* `pad` bytes before it align it */
};

struct format {
    const char *at; /* ends at a zero byte */
    bool little;
    size_t align; /* at most */
};

static struct format format_of(lua_State *L)
{
    return (struct format){luaL_checkstring(L, 1), __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, 1};
}

/* The number at this place of the format, `missing` when there is none. */
static size_t format_number(lua_State *L, struct format *f, size_t missing)
{
    if (!isdigit((unsigned char)*f->at)) return missing;
    int n = 0;
    for (; isdigit((unsigned char)*f->at); f->at++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *f->at - '0', &n))
            luaL_error(L, "integral size overflow");
    return (size_t)n;
}

static size_t format_int_size(lua_State *L, struct format *f)
{
    size_t size = format_number(L, f, sizeof(int));
    if (size > MAX_INT_BYTES)
        luaL_error(L, "integral size %d is larger than limit of %d", (int)size, MAX_INT_BYTES);
    return size;
}

static size_t format_align(lua_State *L, struct format *f)
{
    size_t align = format_number(L, f, DEFAULT_ALIGN);
    if (align == 0 || (align & (align - 1)) != 0)
        luaL_error(L, "alignment %d is not a power of 2", (int)align);
    return align;
}

/* Zero bytes that bring `at` to a multiple of the size. Sizes that are no power of two are padded
 * as Redis pads them. */
static size_t padding(const struct format *f, size_t at, size_t size)
{
    size_t align = size < f->align ? size : f->align;
    return align <= 1 ? 0 : (align - (at & (align - 1))) & (align - 1);
}

static struct item item_of(lua_State *L, struct format *f, char letter)
{
    switch (letter) {
    case 'b': return (struct item){ITEM_SIGNED, sizeof(char), 0};
    case 'B': return (struct item){ITEM_UNSIGNED, sizeof(char), 0};
    case 'h': return (struct item){ITEM_SIGNED, sizeof(short), 0};
    case 'H': return (struct item){ITEM_UNSIGNED, sizeof(short), 0};
    case 'l': return (struct item){ITEM_SIGNED, sizeof(long), 0};
    case 'L': return (struct item){ITEM_UNSIGNED, sizeof(long), 0};
    case 'T': return (struct item){ITEM_UNSIGNED, sizeof(size_t), 0};
    case 'i': return (struct item){ITEM_SIGNED, format_int_size(L, f), 0};
    case 'I': return (struct item){ITEM_UNSIGNED, format_int_size(L, f), 0};
    case 'f': return (struct item){ITEM_FLOAT, sizeof(float), 0};
    case 'd': return (struct item){ITEM_DOUBLE, sizeof(double), 0};
    case 'x': return (struct item){ITEM_PADDING, 1, 0};
    case 's': return (struct item){ITEM_TEXT, 0, 0};
    case 'c': return (struct item){ITEM_CHARS, format_number(L, f, 1), 0};
    default:
        luaL_argerror(L, 1, lua_pushfstring(L, "invalid format option '%c'", letter));
        return (struct item){0};
    }
}

/* The next item of the format, which would begin at the data's place `at` or after its padding;
 * false at the format's end. */
static bool format_next(lua_State *L, struct format *f, size_t at, struct item *item)
{
    for (char letter; (letter = *f->at) != '\0';) {
        f->at++;
        switch (letter) {
        case ' ': break;
        case '<': f->little = true; break;
        case '>': f->little = false; break;
        case '!': f->align = format_align(L, f); break;
        default:
            *item = item_of(L, f, letter);
            if (item->kind != ITEM_CHARS) item->pad = padding(f, at, item->size);
            return true;
        }
    }
    return false;
}

/* ---- pack ---- */

static void write_bits(uint8_t *to, uint64_t bits, size_t size, bool little)
{
    for (size_t i = 0; i < size; i++)
        to[little ? i : size - 1 - i] = (uint8_t)(i < CARRIED_BYTES ? bits >> (8 * i) : 0);
}

/* What is out of range has no defined bits: the lowest number, or 0. */
static uint64_t int_bits(double d)
{
    if (!(d >= 0)) return d >= (double)INT64_MIN ? (uint64_t)(int64_t)d : (uint64_t)INT64_MIN;
    return d < 0x1p64 ? (uint64_t)d : 0;
}

static uint64_t real_bits(double d, size_t size)
{
    uint64_t bits = 0;
    float f = (float)d;
    uint32_t half;
    if (size == sizeof(d)) {
        memcpy(&bits, &d, sizeof(d));
        return bits;
    }
    memcpy(&half, &f, sizeof(f));
    return half;
}

static void add_zeros(luaL_Buffer *b, size_t count)
{
    for (; count > 0; count--) luaL_addchar(b, '\0');
}

static void add_number(luaL_Buffer *b, const struct item *item, double d, bool little)
{
    uint8_t bytes[MAX_INT_BYTES];
    bool is_int = item->kind == ITEM_SIGNED || item->kind == ITEM_UNSIGNED;
    write_bits(bytes, is_int ? int_bits(d) : real_bits(d, item->size), item->size, little);
    luaL_addlstring(b, (const char *)bytes, item->size);
}

/* Adds the string at argument i; gives the bytes added. */
static size_t add_string(lua_State *L, luaL_Buffer *b, const struct item *item, int i)
{
    size_t len;
    const char *text = luaL_checklstring(L, i, &len);
    size_t taken = item->size == 0 ? len : item->size;
    if (taken > len) luaL_argerror(L, i + 1, "string too short");
    luaL_addlstring(b, text, taken);
    if (item->kind == ITEM_CHARS) return taken;
    luaL_addchar(b, '\0');
    return taken + 1;
}

static int struct_pack(lua_State *L)
{
    struct format f = format_of(L);
    struct item item;
    luaL_Buffer b;
    size_t total = 0;
    int i = 2;
    lua_pushnil(
        L); /* behind the arguments, where the buffer's parts would look like more of them */
    luaL_buffinit(L, &b);
    while (format_next(L, &f, total, &item)) {
        add_zeros(&b, item.pad);
        total += item.pad;
        if (item.kind == ITEM_PADDING) {
            add_zeros(&b, item.size);
            total += item.size;
        } else if (item.kind == ITEM_CHARS || item.kind == ITEM_TEXT) {
            total += add_string(L, &b, &item, i++);
        } else {
            add_number(&b, &item, luaL_checknumber(L, i++), f.little);
            total += item.size;
        }
    }
    luaL_pushresult(&b);
    return 1;
}

/* ---- unpack ---- */

static uint64_t read_bits(const char *from, size_t size, bool little)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < size && i < CARRIED_BYTES; i++)
        bits |= (uint64_t)(uint8_t)from[little ? i : size - 1 - i] << (8 * i);
    return bits;
}

static void push_number(lua_State *L, const struct item *item, uint64_t bits)
{
    unsigned unused = item->size < CARRIED_BYTES ? (unsigned)(8 * (CARRIED_BYTES - item->size)) : 0;
    uint32_t half = (uint32_t)bits;
    double d;
    float f;
    switch (item->kind) {
    case ITEM_SIGNED:
        d = item->size == 0 ? 0 : (double)((int64_t)(bits << unused) >> unused);
        break;
    case ITEM_FLOAT:
        memcpy(&f, &half, sizeof(f));
        d = (double)f;
        break;
    case ITEM_DOUBLE: memcpy(&d, &bits, sizeof(d)); break;
    default: d = (double)bits;
    }
    lua_pushnumber(L, d);
}

/* The size of a c0: the value before it, which it takes the place of. */
static size_t taken_size(lua_State *L, int *results, size_t left)
{
    if (*results == 0 || !lua_isnumber(L, -1)) luaL_error(L, "format 'c0' needs a previous size");
    double n = lua_tonumber(L, -1);
    lua_pop(L, 1);
    --*results;
    return n > -1 && n <= (double)left ? (size_t)(n < 0 ? 0 : n) : SIZE_MAX;
}

/* Pushes the item at the start of `data`, which is long enough but for strings; gives its bytes. */
static size_t push_item(lua_State *L, const struct item *item, struct bytes data, bool little)
{
    if (item->kind == ITEM_TEXT) {
        const char *end = data.len == 0 ? NULL : memchr(data.ptr, '\0', data.len);
        if (end == NULL) luaL_error(L, "unfinished string in data");
        size_t len = (size_t)(end - data.ptr);
        lua_pushlstring(L, data.ptr, len);
        return len + 1;
    }
    if (item->kind == ITEM_CHARS)
        lua_pushlstring(L, data.ptr, item->size);
    else
        push_number(L, item, read_bits(data.ptr, item->size, little));
    return item->size;
}

static int struct_unpack(lua_State *L)
{
    struct format f = format_of(L);
    struct item item;
    int results = 0;
    size_t len;
    const char *data = luaL_checklstring(L, 2, &len);
    lua_Integer from = luaL_optinteger(L, 3, 1);
    if (from < 1) luaL_argerror(L, 3, "offset must be 1 or greater");
    size_t at = (size_t)from - 1;
    lua_settop(L, 3); /* a c0 takes none of the arguments for the value before it */
    while (format_next(L, &f, at, &item)) {
        at += item.pad;
        bool takes_size = item.kind == ITEM_CHARS && item.size == 0;
        if (takes_size) item.size = taken_size(L, &results, at > len ? 0 : len - at);
        if (at > len || item.size > len - at) luaL_argerror(L, 2, "data string too short");
        luaL_checkstack(L, 2, "too many results");
        if (item.kind == ITEM_PADDING) {
            at += item.size;
            continue;
        }
        at += push_item(L, &item, bytes_make(data + at, len - at), f.little);
        results++;
    }
    lua_pushinteger(L, (lua_Integer)at + 1);
    return results + 1;
}

/* ---- size ---- */

static int struct_size(lua_State *L)
{
    struct format f = format_of(L);
    struct item item;
    size_t total = 0;
    while (format_next(L, &f, total, &item)) {
        if (item.size == 0 && item.kind == ITEM_TEXT)
            luaL_argerror(L, 1, "option 's' has no fixed size");
        if (item.size == 0 && item.kind == ITEM_CHARS)
            luaL_argerror(L, 1, "option 'c0' has no fixed size");
        total += item.pad + item.size;
    }
    lua_pushinteger(L, (lua_Integer)total);
    return 1;
}

int luaopen_baton_struct(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"pack", struct_pack}, {"unpack", struct_unpack}, {"size", struct_size}, {NULL, NULL}};
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    return 1;
}
