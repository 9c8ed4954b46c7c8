/*
 * The folder of the append-only log: its manifest, and how its files are called and come and go.
 *
 * Whatever call of a change fails, and wherever the power goes, the manifest on disk names files
 * that are there, and their content is what it was meant to be. Only when the last step fails, the
 * sync of the folder, is it unknown which of two manifests the disk would give back: `is_unsure`
 * then, and until a later change is on disk no file of either is removed. All calls block.
 */
#ifndef PERSIST_FOLDER_H
#define PERSIST_FOLDER_H

#include "codec/manifest.h"

enum { FOLDER_PATH_MAX = 4096 };

struct folder {
    char dir[FOLDER_PATH_MAX]; /* absolute */
    char prefix[MANIFEST_NAME_MAX];
    struct manifest manifest; /* the one that a process would read now */
    bool is_unsure;           /* the last change was made, but may not outlive the power */
    bool keeps_old;           /* nor may one before it: an older manifest may come back */
};

/* Makes the folder `name` in the working directory if needed and reads its manifest. 0 or -errno,
 * with a line in the log. */
int folder_open(struct folder *f, const char *name, const char *prefix);
void folder_close(struct folder *f);

/* Opens the newest increment to append to; with none, makes one. Gives a descriptor. */
int folder_append(struct folder *f);
/* Makes the next increment, beside the others, and names it. Gives a descriptor. */
int folder_add_increment(struct folder *f);
/* An increment that no manifest names before folder_adopt() does. Gives a descriptor. */
int folder_make_temporary(struct folder *f);
void folder_remove_temporary(struct folder *f);

enum folder_increments {
    FOLDER_KEEP_SINCE, /* those since number `seq` go on */
    FOLDER_TEMPORARY,  /* the temporary one is the only one */
    FOLDER_NONE,       /* the base stands alone */
};
/* The file `path`, whole and synced, becomes the base; what is older becomes history. -errno with
 * is_unsure: the names have changed all the same. */
int folder_adopt(struct folder *f, const char *path, bool is_rdb, enum folder_increments keep,
                 int64_t seq);
/* Removes what is history, unless that may still be needed. */
int folder_remove_history(struct folder *f);

/* Bytes of all files that would be loaded. */
uint64_t folder_size(const struct folder *f);

#endif
