/*
 * What COMMAND shows of a row beyond its members: its arguments as a tree, made from the row's
 * syntax, and the one range that stands for its keys in clients of Redis 6 and older.
 *
 * command_docs_arguments() parses a syntax anew each time it is called: COMMAND DOCS is rare, and
 * the tree is the caller's. A syntax that does not parse is our mistake and stops the process; the
 * unit test parses every row.
 */
#ifndef CATALOG_COMMAND_DOCS_H
#define CATALOG_COMMAND_DOCS_H

#include "catalog/command.h"

enum doc_type {
    DOC_STRING,
    DOC_INTEGER,
    DOC_DOUBLE,
    DOC_KEY,
    DOC_PATTERN,
    DOC_UNIX_TIME,
    DOC_PURE_TOKEN, /* a word that is typed as it is, and nothing after it */
    DOC_ONEOF,      /* one of its children */
    DOC_BLOCK,      /* its children in their order */
};

#define DOC_NAME_MAX 40
#define DOC_ARGUMENT_MAX 96

struct doc_argument {
    enum doc_type type;
    bool optional;
    bool multiple;       /* may be repeated */
    bool multiple_token; /* and its token is repeated with it */
    char name[DOC_NAME_MAX];
    struct bytes token;  /* the word before the argument, a slice of the syntax; empty: none */
    int key_spec_index;  /* of a DOC_KEY: which of the row's specifications, else -1 */
    int16_t first_child; /* index into arguments, -1: none */
    int16_t next;        /* the next of the same parent, -1: the last */
};

struct doc_arguments {
    int16_t first; /* -1: the command takes none */
    uint32_t count;
    struct doc_argument at[DOC_ARGUMENT_MAX];
};

void command_docs_arguments(const struct command_spec *c, struct doc_arguments *out);
/* "string", "pure-token", ... */
const char *doc_type_name(enum doc_type type);

/* First key, last key (negative: from the end) and step, as COMMAND INFO tells them; all 0 without
 * keys. */
struct command_key_range {
    int first, last, step;
};
struct command_key_range command_docs_key_range(const struct command_spec *c);

/* False once `rename-command` took the command, or the container of the subcommand, away. Lives in
 * command.c. */
bool command_is_typed(const struct command_spec *c);

#endif
