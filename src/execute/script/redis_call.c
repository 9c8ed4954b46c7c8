/*
 * redis.call(): arguments are the bytes of Lua's own strings, which their stack keeps alive; the
 * reply goes into a scratch buffer and from there into Lua values.
 *
 * Lua's errors leave C functions by longjmp, so nothing here owns memory: the two buffers are kept
 * between calls.
 */
#include "execute/script/redis_call.h"

#include "base/must.h"
#include "codec/number.h"
#include "execute/core/acl.h"
#include "execute/core/busy.h"
#include "execute/core/persistence.h"
#include "execute/core/run.h"
#include "execute/core/stats.h"
#include "execute/script/convert.h"
#include "execute/script/failure.h"
#include "execute/script/script.h"
#include "execute/types/heap.h"

#include <stdlib.h>

#define CALL_REPLY_KEPT ((size_t)1 << 18) /* a reply's buffer that grew larger is freed */
#define CALL_ARGS_LEAST 16
#define ERR_NO_RUN "ERR redis.call and its kin need a script that runs"

static struct reply call_scratch;
static struct bytes *call_args;
static uint32_t call_args_max;

void redis_call_close(void)
{
    reply_release(&call_scratch);
    heap_free(call_args);
    call_args = NULL;
    call_args_max = 0;
}

/* ---- Arguments ---- */

/* A number becomes its text, in its place on the stack. */
static void print_number(lua_State *L, int index)
{
    char text[NUMBER_DOUBLE_CHARS];
    lua_pushlstring(L, text, number_print_double(text, lua_tonumber(L, index)));
    lua_replace(L, index);
}

static void grow_args(uint32_t n)
{
    if (likely(n <= call_args_max)) return;
    call_args_max = n < CALL_ARGS_LEAST ? CALL_ARGS_LEAST : n;
    call_args = heap_realloc(call_args, call_args_max * sizeof(*call_args));
}

/* NULL, or why the arguments cannot be taken. */
static const char *take_args(lua_State *L, uint32_t n)
{
    if (n == 0) return "ERR Please specify at least one argument for this redis lib call";
    grow_args(n);
    for (uint32_t i = 0; i < n; i++) {
        int type = lua_type(L, (int)i + 1);
        if (type == LUA_TNUMBER)
            print_number(L, (int)i + 1);
        else if (type != LUA_TSTRING)
            return "ERR Lua redis lib command arguments must be strings or integers";
        call_args[i] = lua_bytes(L, (int)i + 1);
    }
    return NULL;
}

/* ---- May it run? ---- */

/* NULL, or the error. */
static const char *judge_flaw(const struct command *cmd)
{
    switch ((enum command_flaw)cmd->flaw) {
    case FLAW_UNKNOWN:
    case FLAW_SUBCOMMAND: return "ERR Unknown Redis command called from script";
    case FLAW_ARITY: return "ERR Wrong number of args calling Redis command from script";
    default: return NULL;
    }
}

/* The text is in the scratch buffer. */
static const char *judge_rules(const struct script_run *run, const struct command *cmd)
{
    struct session *s = run->call->session;
    struct acl_verdict v = acl_check(s->user, cmd->spec, cmd->args, cmd->nargs);
    if (likely(v.denied == ACL_ALLOWED)) return NULL;
    s->last = run->call->spec; /* what the log tells of the session */
    acl_note_denied(s, cmd->spec, cmd->args, v, ACL_IN_SCRIPT);
    reply_rewind(&call_scratch, 0);
    reply_printf(&call_scratch, "NOPERM ACL failure in script: ");
    acl_print_denied(s->user, cmd->spec, cmd->args, v, false, &call_scratch);
    reply_raw(&call_scratch, "", 1);
    return call_scratch.buf;
}

static const char *judge(const struct script_run *run, const struct command *cmd)
{
    uint32_t flags = cmd->spec->flags;
    /* A script that runs never runs, loads or drops scripts and functions, and does not wait. */
    bool is_never = (cmd->spec->categories & CAT_SCRIPTING) || cmd->spec->id == CMD_SHUTDOWN;
    if ((flags & CF_NOSCRIPT) && (is_never || !script_allows_all_commands()))
        return "ERR This Redis command is not allowed from script";
    if (run->call->session->care & CARE_RULES) {
        const char *error = judge_rules(run, cmd);
        if (error != NULL) return error;
    }
    if ((flags & (CF_WRITE | CF_MAY_REPLICATE)) &&
        (run->is_read_only || (run->flags & SCRIPT_NO_WRITES)))
        return "ERR Write commands are not allowed from read-only scripts.";
    if (persistence_refuses() && (flags & CF_WRITE)) return persistence_refusal();
    if (unlikely(!run->has_memory) && (flags & CF_DENYOOM) && !run->has_written) return ERR_OOM;
    return NULL;
}

/* ---- Running ---- */

/* Pushes the error, which is counted here. */
static void push_rejected(lua_State *L, const struct command *cmd, const char *error)
{
    lua_settop(L, 0);
    if (cmd->spec != NULL) stats_of(cmd->spec->id)->rejected++;
    stats_count_error(bytes_of(error));
    failure_push(L, bytes_of(error), true);
}

/* Runs the command and pushes its value; true for an error. */
static bool call_run(lua_State *L, struct script_run *run, const struct command *cmd)
{
    struct session *s = run->call->session;
    reply_rewind(&call_scratch, 0);
    if (unlikely(call_scratch.cap > CALL_REPLY_KEPT)) reply_release(&call_scratch);
    call_scratch.resp = run->resp;
    if (cmd->spec->flags & CF_WRITE) {
        run->has_written = true;
        busy_wrote();
    }
    run_within(run->call, s, cmd, &call_scratch);
    lua_settop(L, 0); /* many arguments leave no room for a reply */
    return convert_push_reply(L, bytes_make(call_scratch.buf, call_scratch.len));
}

/* Pushes the value of the call that the arguments on the stack ask for; true for an error. */
static bool call_values(lua_State *L)
{
    struct script_run *run = vm_of(L)->run;
    struct command cmd;
    uint32_t n = (uint32_t)lua_gettop(L);
    const char *error = NULL;
    if (run == NULL) {
        error = ERR_NO_RUN;
    } else if (unlikely(!busy_poll_at(run_last_ticks()))) {
        vm_end_run(L);
        error = busy_death();
    } else {
        error = take_args(L, n);
    }
    if (unlikely(error != NULL)) {
        lua_settop(L, 0);
        failure_push(L, bytes_of(error), false);
        return true;
    }
    run_prepare(&cmd, call_args, n);
    error = judge_flaw(&cmd);
    if (likely(error == NULL)) error = judge(run, &cmd);
    if (likely(error == NULL)) return call_run(L, run, &cmd);
    push_rejected(L, &cmd, error);
    return true;
}

int redis_call(lua_State *L) { return call_values(L) ? lua_error(L) : 1; }

int redis_pcall(lua_State *L)
{
    call_values(L);
    return 1;
}

int redis_acl_check_cmd(lua_State *L)
{
    struct command cmd;
    uint32_t n = (uint32_t)lua_gettop(L);
    const struct script_run *run = vm_of(L)->run;
    const char *error = run == NULL ? ERR_NO_RUN : take_args(L, n);
    if (error != NULL) return failure_raise(L, error);
    run_prepare(&cmd, call_args, n);
    if (cmd.flaw == FLAW_UNKNOWN || cmd.flaw == FLAW_SUBCOMMAND)
        return failure_raise(L, "ERR Invalid command passed to redis.acl_check_cmd()");
    uint32_t least = (uint32_t)abs(cmd.spec->arity);
    for (grow_args(least); n < least; n++) call_args[n] = bytes_of(""); /* keys that are missing */
    const struct user *user = run->call->session->user;
    lua_pushboolean(L, acl_check(user, cmd.spec, call_args, n).denied == ACL_ALLOWED);
    return 1;
}
