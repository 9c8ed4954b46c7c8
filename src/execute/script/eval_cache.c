/* The cache of EVAL. */
#include "execute/script/eval_cache.h"

#include "base/must.h"
#include "execute/core/name_map.h"
#include "execute/script/script.h"
#include "execute/script/shebang.h"
#include "execute/types/heap.h"

#include <ctype.h>

#define EVAL_CHUNK "@user_script"

static struct vm *eval_vm;
static struct name_map eval_scripts;
static struct eval_script *eval_oldest, *eval_newest; /* of those that do not stay */
static uint64_t eval_passing;                         /* how many these are */
static uint64_t eval_evicted;

struct vm *eval_cache_vm(void)
{
    if (unlikely(eval_vm == NULL)) eval_vm = vm_open();
    return eval_vm;
}

/* ---- The line of those that do not stay ---- */

static void eval_unlink(struct eval_script *s)
{
    *(s->prev == NULL ? &eval_oldest : &s->prev->next) = s->next;
    *(s->next == NULL ? &eval_newest : &s->next->prev) = s->prev;
    s->next = s->prev = NULL;
    eval_passing--;
}

static void eval_link(struct eval_script *s)
{
    s->prev = eval_newest;
    *(s->prev == NULL ? &eval_oldest : &s->prev->next) = s;
    eval_newest = s;
    eval_passing++;
}

void eval_cache_touch(struct eval_script *s)
{
    if (s->stays || s == eval_newest) return;
    eval_unlink(s);
    eval_link(s);
}

static void eval_evict(void)
{
    struct eval_script *s = eval_oldest;
    eval_unlink(s);
    luaL_unref(eval_vm->lua, LUA_REGISTRYINDEX, s->function);
    name_map_remove(&eval_scripts, key_make(bytes_make(s->name, SHA1_HEX_CHARS)));
    heap_free(s);
    eval_evicted++;
}

/* ---- Finding and compiling ---- */

struct eval_script *eval_cache_find(struct bytes digits)
{
    char lower[SHA1_HEX_CHARS];
    if (digits.len != SHA1_HEX_CHARS) return NULL;
    for (size_t i = 0; i < SHA1_HEX_CHARS; i++)
        lower[i] = (char)tolower((unsigned char)digits.ptr[i]);
    return name_map_find(&eval_scripts, key_make(bytes_make(lower, SHA1_HEX_CHARS)));
}

static struct eval_script *eval_add(const char *digits, uint32_t flags, bool stays)
{
    struct eval_script *s = heap_zalloc(sizeof(*s));
    memcpy(s->name, digits, sizeof(s->name));
    s->flags = flags;
    s->stays = stays;
    s->function = luaL_ref(eval_vm->lua, LUA_REGISTRYINDEX);
    name_map_add(&eval_scripts, key_make(bytes_make(s->name, SHA1_HEX_CHARS)), s);
    if (stays) return s;
    if (eval_passing >= EVAL_CACHE_MAX) eval_evict();
    eval_link(s);
    return s;
}

static struct eval_script *eval_compile(struct call *c, const char *digits, struct bytes text,
                                        bool stays)
{
    struct shebang s = shebang_read(text);
    if (s.error != NULL) {
        reply_errorf(c, "ERR %s%.*s", s.error, REPLY_WORD(s.word));
        return NULL;
    }
    lua_State *L = eval_cache_vm()->lua;
    if (vm_load(L, s.code, EVAL_CHUNK, (size_t)c->settings->script_memory_limit))
        return eval_add(digits, s.flags, stays);
    reply_errorf(c, "ERR Error compiling script (new function): %s", lua_tostring(L, -1));
    lua_pop(L, 1);
    return NULL;
}

struct eval_script *eval_cache_load(struct call *c, struct bytes text, bool stays)
{
    uint8_t sum[SHA1_BYTES];
    char digits[SHA1_HEX_CHARS + 1];
    sha1(text, sum);
    sha1_print(sum, digits);
    struct eval_script *s =
        name_map_find(&eval_scripts, key_make(bytes_make(digits, SHA1_HEX_CHARS)));
    if (s == NULL) return eval_compile(c, digits, text, stays);
    if (stays && !s->stays) {
        eval_unlink(s);
        s->stays = true;
    }
    return s;
}

/* ---- The whole ---- */

static void eval_free(void *ctx, struct bytes name, void *value)
{
    (void)ctx;
    (void)name;
    heap_free(value);
}

void eval_cache_flush(void)
{
    name_map_each(&eval_scripts, eval_free, NULL);
    name_map_close(&eval_scripts);
    eval_oldest = eval_newest = NULL;
    eval_passing = 0;
    if (eval_vm != NULL) vm_close(eval_vm);
    eval_vm = NULL;
}

uint64_t eval_cache_count(void) { return name_map_count(&eval_scripts); }
uint64_t eval_cache_evicted(void) { return eval_evicted; }

size_t eval_cache_bytes(void)
{
    return name_map_bytes(&eval_scripts) + eval_cache_count() * sizeof(struct eval_script);
}

size_t eval_cache_vm_bytes(void) { return eval_vm == NULL ? 0 : eval_vm->used; }
