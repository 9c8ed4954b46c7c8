/*
 * The words of a configuration line, and the file that the settings came from.
 *
 * A line is words between blanks. A word in "..." knows the escapes \n \r \t \b \a \\ \" \xHH, a
 * word in '...' knows \'; a closing quote ends the word. What config_quote() writes reads back as
 * the same bytes, and is always one line.
 */
#ifndef CATALOG_CONFIG_TEXT_H
#define CATALOG_CONFIG_TEXT_H

#include "base/bytes.h"

#include <stdio.h>

struct config_words {
    struct bytes *word;
    uint32_t count;
    char *memory; /* what the words point into */
};

/* 0, or -EINVAL when quotes do not match; then there is nothing to free. */
int config_split_words(struct bytes line, struct config_words *out);
void config_words_free(struct config_words *w);

/* Without blanks, tabs and line ends at both sides. */
struct bytes config_trim(struct bytes line);
/* Writes the word, in "..." when it would not read back as it is. */
void config_quote(struct bytes word, FILE *out);
/* The same, in "..." always. */
void config_quote_always(struct bytes word, FILE *out);

/*
 * The absolute path of the configuration file, "" without one. boot sets it before threads exist;
 * it never changes after.
 */
void config_set_path(const char *absolute);
const char *config_path(void);

#endif
