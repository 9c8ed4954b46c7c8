/*
 * Options whose value is more than one word or number: how each is set, printed, copied and
 * released. For option.c only.
 */
#ifndef CATALOG_OPTION_SPECIAL_H
#define CATALOG_OPTION_SPECIAL_H

#include "catalog/option.h"

struct option_special {
    void (*reset)(void *member); /* to the default, whatever the memory holds */
    int (*set)(void *member, const struct bytes *words, uint32_t count, enum option_source source,
               char *error);
    void (*print)(const void *member, FILE *out);
    /* Lines for a configuration file; NULL: name and what print prints. */
    void (*lines)(const void *member, const char *name, FILE *out);
    void (*copy)(void *to, const void *from);
    void (*release)(void *member); /* NULL: owns nothing */
    bool is_binary;                /* zero bytes are taken */
};

extern const struct option_special special_bind, special_dir, special_oom_values,
    special_output_limits, special_notify, special_save, special_replicaof, special_percentiles,
    special_secret;

/* Gives a copy of `b` as a C string. */
char *option_string(struct bytes b);
/* Writes the text to `error` and gives -EINVAL. */
int option_fail(char *error, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Own rules of string options. */
option_check check_title_template, check_locale, check_dbfilename, check_appendfilename,
    check_appenddirname, check_hostname, check_nodename;

#endif
