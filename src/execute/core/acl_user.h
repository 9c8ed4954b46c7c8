/*
 * A user: on or off, passwords, and selectors that say what it may do.
 *
 * A user is changed rule by rule, on a copy where the change must be all or nothing, and then
 * acl_user_settle() works out what is asked for at every command. Passwords are kept as their
 * SHA-256 only.
 *
 * For core/acl*.c and the ACL command; the others know core/acl.h.
 */
#ifndef EXECUTE_CORE_ACL_USER_H
#define EXECUTE_CORE_ACL_USER_H

#include "execute/execute_private.h"

#include "codec/sha256.h"
#include "execute/core/acl_selector.h"

struct user {
    char *name;     /* no blanks, no zero bytes */
    bool unlimited; /* settled: nothing that it does needs a check */
    bool on;
    bool nopass; /* any password is right */
    bool skips_sanitize;
    bool gone;         /* deleted: it may nothing, and is freed with its last session */
    uint32_t sessions; /* that are logged in as this user */
    uint32_t password_count;
    uint8_t (*passwords)[SHA256_BYTES];
    uint32_t selector_count;
    struct acl_selector **selectors; /* the root first; none when it is gone */
};

/* As new users are: off, without passwords, allowed nothing. Gives. */
struct user *acl_user_make(struct bytes name);
void acl_user_free(struct user *u);
/* `to` gets all of `from` but its name and its sessions. */
void acl_user_copy(struct user *to, const struct user *from);
/* Exchanges the same. */
void acl_user_swap(struct user *a, struct user *b);

enum acl_error acl_user_apply(struct user *u, struct bytes rule);
/* After the last rule. */
void acl_user_settle(struct user *u);
/* It may nothing from now on. */
void acl_user_revoke(struct user *u);

/*
 * Is it the right password? For a user that does not exist (NULL) or is off the same is done. How
 * long it takes depends on the length of `password` and on how many passwords the user has.
 */
bool acl_user_accepts(const struct user *u, struct bytes password);

/* "user <name> <words that make it>". */
void acl_user_print(const struct user *u, struct reply *out);

/* ---- Rules that come as words ---- */

/* A (...) rule may be spread over several words. */
struct acl_rules {
    struct bytes *at; /* owned */
    uint32_t count;
    char *memory; /* of those that were joined */
};
/* Joins them. False: the parenthesis of words[*unmatched] is not closed; then there is nothing to
 * free. `words` must live as long as the rules. */
bool acl_rules_join(const struct bytes *words, uint32_t count, struct acl_rules *out,
                    uint32_t *unmatched);
void acl_rules_free(struct acl_rules *r);

bool acl_name_is_valid(struct bytes name);

#endif
