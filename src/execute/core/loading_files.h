/*
 * Which files an append-only log consists of: what its manifest says; and a log of a server before
 * Redis 7, one file beside the folder, moves into the folder and becomes its base.
 */
#ifndef EXECUTE_CORE_LOADING_FILES_H
#define EXECUTE_CORE_LOADING_FILES_H

#include "execute/execute_private.h"

#include "codec/manifest.h"
#include "execute/core/loading_parts.h"

struct loading_files {
    struct manifest manifest;
    uint64_t total_bytes; /* of all files that are to be loaded */
    char wrong[LOADING_WRONG_CHARS];
};

/* Reads a manifest that must be there. 0, or -errno with the reason in `wrong`. */
int loading_files_read(struct loading_files *f, const char *path);
/* Those of the folder `dir`, with the names that begin with `name`. 1: there are some; 0: there is
 * no log; or -errno. */
int loading_files_open(struct loading_files *f, const char *dir, const char *name);
void loading_files_close(struct loading_files *f);

/* History is passed over: the number of files to load, and the number-th of them. */
int loading_files_count(const struct loading_files *f);
const struct manifest_file *loading_files_at(const struct loading_files *f, int number);

/* Cuts off what of a file is not whole, for good: what is appended later must not follow it. 0 or
 * -errno. */
int loading_files_cut(const char *path, uint64_t offset);

#endif
