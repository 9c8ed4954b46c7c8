/*
 * EVAL and its kin, and SCRIPT. How a script runs is in execute/script/.
 */
#include "execute/commands/script.h"

#include "execute/commands/table.h"
#include "execute/core/run.h"
#include "execute/script/eval_cache.h"
#include "execute/script/library.h"
#include "execute/script/redis_call.h"
#include "execute/script/script.h"
#include "execute/script/shebang.h"

#define ERR_NO_SCRIPT "NOSCRIPT No matching script. Please use EVAL."

/* A member of the globals: the word in `slot`, with a table of arguments. */
static void eval_set_global(lua_State *L, enum vm_slot slot, const struct call *c, uint32_t first,
                            uint32_t count)
{
    lua_pushvalue(L, (int)slot);
    script_push_args(L, c, first, count);
    lua_rawset(L, VM_SLOT_GLOBALS);
}

/* Between runs nobody needs the arguments; as members they stay, which costs nothing. */
static void eval_clear_global(lua_State *L, enum vm_slot slot)
{
    lua_pushvalue(L, (int)slot);
    lua_pushboolean(L, false);
    lua_rawset(L, VM_SLOT_GLOBALS);
}

static enum run_result eval_run(struct call *c, struct eval_script *s, uint32_t keys)
{
    struct vm *vm = eval_cache_vm();
    struct script_run run = {
        .call = c,
        .vm = vm,
        .name = s->name,
        .flags = s->flags,
        .is_read_only = (c->spec->flags & CF_READONLY) != 0,
    };
    eval_cache_touch(s);
    if (!script_is_allowed(&run)) return RUN_ERROR;
    eval_set_global(vm->lua, VM_SLOT_KEYS, c, 3, keys);
    eval_set_global(vm->lua, VM_SLOT_ARGV, c, 3 + keys, c->nargs - 3 - keys);
    lua_rawgeti(vm->lua, LUA_REGISTRYINDEX, s->function);
    enum run_result result = script_run(&run, 0);
    eval_clear_global(vm->lua, VM_SLOT_KEYS);
    eval_clear_global(vm->lua, VM_SLOT_ARGV);
    return result;
}

static enum run_result eval_text(struct call *c)
{
    uint32_t keys;
    if (!script_count_keys(c, &keys)) return RUN_ERROR;
    struct eval_script *s = eval_cache_load(c, arg(c, 1), false);
    return s == NULL ? RUN_ERROR : eval_run(c, s, keys);
}

static enum run_result eval_digits(struct call *c)
{
    uint32_t keys;
    if (!script_count_keys(c, &keys)) return RUN_ERROR;
    struct eval_script *s = eval_cache_find(arg(c, 1));
    return s == NULL ? reply_error(c, ERR_NO_SCRIPT) : eval_run(c, s, keys);
}

enum run_result cmd_EVAL(struct call *c) { return eval_text(c); }
enum run_result cmd_EVAL_RO(struct call *c) { return eval_text(c); }
enum run_result cmd_EVALSHA(struct call *c) { return eval_digits(c); }
enum run_result cmd_EVALSHA_RO(struct call *c) { return eval_digits(c); }

/* Of a call that may run a script: what the script says. One that is not there, or makes no sense,
 * says nothing. */
static uint32_t scripts_flags_of(const struct call *c)
{
    const struct eval_script *s;
    const struct function *f;
    uint32_t flags = SCRIPT_SAYS_NOTHING;
    switch (c->spec->id) {
    case CMD_EVAL: flags = shebang_read(arg(c, 1)).flags; break;
    case CMD_EVALSHA:
        if ((s = eval_cache_find(arg(c, 1))) != NULL) flags = s->flags;
        break;
    case CMD_FCALL:
        if ((f = libraries_find_function(&libraries, arg(c, 1))) != NULL) flags = f->flags;
        break;
    default: break;
    }
    return script_command_flags(c->spec->flags, flags);
}

void scripts_open(void) { run_ask_scripts(scripts_flags_of); }

void scripts_close(void)
{
    eval_cache_flush();
    redis_call_close();
}

/* ---- SCRIPT ---- */

enum run_result cmd_SCRIPT_LOAD(struct call *c)
{
    struct eval_script *s = eval_cache_load(c, arg(c, 2), true);
    return s == NULL ? RUN_ERROR : reply_text(c, s->name);
}

enum run_result cmd_SCRIPT_EXISTS(struct call *c)
{
    reply_array(c, c->nargs - 2);
    for (uint32_t i = 2; i < c->nargs; i++) reply_int(c, eval_cache_find(arg(c, i)) != NULL);
    return RUN_OK;
}

/* Both ways take the turn: a VM is one heap of small pieces, tens of microseconds each thousand. */
enum run_result cmd_SCRIPT_FLUSH(struct call *c)
{
    bool fits = c->nargs == 2 ||
                (c->nargs == 3 && (call_arg_is(c, 2, "sync") || call_arg_is(c, 2, "async")));
    if (!fits) return reply_error(c, "ERR SCRIPT FLUSH only support SYNC|ASYNC option");
    if (script_running() != NULL) return reply_error(c, "ERR SCRIPT FLUSH can not run in a script");
    eval_cache_flush();
    return reply_ok(c);
}

/* There is no debugger: scripts run as they do without one. */
enum run_result cmd_SCRIPT_DEBUG(struct call *c)
{
    if (call_arg_is(c, 2, "no") || call_arg_is(c, 2, "yes") || call_arg_is(c, 2, "sync"))
        return reply_ok(c);
    return reply_error(c, "ERR Use SCRIPT DEBUG YES/SYNC/NO");
}

enum run_result cmd_SCRIPT_HELP(struct call *c)
{
    static const char *const lines[] = {
        "DEBUG (YES|SYNC|NO)",
        "    Accepted, and without effect: Baton has no debugger for scripts.",
        "EXISTS <sha1> [<sha1> ...]",
        "    Tells which scripts EVALSHA would find.",
        "FLUSH [ASYNC|SYNC]",
        "    Forgets all scripts.",
        "KILL",
        "    Ends the script that runs, if it has not written yet.",
        "LOAD <script>",
        "    Compiles a script for EVALSHA without running it, and gives its SHA1.",
        NULL,
    };
    return reply_help(c, lines);
}
