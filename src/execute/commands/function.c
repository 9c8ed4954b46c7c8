/*
 * FUNCTION: the libraries of functions; FCALL: calling them.
 */
#include "execute/commands/function.h"

#include "execute/commands/payload.h"
#include "execute/commands/table.h"
#include "execute/core/busy.h"
#include "execute/core/snapshot_form.h"
#include "execute/script/function_load.h"
#include "execute/script/function_vm.h"
#include "execute/script/script.h"
#include "execute/types/heap.h"

#include "codec/glob.h"
#include "codec/number.h"

/* Snapshots hold the code of each library. */
static void functions_each(void (*give)(void *ctx, struct bytes code), void *ctx)
{
    for (const struct library *lib = libraries.first; lib != NULL; lib = lib->next)
        give(ctx, bytes_make(lib->code, lib->code_len));
}

void functions_open(void) { snapshot_on_functions(functions_each); }

void functions_close(void)
{
    libraries_clear(&libraries);
    function_vm_close();
}

const char *functions_add(struct bytes code, bool replaces)
{
    static char why[FUNCTION_ERROR_CHARS];
    size_t memory = (size_t)settings_now()->script_memory_limit;
    return function_load(&libraries, code, replaces, memory, why) != NULL ? NULL : why;
}

/* ---- LOAD, DELETE, FLUSH ---- */

enum run_result cmd_FUNCTION_LOAD(struct call *c)
{
    char why[FUNCTION_ERROR_CHARS];
    bool replace = false;
    for (uint32_t i = 2; i + 1 < c->nargs; i++) {
        if (!call_arg_is(c, i, "replace"))
            return reply_errorf(c, "ERR Unknown option given: %.*s", REPLY_WORD(arg(c, i)));
        replace = true;
    }
    struct library *lib = function_load(&libraries, arg(c, c->nargs - 1), replace,
                                        (size_t)c->settings->script_memory_limit, why);
    if (lib == NULL) return reply_errorf(c, "ERR %s", why);
    call_changed(c, 1);
    return reply_text(c, lib->name);
}

enum run_result cmd_FUNCTION_DELETE(struct call *c)
{
    struct library *lib = libraries_find(&libraries, arg(c, 2));
    if (lib == NULL) return reply_error(c, "ERR Library not found");
    libraries_take(&libraries, lib);
    library_free(lib);
    call_changed(c, 1);
    return reply_ok(c);
}

/* All goes at once, ASYNC or not: Lua cannot be taken apart piece by piece. */
enum run_result cmd_FUNCTION_FLUSH(struct call *c)
{
    if (c->nargs > 3) return reply_subcommand(c);
    if (c->nargs == 3 && !call_arg_is(c, 2, "async") && !call_arg_is(c, 2, "sync"))
        return reply_error(c, "ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
    functions_close();
    call_changed(c, 1);
    return reply_ok(c);
}

/* ---- LIST, STATS ---- */

struct function_list_options {
    struct bytes pattern;
    bool by_pattern, code;
};

static bool function_list_parse(struct call *c, struct function_list_options *o)
{
    *o = (struct function_list_options){.by_pattern = false};
    for (uint32_t i = 2; i < c->nargs; i++) {
        if (!o->code && call_arg_is(c, i, "withcode")) {
            o->code = true;
        } else if (!o->by_pattern && call_arg_is(c, i, "libraryname")) {
            if (++i == c->nargs) {
                reply_error(c, "ERR library name argument was not given");
                return false;
            }
            o->pattern = arg(c, i);
            o->by_pattern = true;
        } else {
            reply_errorf(c, "ERR Unknown argument %.*s", REPLY_WORD(arg(c, i)));
            return false;
        }
    }
    return true;
}

static void function_show(struct call *c, const struct function *f)
{
    reply_map(c, 3);
    reply_text(c, "name");
    reply_text(c, f->name);
    reply_text(c, "description");
    if (f->description == NULL)
        reply_null(c);
    else
        reply_bulk(c, bytes_make(f->description, f->description_len));
    reply_text(c, "flags");
    reply_set(c, (uint64_t)__builtin_popcount(f->flags));
    for (unsigned bit = 0; f->flags >> bit != 0; bit++)
        if ((f->flags >> bit & 1) != 0) reply_status(c, script_flag_name(bit));
}

static void function_show_library(struct call *c, const struct library *lib, bool with_code)
{
    reply_map(c, with_code ? 4 : 3);
    reply_text(c, "library_name");
    reply_text(c, lib->name);
    reply_text(c, "engine");
    reply_text(c, "LUA");
    reply_text(c, "functions");
    reply_array(c, lib->function_count);
    for (const struct function *f = lib->functions; f != NULL; f = f->next) function_show(c, f);
    if (!with_code) return;
    reply_text(c, "library_code");
    reply_bulk(c, bytes_make(lib->code, lib->code_len));
}

enum run_result cmd_FUNCTION_LIST(struct call *c)
{
    struct function_list_options o;
    if (!function_list_parse(c, &o)) return RUN_ERROR;
    size_t mark = reply_defer(c);
    uint64_t count = 0;
    for (const struct library *lib = libraries.first; lib != NULL; lib = lib->next) {
        if (o.by_pattern && !glob_match(o.pattern, bytes_of(lib->name), true)) continue;
        function_show_library(c, lib, o.code);
        count++;
    }
    return reply_defer_array(c, mark, count);
}

static void function_show_running(struct call *c, const struct busy_script *running)
{
    reply_map(c, 3);
    reply_text(c, "name");
    reply_bulk(c, running->name);
    reply_text(c, "command");
    reply_array(c, running->call->nargs);
    for (uint32_t i = 0; i < running->call->nargs; i++) reply_bulk(c, running->call->args[i]);
    reply_text(c, "duration_ms");
    reply_int(c, (int64_t)busy_script_ms());
}

enum run_result cmd_FUNCTION_STATS(struct call *c)
{
    const struct busy_script *running = busy_script();
    if (running != NULL && running->kind != BUSY_FUNCTION) return reply_error(c, busy_error());
    reply_map(c, 2);
    reply_text(c, "running_script");
    if (running == NULL)
        reply_null(c);
    else
        function_show_running(c, running);
    reply_text(c, "engines");
    reply_map(c, 1);
    reply_text(c, "LUA");
    reply_map(c, 2);
    reply_text(c, "libraries_count");
    reply_int(c, libraries.count);
    reply_text(c, "functions_count");
    return reply_int(c, libraries.function_count);
}

/* ---- DUMP, RESTORE ---- */

enum run_result cmd_FUNCTION_DUMP(struct call *c)
{
    struct payload p;
    payload_begin(&p, c);
    for (const struct library *lib = libraries.first; lib != NULL; lib = lib->next) {
        rdb_put_byte(&p.out, RDB_OP_FUNCTION);
        rdb_put_string(&p.out, bytes_make(lib->code, lib->code_len));
    }
    return payload_reply(&p, c, (uint16_t)c->settings->rdb_version);
}

/* Loads the library that comes next. False: the error is answered. */
static bool function_restore_one(struct call *c, struct rdb_in *in, struct libraries *set)
{
    char why[FUNCTION_ERROR_CHARS];
    struct rdb_string code;
    uint8_t type = 0;
    if (!rdb_take_byte(in, &type) || type != RDB_OP_FUNCTION) {
        reply_error(c, "ERR given type is not a function");
        return false;
    }
    if (!rdb_take_string(in, &code)) {
        reply_error(c, "ERR Failed loading library payload");
        return false;
    }
    char *text = heap_alloc(code.len + 1);
    bool good = rdb_string_write(&code, text);
    if (!good)
        reply_error(c, "ERR Failed loading library payload");
    else if (function_load(set, bytes_make(text, code.len), false,
                           (size_t)c->settings->script_memory_limit, why) == NULL)
        good = reply_errorf(c, "ERR %s", why) == RUN_OK;
    heap_free(text);
    return good;
}

enum restore_policy { RESTORE_APPEND, RESTORE_FLUSH, RESTORE_REPLACE };

static bool function_restore_parse(struct call *c, enum restore_policy *policy)
{
    *policy = RESTORE_APPEND;
    if (c->nargs > 4) return reply_subcommand(c) == RUN_OK;
    if (c->nargs == 3 || call_arg_is(c, 3, "append")) return true;
    *policy = call_arg_is(c, 3, "flush") ? RESTORE_FLUSH : RESTORE_REPLACE;
    if (*policy == RESTORE_FLUSH || call_arg_is(c, 3, "replace")) return true;
    reply_error(c, "ERR Wrong restore policy given, value should be either FLUSH, APPEND or "
                   "REPLACE.");
    return false;
}

/* False: the error is answered. */
static bool function_restore_join(struct call *c, struct libraries *more, bool replace)
{
    const char *name;
    enum library_clash clash = libraries_join(&libraries, more, replace, &name);
    if (clash != LIBRARIES_FIT)
        reply_errorf(c, "ERR %s %.128s already exists",
                     clash == LIBRARY_EXISTS ? "Library" : "Function", name);
    return clash == LIBRARIES_FIT;
}

/* Everything is loaded beside the libraries that are there before one of them is touched. */
enum run_result cmd_FUNCTION_RESTORE(struct call *c)
{
    enum restore_policy policy;
    struct libraries more = {.count = 0};
    struct rdb_in in;
    if (!function_restore_parse(c, &policy) || !payload_open(c, 2, &in)) return RUN_ERROR;
    bool good = true;
    while (good && rdb_left(&in) > 0) good = function_restore_one(c, &in, &more);
    if (good && policy == RESTORE_FLUSH) libraries_clear(&libraries);
    if (good) good = function_restore_join(c, &more, policy == RESTORE_REPLACE);
    libraries_clear(&more);
    if (!good) return RUN_ERROR;
    call_changed(c, 1);
    return reply_ok(c);
}

/* ---- FCALL ---- */

static enum run_result function_call(struct call *c, bool is_read_only)
{
    int64_t number;
    uint32_t keys;
    const struct function *f = libraries_find_function(&libraries, arg(c, 1));
    if (f == NULL) return reply_error(c, "ERR Function not found");
    if (!number_int(arg(c, 2), &number)) return reply_error(c, "ERR Bad number of keys provided");
    if (!script_count_keys(c, &keys)) return RUN_ERROR;
    struct vm *vm = function_vm();
    struct script_run run = {.call = c,
                             .vm = vm,
                             .name = f->name,
                             .is_function = true,
                             .is_read_only = is_read_only,
                             .flags = f->flags};
    if (!script_is_allowed(&run)) return RUN_ERROR;
    function_vm_push(vm, f->callback);
    script_push_args(vm->lua, c, 3, keys);
    script_push_args(vm->lua, c, 3 + keys, c->nargs - 3 - keys);
    return script_run(&run, 2);
}

enum run_result cmd_FCALL(struct call *c) { return function_call(c, false); }
enum run_result cmd_FCALL_RO(struct call *c) { return function_call(c, true); }

/* ---- HELP ---- */

enum run_result cmd_FUNCTION_HELP(struct call *c)
{
    static const char *const lines[] = {
        "DELETE <library-name>",
        "    Deletes a library with its functions.",
        "DUMP",
        "    All libraries as bytes that RESTORE understands.",
        "FLUSH [ASYNC|SYNC]",
        "    Deletes all libraries.",
        "KILL",
        "    Ends the function that runs, unless it has written something.",
        "LIST [LIBRARYNAME <pattern>] [WITHCODE]",
        "    The libraries whose names fit: name, engine, functions, on request their code.",
        "LOAD [REPLACE] <code>",
        "    Makes a library of the code, whose first line is #!lua name=<library-name>.",
        "RESTORE <payload> [FLUSH|APPEND|REPLACE]",
        "    Loads the libraries of a payload, all or none, beside those that are there, instead",
        "    of all of them (FLUSH) or of those with the same names (REPLACE).",
        "STATS",
        "    The function that runs, its command and for how long; numbers of the engine.",
        NULL,
    };
    return reply_help(c, lines);
}
