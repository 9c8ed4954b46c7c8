/*
 * What a signal's handler has to say: lines put together without stdio, and the stack of the thread
 * that it interrupted. They go to the log as they are, without a time. All is async-signal-safe.
 */
#ifndef BOOT_REPORT_H
#define BOOT_REPORT_H

#include <stddef.h>
#include <stdint.h>

struct report_line {
    size_t len;
    char text[256];
};

/* What there is no room for is left out. */
void report_put(struct report_line *l, const char *text);
/* With at least `least` digits. */
void report_put_number(struct report_line *l, uint64_t n, unsigned base, int least);
/* Writes the line, and empties it. */
void report_end(struct report_line *l);

/* A line of its own. */
void report_say(const char *text);
/* Which thread this is. */
void report_say_thread(void);
/* Where this thread is, under a heading. */
void report_say_stack(void);

/* Before a handler that says the stack is set; may be called again. */
void report_open(void);

#endif
