#include "execute/core/temp_files.h"

#include "base/log.h"
#include "disk/disk.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *before, *behind; /* the process's number */
} temp_names[TEMP_FILES] = {
    [TEMP_FILE_SAVE] = {"temp-", ".rdb"},
    [TEMP_FILE_BGSAVE] = {"temp-bgsave-", ".rdb"},
    [TEMP_FILE_REWRITE] = {"temp-rewriteaof-bg-", ".aof"},
};

void temp_file_name(char out[TEMP_FILE_NAME], enum temp_file kind)
{
    snprintf(out, TEMP_FILE_NAME, "%s%d%s", temp_names[kind].before, (int)getpid(),
             temp_names[kind].behind);
}

/* The process that the file was made by, 0 when it is none of these files. */
static long temp_maker(const char *name)
{
    for (int kind = 0; kind < TEMP_FILES; kind++) {
        size_t len = strlen(temp_names[kind].before);
        if (strncmp(name, temp_names[kind].before, len) != 0) continue;
        char *end;
        errno = 0;
        long pid = strtol(name + len, &end, 10);
        if (end == name + len || errno != 0 || pid <= 0) continue;
        if (strcmp(end, temp_names[kind].behind) == 0) return pid;
    }
    return 0;
}

void temp_files_tidy(const char *folder)
{
    char path[PATH_MAX];
    DIR *dir = opendir(folder);
    if (dir == NULL) return;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        long pid = temp_maker(entry->d_name);
        if (pid == 0) continue;
        bool is_gone = pid == (long)getpid() || (kill((pid_t)pid, 0) != 0 && errno == ESRCH);
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (is_gone && disk_remove(path) == 0)
            log_note("Removed %s, which a save that was cut short had left", path);
    }
    closedir(dir);
}
