/*
 * A selector: commands, keys and channels that a user may use together.
 *
 * A user has one of its own rules (the root) and one for each (...) rule; a command runs when one
 * of them allows all of it. Rules are applied one by one, left to right. What was said about
 * commands is kept as rules too, shortened where that loses nothing, because commands that a later
 * version brings belong to categories.
 *
 * For core/acl*.c and the ACL command.
 */
#ifndef EXECUTE_CORE_ACL_SELECTOR_H
#define EXECUTE_CORE_ACL_SELECTOR_H

#include "execute/execute_private.h"

#include "base/bytes.h"
#include "base/must.h"
#include "catalog/command.h"
#include "execute/core/reply.h"

enum acl_may { ACL_READ = 1, ACL_WRITE = 2, ACL_READ_WRITE = 3 };

/* How a pattern is matched. */
enum acl_form {
    ACL_LITERAL, /* nothing special in it */
    ACL_PREFIX,  /* nothing special in it but the '*' at the end */
    ACL_GLOB,
};

struct acl_pattern {
    struct bytes text;   /* owned */
    uint64_t head, mask; /* the plain bytes that it begins with, eight at most; other bits are 0 */
    uint8_t may;         /* enum acl_may; of keys */
    uint8_t form;
};

/* The first eight bytes of a text, zeros behind a shorter one: what a head is compared with. */
static inline uint64_t acl_head(struct bytes text)
{
    uint64_t head = 0;
    if (likely(text.len >= sizeof head)) {
        memcpy(&head, text.ptr, sizeof head);
        return head;
    }
    for (size_t i = text.len; i-- > 0;) head = head << 8 | (uint8_t)text.ptr[i];
    return head;
}

struct acl_patterns {
    struct acl_pattern *at;
    uint32_t count;
};

/* +select|0: a command that is allowed with this first argument. */
struct acl_first_arg {
    enum command_id id;
    struct bytes word; /* owned; any case fits */
};

#define ACL_WORDS ((CMD_COUNT + 63) / 64)

struct acl_selector {
    uint64_t allowed[ACL_WORDS]; /* a bit for each command */
    bool all_commands;           /* all bits are set */
    bool all_keys, all_channels;
    bool new_commands; /* the first rule in print: +@all or -@all */
    struct acl_patterns keys, channels;
    struct acl_first_arg *first_args;
    uint32_t first_arg_count;
    struct bytes *rules; /* about commands, each with its sign; owned */
    uint32_t rule_count;
};

/* What is wrong with a rule. */
enum acl_error {
    ACL_FINE,
    ACL_SYNTAX,
    ACL_NO_SUCH_COMMAND,
    ACL_FIRST_ARG_OF_SUBCOMMAND,
    ACL_KEY_AFTER_ALL,
    ACL_CHANNEL_AFTER_ALL,
    ACL_NO_SUCH_PASSWORD,
    ACL_BAD_HASH,
};
const char *acl_error_text(enum acl_error e);

/* Allows nothing but, on request, all channels. Gives. */
struct acl_selector *acl_selector_make(bool all_channels);
struct acl_selector *acl_selector_copy(const struct acl_selector *from);
void acl_selector_free(struct acl_selector *s);

/* One rule about commands, keys or channels. On an error nothing has changed. */
enum acl_error acl_selector_apply(struct acl_selector *s, struct bytes rule);

static inline bool acl_selector_has(const struct acl_selector *s, enum command_id id)
{
    return (s->allowed[id / 64] >> (id % 64) & 1) != 0;
}

/* In words that make such a selector again. */
void acl_selector_print(const struct acl_selector *s, struct reply *out);
void acl_selector_print_commands(const struct acl_selector *s, struct reply *out);
void acl_selector_print_keys(const struct acl_selector *s, struct reply *out);
void acl_selector_print_channels(const struct acl_selector *s, struct reply *out);

/* The row of a command by the name that it has in the table, whatever rename-command says: rules
 * mean the same on every server. "config|get" is one; NULL: unknown. */
const struct command_spec *acl_command(struct bytes name);

#endif
