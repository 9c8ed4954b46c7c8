/*
 * The process as the settings want it: its log, its place in the background, its limits, its title.
 * And what of that can change while it runs.
 */
#ifndef BOOT_PROCESS_H
#define BOOT_PROCESS_H

/* Before threads: log, daemonize, pid file, descriptors for maxclients, oom score, title. 0, or -1
 * when it was said why not. */
int process_open(const char *argv0);
/* Opens the log file anew, after it was rotated. */
void process_reopen_log(void);

#endif
