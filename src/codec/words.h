/*
 * The words of a line of a configuration file, and of what else is written so: a log's manifest, a
 * file of users. Pure functions.
 *
 * A line is words between blanks. A word in "..." knows the escapes \n \r \t \b \a \\ \" \xHH, a
 * word in '...' knows \'; a closing quote ends the word. What words_quote() writes reads back as
 * the same bytes, and is always one line.
 */
#ifndef CODEC_WORDS_H
#define CODEC_WORDS_H

#include "base/bytes.h"

#include <stdio.h>

struct words {
    struct bytes *word;
    uint32_t count;
    char *memory; /* what the words point into */
};

/* 0, or -EINVAL when quotes do not match; then there is nothing to free. */
int words_split(struct bytes line, struct words *out);
void words_free(struct words *w);

/* Without blanks, tabs and line ends at both sides. */
struct bytes words_trim(struct bytes line);
/* Writes the word, in "..." when it would not read back as it is. */
void words_quote(struct bytes word, FILE *out);
/* The same, in "..." always. */
void words_quote_always(struct bytes word, FILE *out);

#endif
