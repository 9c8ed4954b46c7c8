/*
 * The manifest of a multi-part append-only log, as Redis 7 keeps it: one line a file,
 * "file NAME seq N type T", T being b (base), h (history) or i (increment). A name with blanks is
 * quoted as in a configuration file. Lines from '#' on and pairs with other keys are passed over,
 * as later versions may write some. Pure functions.
 */
#ifndef CODEC_MANIFEST_H
#define CODEC_MANIFEST_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define MANIFEST_NAME_MAX 256
#define MANIFEST_FILES_MAX 8192

enum manifest_type { MANIFEST_BASE = 'b', MANIFEST_HISTORY = 'h', MANIFEST_INCREMENT = 'i' };

struct manifest_file {
    char name[MANIFEST_NAME_MAX]; /* without a folder */
    int64_t seq;                  /* from 1 on */
    enum manifest_type type;
};

struct manifest {
    struct manifest_file *files; /* malloc'd; in the order of the text: the base, then history, then
                                    increments, each after the one before */
    int count, cap;
};

/* Reads a manifest's text into an empty one. NULL, or what is wrong, for the log; then *m is empty
 * and *line (may be NULL) is where. */
const char *manifest_parse(struct bytes text, struct manifest *m, int *line);
/* Gives its text, malloc'd. */
char *manifest_print(const struct manifest *m, size_t *len);
void manifest_free(struct manifest *m);
/* `to` is empty. */
void manifest_copy(struct manifest *to, const struct manifest *from);

/* NULL without. */
const struct manifest_file *manifest_base(const struct manifest *m);
/* The newest increment, NULL without one. */
const struct manifest_file *manifest_last_increment(const struct manifest *m);
int64_t manifest_last_seq(const struct manifest *m, enum manifest_type type); /* 0: none */
/* A base when there is none; an increment with a higher number than the others. */
void manifest_add(struct manifest *m, const char *name, int64_t seq, enum manifest_type type);
/* The base, and the increments before number `seq`, become history. */
void manifest_retire(struct manifest *m, int64_t seq);
void manifest_drop_history(struct manifest *m);
/* "appendonly.aof.1.base.rdb", "appendonly.aof.1.base.aof" or "appendonly.aof.1.incr.aof". False:
 * it is too long. */
bool manifest_name(char out[MANIFEST_NAME_MAX], const char *prefix, int64_t seq,
                   enum manifest_type type, bool is_rdb);

#endif
