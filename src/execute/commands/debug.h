/*
 * DEBUG: what its files share.
 */
#ifndef EXECUTE_COMMANDS_DEBUG_H
#define EXECUTE_COMMANDS_DEBUG_H

#include "execute/execute_private.h"

#include "execute/core/call.h"

/* True while DEBUG SET-SKIP-CHECKSUM-VALIDATION 1 is in force: RESTORE takes any checksum. */
bool debug_skips_checksums(void);

/* ---- Subcommands of other files ---- */
enum run_result debug_protocol(struct call *c);
enum run_result debug_digest(struct call *c);
enum run_result debug_digest_value(struct call *c);
enum run_result debug_listpack(struct call *c);
enum run_result debug_reload(struct call *c);
enum run_result debug_loadaof(struct call *c);
enum run_result debug_flush_sleep(struct call *c);
enum run_result debug_quicklist_threshold(struct call *c);
/* What DEBUG OBJECT says about a large list: printed, cut to `room` bytes with the end; gives how
 * many without the end, 0 for other values. */
size_t debug_list_figures(const struct entry *e, char *out, size_t room);

#endif
