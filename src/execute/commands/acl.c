/*
 * ACL: users made, changed, deleted, loaded and saved. What shows them is in acl_show.c.
 */
#include "base/log.h"
#include "base/random.h"
#include "execute/commands/table.h"
#include "execute/core/acl.h"
#include "execute/core/session.h"
#include "execute/types/heap.h"

enum { GENPASS_BITS = 256, GENPASS_BITS_MAX = 4096 };

/* "ERR " and the text, which may hold any bytes. Releases it. */
static enum run_result acl_reply_error(struct call *c, struct reply *text)
{
    reply_errorf(c, "ERR %.*s", (int)text->len, text->buf);
    reply_release(text);
    return RUN_ERROR;
}

enum run_result cmd_ACL_SETUSER(struct call *c)
{
    struct reply error = {0};
    if (!acl_set_user(arg(c, 2), c->args + 3, c->nargs - 3, c->session, &error))
        return acl_reply_error(c, &error);
    return reply_ok(c);
}

enum run_result cmd_ACL_DELUSER(struct call *c)
{
    int64_t count = 0;
    for (uint32_t i = 2; i < c->nargs; i++)
        if (acl_find(arg(c, i)) == acl_default_user())
            return reply_error(c, "ERR The 'default' user cannot be removed");
    for (uint32_t i = 2; i < c->nargs; i++) {
        struct user *u = acl_find(arg(c, i));
        if (u == NULL) continue;
        acl_delete(u, c->session);
        count++;
    }
    return reply_int(c, count);
}

static enum run_result acl_needs_file(struct call *c)
{
    return reply_error(
        c, "ERR This Redis instance is not configured to use an ACL file. You may want to specify "
           "users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a "
           "Redis configuration file set) in order to store users in the Redis configuration.");
}

enum run_result cmd_ACL_LOAD(struct call *c)
{
    struct reply error = {0};
    if (c->settings->aclfile[0] == '\0') return acl_needs_file(c);
    if (!acl_load(c->session, &error)) return acl_reply_error(c, &error);
    return reply_ok(c);
}

enum run_result cmd_ACL_SAVE(struct call *c)
{
    if (c->settings->aclfile[0] == '\0') return acl_needs_file(c);
    int r = acl_save();
    if (r == 0) return reply_ok(c);
    log_warn("ACL SAVE to %s failed: %s", c->settings->aclfile, strerrordesc_np(-r));
    return reply_error(c, "ERR There was an error trying to save the ACLs. Please check the server "
                          "logs for more information");
}

/* ---- What needs no user's rights ---- */

enum run_result cmd_ACL_WHOAMI(struct call *c) { return reply_text(c, acl_name(c->session->user)); }

enum run_result cmd_ACL_GENPASS(struct call *c)
{
    int64_t bits = GENPASS_BITS;
    char hex[GENPASS_BITS_MAX / 4 + 1];
    if (c->nargs > 3) return reply_subcommand(c);
    if (c->nargs == 3 && !call_int(c, 2, &bits)) return RUN_ERROR;
    if (bits <= 0 || bits > GENPASS_BITS_MAX)
        return reply_error(c, "ERR ACL GENPASS argument must be the number of bits for the output "
                              "password, a positive number up to 4096");
    random_hex(hex, (size_t)(bits + 3) / 4);
    return reply_text(c, hex);
}

enum run_result cmd_ACL_CAT(struct call *c)
{
    size_t mark;
    uint64_t n = 0;
    if (c->nargs > 3) return reply_subcommand(c);
    if (c->nargs == 2) {
        mark = reply_defer(c);
        for (; command_category_name((unsigned)n) != NULL; n++)
            reply_text(c, command_category_name((unsigned)n));
        return reply_defer_array(c, mark, n);
    }
    uint32_t category = command_category_named(arg(c, 2));
    if (category == 0) return reply_errorf(c, "ERR Unknown category '%.*s'", REPLY_WORD(arg(c, 2)));
    mark = reply_defer(c);
    for (unsigned id = 0; id < CMD_COUNT; id++) {
        const struct command_spec *spec = command_by_id((enum command_id)id);
        if ((spec->categories & category) == 0) continue;
        reply_text(c, spec->full);
        n++;
    }
    return reply_defer_array(c, mark, n);
}

enum run_result cmd_ACL_DRYRUN(struct call *c)
{
    bool no_such_sub;
    const struct bytes *args = c->args + 3;
    uint32_t nargs = c->nargs - 3;
    const struct user *u = acl_find(arg(c, 2));
    if (u == NULL) return reply_errorf(c, "ERR User '%.*s' not found", REPLY_WORD(arg(c, 2)));
    const struct command_spec *spec = command_find(args, nargs, &no_such_sub);
    if (spec == NULL || no_such_sub)
        return reply_errorf(c, "ERR Command '%.*s' not found", REPLY_WORD(args[0]));
    if (!command_arity_fits(spec, nargs))
        return reply_errorf(c, "ERR wrong number of arguments for '%s' command", spec->full);
    struct acl_verdict v = acl_check(u, spec, args, nargs);
    if (v.denied == ACL_ALLOWED) return reply_ok(c);
    struct reply text = {0};
    acl_print_denied(u, spec, args, v, true, &text);
    reply_bulk(c, bytes_make(text.buf, text.len));
    reply_release(&text);
    return RUN_OK;
}

enum run_result cmd_ACL_HELP(struct call *c)
{
    static const char *const lines[] = {
        "CAT [<category>]",
        "    The categories of commands, or the commands of one of them.",
        "DELUSER <username> [<username> ...]",
        "    Deletes users and ends their connections.",
        "DRYRUN <username> <command> [<arg> ...]",
        "    Whether the user might run the command, which is not run.",
        "GENPASS [<bits>]",
        "    A random password of 256 or so many bits, in hexadecimal digits.",
        "GETUSER <username>",
        "    A user's state, hashes of passwords, and rules.",
        "LIST",
        "    All users as lines of an ACL file.",
        "LOAD",
        "    Reads all users anew from the ACL file.",
        "LOG [<count> | RESET]",
        "    What users were denied lately (default: 10 entries), or forgets it.",
        "SAVE",
        "    Writes all users into the ACL file.",
        "SETUSER <username> [<rule> ...]",
        "    Makes or changes a user, by rules that are applied in their order.",
        "USERS",
        "    The names of all users.",
        "WHOAMI",
        "    As which user this connection is logged in.",
        NULL,
    };
    return reply_help(c, lines);
}
