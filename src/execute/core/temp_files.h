/*
 * The files that snapshots are written to before they get their names. They are named by the
 * process, so that one that died in the middle is known by what it left.
 */
#ifndef EXECUTE_CORE_TEMP_FILES_H
#define EXECUTE_CORE_TEMP_FILES_H

#include "execute/execute_private.h"

enum temp_file {
    TEMP_FILE_SAVE,    /* SAVE, SHUTDOWN: temp-PID.rdb */
    TEMP_FILE_BGSAVE,  /* temp-bgsave-PID.rdb; both may be there at a time */
    TEMP_FILE_REWRITE, /* in the log's folder: temp-rewriteaof-bg-PID.aof */
    TEMP_FILES,
};

#define TEMP_FILE_NAME 64
/* Of this process, without a folder. */
void temp_file_name(char out[TEMP_FILE_NAME], enum temp_file kind);
/* At the start: removes those in the folder whose processes are gone. */
void temp_files_tidy(const char *folder);

#endif
