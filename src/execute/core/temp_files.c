#include "execute/core/temp_files.h"

#include "base/log.h"
#include "disk/disk.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const temp_prefixes[TEMP_FILES] = {
    [TEMP_FILE_SAVE] = "temp-",
    [TEMP_FILE_BGSAVE] = "temp-bgsave-",
};

void temp_file_name(char out[TEMP_FILE_NAME], enum temp_file kind)
{
    snprintf(out, TEMP_FILE_NAME, "%s%d.rdb", temp_prefixes[kind], (int)getpid());
}

/* The process that the file was made by, 0 when it is none of these files. */
static long temp_maker(const char *name)
{
    for (int kind = 0; kind < TEMP_FILES; kind++) {
        size_t len = strlen(temp_prefixes[kind]);
        if (strncmp(name, temp_prefixes[kind], len) != 0) continue;
        char *end;
        errno = 0;
        long pid = strtol(name + len, &end, 10);
        if (end == name + len || errno != 0 || pid <= 0 || strcmp(end, ".rdb") != 0) continue;
        return pid;
    }
    return 0;
}

void temp_files_tidy(void)
{
    DIR *dir = opendir(".");
    if (dir == NULL) return;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        long pid = temp_maker(entry->d_name);
        if (pid == 0) continue;
        bool is_gone = pid == (long)getpid() || (kill((pid_t)pid, 0) != 0 && errno == ESRCH);
        if (is_gone && disk_remove(entry->d_name) == 0)
            log_note("Removed %s, which a save that was cut short had left", entry->d_name);
    }
    closedir(dir);
}
