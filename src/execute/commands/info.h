/*
 * INFO under construction: what the files of its sections share, and what execute tells INFO.
 *
 * A section appends its lines to `text`, each ended by CR LF.
 */
#ifndef EXECUTE_COMMANDS_INFO_H
#define EXECUTE_COMMANDS_INFO_H

#include "execute/execute_private.h"

#include "execute/commands/memory.h"
#include "execute/core/call.h"
#include "execute/execute.h"

struct info {
    struct call *call;
    struct reply text;
    struct world_counters counters; /* since the last RESETSTAT where they only grow */
    size_t used;                    /* memory, before this text was begun */
    struct memory_facts memory;     /* by info_memory() */
    bool has_memory;
};

#define info_line(info, format, ...) reply_printf(&(info)->text, format "\r\n", ##__VA_ARGS__)

void info_int(struct info *info, const char *name, int64_t value);
void info_text(struct info *info, const char *name, const char *value);
/* For features that are not there (yet): their counters are zero. `names` ends with NULL. */
void info_zeros(struct info *info, const char *const *names);
/* Read once for all sections. */
const struct memory_facts *info_memory(struct info *info);

/* ---- Sections of other files ---- */
void info_show_memory(struct info *info);
void info_show_persistence(struct info *info);
void info_show_stats(struct info *info);
void info_show_commandstats(struct info *info);
void info_show_errorstats(struct info *info);
void info_show_latencystats(struct info *info);
void info_show_debug(struct info *info);
void info_show_stages(struct info *info);
void info_show_keysizes(struct info *info);

/* ---- The walk over all keys: info_keysizes.c ---- */
/* A slice of it, where one was asked for; true while more is left. */
bool keysizes_work(uint64_t budget_us);
void keysizes_close(void);

/* ---- The stages over time: info_stages.c ---- */
/* Remembers how busy the stages were, at most once a second; `ticks` is now. */
void stages_sample(uint64_t ticks);
/* CONFIG RESETSTAT. */
void stages_forget(void);
/* Execute's turns: since RESETSTAT, and over the last second or two. */
struct stages_execute {
    uint64_t turns, busy_us;
    uint64_t turns_per_second, us_per_turn;
    uint64_t longest_us, most_commands; /* of one turn, since the start */
};
void stages_read_execute(struct stages_execute *out);
/* True when other threads than execute's home read and write for clients. */
bool stages_have_io_threads(void);

/* ---- What execute tells ---- */
/* At the end of its cron, which began at `began_ticks`: peaks and rates are sampled. */
void info_cron(uint64_t began_ticks);
/* CONFIG RESETSTAT, besides stats_reset(). */
void info_reset_stats(void);
/* Microseconds spent in execute's cron, since RESETSTAT. */
uint64_t info_cron_us(void);

/* The 40 hex digits that name this server's history to replicas. */
const char *info_replid(void);
void info_change_replid(void);

/* "0B", "894.77K", "1.50G". */
#define INFO_HUMAN_CHARS 32
const char *info_human(char out[INFO_HUMAN_CHARS], uint64_t bytes);

#endif
