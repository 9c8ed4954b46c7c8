/* What the loaders share. */
#ifndef EXECUTE_CORE_LOADING_PARTS_H
#define EXECUTE_CORE_LOADING_PARTS_H

#include "execute/execute_private.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>

enum loading_result {
    LOADING_MORE, /* a slice is over, and it goes on */
    LOADING_DONE,
    LOADING_FAILED,
};

/* When a slice is over: at a time, or at a place of the input. */
struct loading_slice {
    uint64_t until_ticks;
    uint64_t until_offset;
    int64_t key_delay_us; /* key-load-delay */
};

enum { LOADING_WRONG_CHARS = 512 };

/* The first thing that is wrong is what is told. Gives LOADING_FAILED. */
static inline enum loading_result __attribute__((format(printf, 2, 3)))
loading_wrong(char wrong[LOADING_WRONG_CHARS], const char *fmt, ...)
{
    if (wrong[0] != '\0') return LOADING_FAILED;
    va_list list;
    va_start(list, fmt);
    vsnprintf(wrong, LOADING_WRONG_CHARS, fmt, list);
    va_end(list);
    return LOADING_FAILED;
}

/* Words of a file in a line of the log. */
#define LOADING_WORD(b) (int)((b).len < 128 ? (b).len : 128), (b).ptr

#endif
