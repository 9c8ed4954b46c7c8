/* One script runs at a time. */
#include "execute/script/script.h"

#include "base/clock.h"
#include "base/must.h"
#include "execute/core/busy.h"
#include "execute/core/effect.h"
#include "execute/core/persistence.h"
#include "execute/core/run.h"
#include "execute/core/session.h"
#include "execute/script/convert.h"
#include "execute/script/failure.h"

static struct script_run *script_now;
static bool script_all_commands;

/* By the bit's number. */
static const char *const script_flag_names[] = {"no-writes", "allow-oom", "allow-stale",
                                                "no-cluster", "allow-cross-slot-keys"};
#define FLAG_COUNT (sizeof(script_flag_names) / sizeof(script_flag_names[0]))

uint32_t script_flag_named(struct bytes name)
{
    for (unsigned bit = 0; bit < FLAG_COUNT; bit++)
        if (bytes_equal(name, bytes_of(script_flag_names[bit]))) return 1u << bit;
    return 0;
}

const char *script_flag_name(unsigned bit)
{
    return bit < FLAG_COUNT ? script_flag_names[bit] : NULL;
}

uint32_t script_command_flags(uint32_t command_flags, uint32_t script_flags)
{
    if (script_flags & SCRIPT_SAYS_NOTHING) return command_flags;
    uint32_t flags = command_flags & ~(uint32_t)(CF_MAY_REPLICATE | CF_STALE);
    if (!(script_flags & SCRIPT_NO_WRITES)) flags |= CF_WRITE;
    if (!(script_flags & (SCRIPT_NO_WRITES | SCRIPT_ALLOW_OOM))) flags |= CF_DENYOOM;
    if (script_flags & SCRIPT_ALLOW_STALE) flags |= CF_STALE;
    return flags;
}

int64_t script_time_us(void)
{
    if (script_now->time_us == 0) script_now->time_us = clock_wall_us();
    return script_now->time_us;
}

void script_allow_all_commands(bool on) { script_all_commands = on; }

bool script_allows_all_commands(void) { return script_all_commands; }

bool script_count_keys(struct call *c, uint32_t *keys)
{
    int64_t n;
    if (!call_int(c, 2, &n)) return false;
    if (n > (int64_t)c->nargs - 3)
        reply_error(c, "ERR Number of keys can't be greater than number of args");
    else if (n < 0)
        reply_error(c, "ERR Number of keys can't be negative");
    else {
        *keys = (uint32_t)n;
        return true;
    }
    return false;
}

void script_push_args(lua_State *L, const struct call *c, uint32_t first, uint32_t count)
{
    lua_createtable(L, (int)count, 0);
    for (uint32_t i = 0; i < count; i++) {
        struct bytes b = arg(c, first + i);
        lua_pushlstring(L, b.ptr, b.len);
        lua_rawseti(L, -2, (int)i + 1);
    }
}

/* A script that says nothing of itself may run in any state: its commands are judged. */
bool script_is_allowed(struct script_run *r)
{
    struct call *c = r->call;
    bool writes = !(r->flags & SCRIPT_NO_WRITES);
    r->has_memory = c->settings->maxmemory <= 0 || (r->flags & SCRIPT_ALLOW_OOM) != 0 ||
                    run_memory_allows(CF_DENYOOM);
    if (r->flags & SCRIPT_SAYS_NOTHING) return true;
    if (r->is_read_only && writes) {
        reply_error(c, "ERR Can not execute a script with write flag using *_ro command.");
        return false;
    }
    if (writes && persistence_refuses()) {
        reply_error(c, persistence_refusal_of_script());
        return false;
    }
    if (writes && !r->has_memory) {
        reply_error(c, "OOM allow-oom flag is not set on the script, can not run it when used "
                       "memory > 'maxmemory'");
        return false;
    }
    return true;
}

enum run_result script_run(struct script_run *r, int nargs)
{
    struct call *c = r->call;
    lua_State *L = r->vm->lua;
    must(script_now == NULL);
    r->resp = 2;
    r->repl = 3;
    script_now = r->vm->run = r;
    busy_begin(r->is_function ? BUSY_FUNCTION : BUSY_SCRIPT, bytes_of(r->name), c);
    bool ok = vm_call(r->vm, nargs, (size_t)c->settings->script_memory_limit);
    busy_end();
    effect_mute(false);
    script_now = r->vm->run = NULL;
    c->session->db = c->db; /* SELECT was for the script alone */
    c->session->last = c->spec;
    enum run_result result = ok ? convert_reply(c, L, r->resp) : failure_reply(c, L, r->name);
    vm_tidy(r->vm);
    return result;
}
