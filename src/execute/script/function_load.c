/*
 * Invariants: function_loading is set while a library's code runs, and only then. Lua's errors
 * leave by longjmp: whatever is allocated outside of Lua belongs to the library that is loading,
 * which is freed when its code fails.
 */
#include "execute/script/function_load.h"

#include "base/clock.h"
#include "codec/words.h"
#include "execute/core/reply.h"
#include "execute/script/failure.h"
#include "execute/script/function_vm.h"
#include "execute/script/script.h"
#include "execute/types/heap.h"

#include <stdarg.h>
#include <stdio.h>

#define FUNCTION_LOAD_MAX_NS 500000000
#define FUNCTION_LOAD_STEPS 10000 /* instructions of Lua from one look at the clock to the next */

static struct library *function_loading;
static uint64_t function_began_ns;

static void function_say(char why[FUNCTION_ERROR_CHARS], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void function_say(char why[FUNCTION_ERROR_CHARS], const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, FUNCTION_ERROR_CHARS, fmt, args);
    va_end(args);
}

/* ---- The first line ---- */

struct function_header {
    struct bytes engine, name; /* borrow from `words` */
    struct bytes body;         /* from the end of the first line on, so that lines count right */
    struct words words;
};

static bool function_header_word(struct function_header *h, struct bytes word,
                                 char why[FUNCTION_ERROR_CHARS])
{
    enum { NAME = 5 }; /* characters of name= */
    if (word.len < NAME || strncasecmp(word.ptr, "name=", NAME) != 0) {
        function_say(why, "Invalid metadata value given: %.*s", REPLY_WORD(word));
        return false;
    }
    if (h->name.ptr != NULL) {
        function_say(why, "Invalid metadata value, name argument was given multiple times");
        return false;
    }
    h->name = bytes_make(word.ptr + NAME, word.len - NAME);
    return true;
}

static bool function_header_check(struct function_header *h, char why[FUNCTION_ERROR_CHARS])
{
    h->engine = bytes_make(h->words.word[0].ptr + 2, h->words.word[0].len - 2);
    for (uint32_t i = 1; i < h->words.count; i++)
        if (!function_header_word(h, h->words.word[i], why)) return false;
    if (h->name.ptr == NULL) {
        function_say(why, "Library name was not given");
    } else if (!library_name_is_good(h->name)) {
        function_say(why, "%s", LIBRARY_NAME_ERROR);
    } else if (!bytes_is_word(h->engine, "lua")) {
        function_say(why, "Engine '%.*s' not found", REPLY_WORD(h->engine));
    } else {
        return true;
    }
    return false;
}

/* Gives the parts of the code; false: `why`. The caller frees the words when it is true. */
static bool function_header_read(struct bytes code, struct function_header *h,
                                 char why[FUNCTION_ERROR_CHARS])
{
    *h = (struct function_header){.engine = {NULL, 0}};
    if (code.len < 2 || memcmp(code.ptr, "#!", 2) != 0) {
        function_say(why, "Missing library metadata");
        return false;
    }
    const char *end = memchr(code.ptr, '\n', code.len);
    if (end == NULL ||
        words_split(bytes_make(code.ptr, (size_t)(end - code.ptr)), &h->words) != 0) {
        function_say(why, "Invalid library metadata");
        return false;
    }
    h->body = bytes_make(end, code.len - (size_t)(end - code.ptr));
    if (function_header_check(h, why)) return true;
    words_free(&h->words);
    return false;
}

/* ---- redis.register_function() ---- */

/* What was given, as places on Lua's stack; 0: nothing. */
struct registration {
    int name, callback, description;
    uint32_t flags;
};

/* 0: there is no such flag. */
static uint32_t function_flag(struct bytes word)
{
    for (unsigned bit = 0; script_flag_name(bit) != NULL; bit++)
        if (bytes_is_word(word, script_flag_name(bit))) return 1u << bit;
    return 0;
}

static uint32_t function_flags(lua_State *L, int table)
{
    uint32_t flags = 0;
    if (!lua_istable(L, table))
        failure_raise(L, "ERR flags argument to redis.register_function must be a table "
                         "representing function flags");
    for (int i = 1;; i++) {
        lua_rawgeti(L, table, i);
        if (lua_isnil(L, -1)) break;
        size_t len = 0;
        const char *word = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
        uint32_t flag = word == NULL ? 0 : function_flag(bytes_make(word, len));
        if (flag == 0) failure_raise(L, "ERR unknown flag given");
        flags |= flag;
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return flags;
}

/* One named argument: its value lies on top, and stays there where it is kept. */
static void function_take_named(lua_State *L, struct bytes key, struct registration *r)
{
    int value = lua_gettop(L);
    if (bytes_is_word(key, "function_name")) {
        if (!lua_isstring(L, value))
            failure_raise(L,
                          "ERR function_name argument given to redis.register_function must be a "
                          "string");
        r->name = value;
    } else if (bytes_is_word(key, "description")) {
        if (!lua_isstring(L, value))
            failure_raise(
                L, "ERR description argument given to redis.register_function must be a string");
        r->description = value;
    } else if (bytes_is_word(key, "callback")) {
        if (!lua_isfunction(L, value))
            failure_raise(L, "ERR callback argument given to redis.register_function must be a "
                             "function");
        r->callback = value;
    } else if (bytes_is_word(key, "flags")) {
        r->flags = function_flags(L, value);
    } else {
        failure_raise(L, "ERR unknown argument given to redis.register_function");
    }
}

/* The table at 1. A key lies in front of each value that is kept, so that lua_next() goes on. */
static void function_take_table(lua_State *L, struct registration *r)
{
    if (!lua_istable(L, 1))
        failure_raise(L, "ERR calling redis.register_function with a single argument is only "
                         "applicable to Lua table (representing named arguments).");
    lua_pushnil(L);
    while (lua_next(L, 1) != 0) {
        size_t len = 0;
        if (!lua_isstring(L, -2))
            failure_raise(L, "ERR named argument key given to redis.register_function is not a "
                             "string");
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &len) : "";
        luaL_checkstack(L, 4, NULL);
        function_take_named(L, bytes_make(key, len), r);
        lua_pushvalue(L, -2);
    }
    if (r->name == 0)
        failure_raise(L, "ERR redis.register_function must get a function name argument");
    if (r->callback == 0)
        failure_raise(L, "ERR redis.register_function must get a callback argument");
}

static void function_take_two(lua_State *L, struct registration *r)
{
    if (!lua_isstring(L, 1))
        failure_raise(L, "ERR first argument to redis.register_function must be a string");
    if (!lua_isfunction(L, 2))
        failure_raise(L, "ERR second argument to redis.register_function must be a function");
    r->name = 1;
    r->callback = 2;
}

int function_load_register(lua_State *L)
{
    struct registration r = {0};
    size_t name_len, len;
    if (function_loading == NULL)
        failure_raise(L, "ERR redis.register_function can only be called on FUNCTION LOAD command");
    int count = lua_gettop(L);
    if (count < 1 || count > 2)
        failure_raise(L, "ERR wrong number of arguments to redis.register_function");
    if (count == 1)
        function_take_table(L, &r);
    else
        function_take_two(L, &r);
    const char *name = lua_tolstring(L, r.name, &name_len);
    const char *text = r.description == 0 ? NULL : lua_tolstring(L, r.description, &len);
    if (!library_name_is_good(bytes_make(name, name_len)))
        failure_raise(L, "ERR " LIBRARY_NAME_ERROR);

    lua_pushvalue(L, r.callback);
    int callback = function_vm_keep(L);
    struct function *f = library_add(function_loading, bytes_make(name, name_len));
    if (f == NULL) {
        function_vm_release(callback);
        return failure_raise(L, "ERR Function already exists in the library");
    }
    f->callback = callback;
    f->flags = r.flags;
    if (text != NULL) {
        f->description = heap_alloc(len + 1);
        memcpy(f->description, text, len);
        f->description_len = len;
    }
    return 0;
}

/* ---- Loading ---- */

static void function_hook(lua_State *L, lua_Debug *where)
{
    (void)where;
    if (clock_mono_ns() - function_began_ns > FUNCTION_LOAD_MAX_NS)
        failure_raise(L, "ERR FUNCTION LOAD timeout");
}

/* Runs the compiled code on top of the stack for `lib`; false: the error value lies there. */
static bool function_run(struct vm *vm, struct library *lib, size_t memory)
{
    lua_State *L = vm->lua;
    function_vm_see(vm, true);
    function_loading = lib;
    function_began_ns = clock_mono_ns();
    lua_Hook usual = lua_gethook(L);
    int mask = lua_gethookmask(L), count = lua_gethookcount(L);
    lua_sethook(L, function_hook, LUA_MASKCOUNT, FUNCTION_LOAD_STEPS);
    bool good = vm_call(vm, 0, memory);
    lua_sethook(L, usual, mask, count);
    function_loading = NULL;
    function_vm_see(vm, false);
    return good;
}

/* The error value on top: a table, but where memory ran out. */
static void function_say_failure(lua_State *L, char why[FUNCTION_ERROR_CHARS])
{
    bool is_table = lua_istable(L, -1);
    if (is_table) {
        lua_pushliteral(L, "err");
        lua_rawget(L, -2);
    }
    const char *text = lua_tostring(L, -1);
    function_say(why, "Error registering functions: %s%s", is_table ? "" : "ERR ",
                 text == NULL ? "unknown error" : text);
}

/* Registers the functions of the code, which begins with the end of its first line. */
static bool function_fill(struct library *lib, struct bytes body, size_t memory,
                          char why[FUNCTION_ERROR_CHARS])
{
    struct vm *vm = function_vm();
    lua_State *L = vm->lua;
    bool good = vm_load(L, body, "@user_function", memory);
    if (!good) {
        function_say(why, "Error compiling function: %s", lua_tostring(L, -1));
    } else if (!(good = function_run(vm, lib, memory))) {
        function_say_failure(L, why);
    } else if (!(good = lib->function_count > 0)) {
        function_say(why, "No functions registered");
    }
    lua_settop(L, VM_SLOTS);
    vm_tidy(vm);
    return good;
}

static struct library *function_load_body(struct libraries *set, struct library *lib,
                                          struct bytes body, bool replace, size_t memory,
                                          char why[FUNCTION_ERROR_CHARS])
{
    struct libraries one = {.count = 0};
    const char *name;
    if (!function_fill(lib, body, memory, why)) {
        library_free(lib);
        return NULL;
    }
    libraries_put(&one, lib);
    if (libraries_join(set, &one, replace, &name) == LIBRARIES_FIT) return lib;
    function_say(why, "Function %s already exists", name);
    libraries_clear(&one);
    return NULL;
}

struct library *function_load(struct libraries *set, struct bytes code, bool replace, size_t memory,
                              char why[FUNCTION_ERROR_CHARS])
{
    struct function_header h;
    struct library *lib = NULL;
    if (!function_header_read(code, &h, why)) return NULL;
    if (!replace && libraries_find(set, h.name) != NULL)
        function_say(why, "Library '%.*s' already exists", REPLY_WORD(h.name));
    else
        lib = function_load_body(set, library_make(h.name, code), h.body, replace, memory, why);
    words_free(&h.words);
    return lib;
}
