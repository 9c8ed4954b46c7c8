/*
 * Running a script or a function: what it may do, how it is called, what it answers.
 *
 * EVAL and FCALL fill a struct script_run, ask script_is_allowed(), push the Lua function and its
 * arguments and call script_run(), which answers. While it runs, redis.call() finds it in vm->run.
 */
#ifndef EXECUTE_SCRIPT_SCRIPT_H
#define EXECUTE_SCRIPT_SCRIPT_H

#include "execute/execute_private.h"

#include "execute/core/call.h"
#include "execute/script/vm.h"

/* What a script says of itself, in its first line or when it is registered. */
enum script_flag {
    SCRIPT_NO_WRITES = 1,
    SCRIPT_ALLOW_OOM = 2,
    SCRIPT_ALLOW_STALE = 4,
    SCRIPT_NO_CLUSTER = 8,
    SCRIPT_ALLOW_CROSS_SLOT_KEYS = 16,
    SCRIPT_SAYS_NOTHING = 32, /* no first line: its commands are judged one by one */
};
/* By name, "no-writes"; 0: there is no such flag. */
uint32_t script_flag_named(struct bytes name);
/* The name of a bit, NULL past the last one. */
const char *script_flag_name(unsigned bit);

/* The flags of a command (enum command_flag) that runs a script with these. */
uint32_t script_command_flags(uint32_t command_flags, uint32_t script_flags);

struct script_run {
    struct call *call; /* of EVAL or FCALL */
    struct vm *vm;
    const char *name; /* the digits of EVALSHA, or the function's name; borrowed */
    bool is_function;
    bool is_read_only; /* EVAL_RO, FCALL_RO */
    uint32_t flags;    /* enum script_flag */
    /* script_run()'s own */
    uint8_t resp;    /* what redis.setresp() chose */
    uint8_t repl;    /* what redis.set_repl() chose */
    bool has_memory; /* commands that may grow memory may run */
    bool has_written;
    int64_t time_us; /* what TIME said first, 0: not asked yet */
};

/* The arguments KEYS and ARGV of a call: `numkeys key... arg...` from argument 2. Answers and gives
 * false when the count makes no sense. */
bool script_count_keys(struct call *c, uint32_t *keys);
/* Pushes a table of `count` arguments of the call. */
void script_push_args(lua_State *L, const struct call *c, uint32_t first, uint32_t count);

/* False, and answered, when the server's state or the command forbids to run the script. */
bool script_is_allowed(struct script_run *r);
/* Calls what lies on the VM's stack below its `nargs` arguments, and answers. */
enum run_result script_run(struct script_run *r, int nargs);

/* The wall clock for TIME within a run: stands still. */
int64_t script_time_us(void);
/* DEBUG SET-DISABLE-DENY-SCRIPTS: commands that are not for scripts may run in them, but for those
 * about scripts. */
void script_allow_all_commands(bool on);
bool script_allows_all_commands(void);

#endif
