/*
 * Who may do what: the users, and the question that run() asks before a command.
 *
 * Every session is logged in as a user; `default` is always there and never goes away. A user that
 * may do everything is asked nothing: CARE_RULES marks the sessions of the others. When rules
 * change, the sessions of the user are changed with them; sessions of a deleted user are ended, and
 * until they are gone they may nothing.
 *
 * What users are made of: core/acl_user.h. Opened and closed with the sessions.
 */
#ifndef EXECUTE_CORE_ACL_H
#define EXECUTE_CORE_ACL_H

#include "execute/execute_private.h"

#include "base/bytes.h"
#include "catalog/command.h"
#include "execute/core/reply.h"

struct session;
struct user;

/* ---- Checks ---- */

enum acl_denied { ACL_ALLOWED, ACL_DENIED_COMMAND, ACL_DENIED_KEY, ACL_DENIED_CHANNEL };

struct acl_verdict {
    enum acl_denied denied;
    uint32_t arg; /* the argument with the key or channel */
};

/* May the user run this command, whose arity fits? Cheap; nothing is logged. */
struct acl_verdict acl_check(const struct user *u, const struct command_spec *spec,
                             const struct bytes *args, uint32_t nargs);
/* Where the command was tried. */
enum acl_context { ACL_TOPLEVEL, ACL_IN_MULTI, ACL_IN_SCRIPT };
/* Counts and logs that a command of the session was refused. */
void acl_note_denied(const struct session *s, const struct command_spec *spec,
                     const struct bytes *args, struct acl_verdict v, enum acl_context context);
/* "User x has no permissions to run the 'get' command", without an error code. `verbose`: the key
 * or channel is told, too. */
void acl_print_denied(const struct user *u, const struct command_spec *spec,
                      const struct bytes *args, struct acl_verdict v, bool verbose,
                      struct reply *out);
/* May it run the command and read all keys with it? */
bool acl_reads_all_keys(const struct user *u, const struct command_spec *spec,
                        const struct bytes *args, uint32_t nargs);
/* May it use the channel with some command? A pattern must be one of its own. */
bool acl_allows_channel(const struct user *u, struct bytes channel, bool is_pattern);

/* ---- Users ---- */

void acl_open(void);
void acl_close(void);

struct user *acl_default_user(void);
/* NULL when there is none. */
struct user *acl_find(struct bytes name);
/* All of them in the order of name. */
uint32_t acl_user_count(void);
struct user *acl_user_at(uint32_t i);

const char *acl_name(const struct user *u);
bool acl_is_unlimited(const struct user *u);
/* It takes any password; open: and is on. */
bool acl_needs_no_password(const struct user *u);
bool acl_is_open(const struct user *u);

/* A session logs in or out; a user that is gone is freed with its last session. */
void acl_enter(struct user *u);
void acl_leave(struct user *u);

/*
 * Changes the user of this name, or makes it: all of the rules or, on an error, none. Gives false
 * with the error's text in `error`, to be released. Sessions that are subscribed to what they may
 * not hear any more end; `current`, the session that asks, still gets its answer, here and below.
 */
bool acl_set_user(struct bytes name, const struct bytes *rules, uint32_t count,
                  struct session *current, struct reply *error);
/* Deletes it and ends its sessions. Never the default user. */
void acl_delete(struct user *u, struct session *current);
/* What requirepass says: the one password of the default user, or none needed. */
void acl_set_requirepass(struct bytes password);

/*
 * Logs the session in when the password is right. The work is the same whether or not the user
 * exists. A failure is counted and logged; `command` is the word that asked.
 */
bool acl_log_in(struct session *s, struct bytes name, struct bytes password, struct bytes command);

/* ---- Files ---- */

/* The users of aclfile or of the configuration. 0, or -EINVAL with the reason in `error`. */
int acl_load_at_start(struct reply *error);
/* ACL LOAD: all users of the file or, on errors, no change. Ends the sessions of all users but
 * default. */
bool acl_load(struct session *current, struct reply *error);
/* ACL SAVE; 0 or -errno. */
int acl_save(void);
/* The `user` lines of a configuration file. */
void acl_print_lines(struct reply *out);

#endif
