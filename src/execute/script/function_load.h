/*
 * From the code of a library to the library: its first line says who understands it and how it is
 * called ("#!lua name=mylib"), the rest is run once and registers functions with
 * redis.register_function().
 *
 * While it runs it sees nothing but that one function, redis.log() and the version, and it has half
 * a second. The functions that it leaves behind see what scripts see.
 */
#ifndef EXECUTE_SCRIPT_FUNCTION_LOAD_H
#define EXECUTE_SCRIPT_FUNCTION_LOAD_H

#include "execute/execute_private.h"

#include "execute/script/library.h"

struct lua_State;

enum { FUNCTION_ERROR_CHARS = 512 };

/*
 * Loads the code and joins its library to `set`, replacing one of the same name with `replace`.
 * `memory`
 * bounds what is in the VM. Gives the library; NULL: `why` is the text of the error, without its
 * code.
 */
struct library *function_load(struct libraries *set, struct bytes code, bool replace, size_t memory,
                              char why[FUNCTION_ERROR_CHARS]);

/* redis.register_function() of Lua. */
int function_load_register(struct lua_State *L);

#endif
