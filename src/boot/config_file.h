/*
 * The start: from the command line and the configuration file to published settings.
 *
 *     baton-server [file] [--option value ...] [-]
 *
 * The file, then standard input (for "-"), then the options of the command line are read as one
 * text, line by line; what comes last wins. Called by main before threads exist.
 */
#ifndef BOOT_CONFIG_FILE_H
#define BOOT_CONFIG_FILE_H

#include "catalog/settings.h"

#include <stdio.h>

enum config_result {
    CONFIG_READY,  /* settings are published: start */
    CONFIG_ANSWER, /* --version, --help and the like were answered on stdout: exit 0 */
    CONFIG_BAD,    /* what is wrong was said on stderr: exit 1 */
};

struct config_source {
    char path[4096];       /* absolute path of the file, "" without one; also config_path() */
    char executable[4096]; /* absolute path of the program */
    bool from_stdin;
};

/*
 * Publishes the settings, goes to `dir`, applies `rename-command` by command_rename(), and
 * remembers the file's path for CONFIG REWRITE.
 */
int config_load(int argc, char **argv, struct config_source *out);

/* Logs the options that were given a value but are not in effect yet, in one line. For after
 * log_open(). */
void config_log_pending(void);

/* ---- Between config_file.c and config_args.c, for tests too ---- */

/* A reading of one configuration, includes and all. */
struct config_reading {
    struct settings *settings; /* being filled */
    bool dry; /* changes nothing but the settings: no chdir, no include, no rename */
    unsigned depth;
    char **users; /* names met in `user` lines */
    unsigned user_count;
    /* the first error */
    char reason[OPTION_ERROR_MAX];
    char *line; /* its text, secrets left out; NULL when no line is to blame */
    size_t line_number;
    char *file; /* of an included file, or NULL */
};

/* Reads the lines of `text`. 0, or -EINVAL with the error in `r`. */
int config_read(struct config_reading *r, struct bytes text);
void config_reading_free(struct config_reading *r);

/* Answers the options that only ask (--version, ...). */
bool config_answer(int argc, char **argv, int *result);
/* Writes the arguments from `first` on as lines of a configuration; *from_stdin: "-" is among them.
 */
void config_args_write(int argc, char **argv, int first, FILE *out, bool *from_stdin);

#endif
