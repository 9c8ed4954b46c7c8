/*
 * The crash report: what is written to the log when a signal that means a defect (SIGSEGV, SIGBUS,
 * SIGFPE, SIGILL, SIGABRT) ends the process. Only async-signal-safe calls are made. The report
 * carries the marks that tools search redis-server's logs for
 * ("REDIS BUG REPORT START", "crashed by signal:", "STACK TRACE"); then the signal takes its
 * course, so that a core is dumped.
 */
#ifndef BOOT_CRASH_H
#define BOOT_CRASH_H

/* Catches the signals. Once, before threads start; calls crash_thread() for the caller. */
void crash_open(void);
/* Lets the signals be as they were before crash_open(), for `crash-log-enabled no`. May be opened
 * again. */
void crash_close(void);
/* Each thread, at its start: gives it a stack of its own for the report, so that a stack overflow
 * is reported too. */
void crash_thread(void);

/* `text` is borrowed for life and opens the report: name, version, commit. */
void crash_set_version(const char *text);

#endif
