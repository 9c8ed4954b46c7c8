/*
 * The server's log: lines `PID:ROLE DD Mon YYYY HH:MM:SS.mmm LEVEL text` as redis-server writes
 * them, where ROLE is M (a master), S (a replica) or C (before the server is up) and LEVEL is one
 * of . - * #.
 *
 * Each line is one write(2) of a file opened for appending, so lines of threads never mix. Control
 * bytes in the text are escaped: a client's bytes cannot forge a line. Any thread may log.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_DEBUG_ALL, LOG_VERBOSE_MORE, LOG_NOTE, LOG_WARN, LOG_NOTHING };

/* Opens the log: "" is standard output. 0 or -errno. May be called again to switch or reopen the
 * file. */
int log_open(const char *path);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
void log_set_role(char role);
/* facility: one of LOG_LOCAL0.. of <syslog.h>. `on` false closes it. */
void log_set_syslog(bool on, const char *ident, int facility);

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* For crash handlers: async-signal-safe, the text as it is, no time stamp. */
void log_raw_signal_safe(const char *text, size_t len);
/* The descriptor that the log is written to; for crash handlers. */
int log_fd(void);

#define log_debug(...) log_line(LOG_DEBUG_ALL, __VA_ARGS__)
#define log_verbose(...) log_line(LOG_VERBOSE_MORE, __VA_ARGS__)
#define log_note(...) log_line(LOG_NOTE, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)

#endif
