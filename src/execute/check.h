/*
 * The tools that check files: the server's program does their work when it is called by one of
 * their names, baton-check-rdb, baton-check-aof or those of Redis. Nothing of the server need be
 * open but the clock and the log.
 */
#ifndef EXECUTE_CHECK_H
#define EXECUTE_CHECK_H

typedef int check_tool(int argc, char **argv);

/* The tool of this name, which may have a path before it; NULL: it is none. It gives the exit code.
 */
check_tool *check_tool_named(const char *argv0);

#endif
