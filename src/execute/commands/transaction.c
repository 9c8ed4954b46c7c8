/*
 * MULTI, EXEC, DISCARD, WATCH, UNWATCH. run() queues what comes between MULTI and EXEC
 * (core/multi.h).
 */
#include "execute/commands/table.h"
#include "execute/core/acl.h"
#include "execute/core/multi.h"
#include "execute/core/run.h"
#include "execute/core/watch.h"

enum run_result cmd_MULTI(struct call *c)
{
    if (c->session->multi != NULL) return reply_error(c, "ERR MULTI calls can not be nested");
    multi_begin(c->session);
    return reply_ok(c);
}

enum run_result cmd_DISCARD(struct call *c)
{
    if (c->session->multi == NULL) return reply_error(c, "ERR DISCARD without MULTI");
    multi_forget(c->session);
    watch_forget_all(c->session);
    return reply_ok(c);
}

enum run_result cmd_WATCH(struct call *c)
{
    if (c->session->multi != NULL) return reply_error(c, "ERR WATCH inside MULTI is not allowed");
    if (c->session->watch_failed) return reply_ok(c); /* nothing more can make EXEC fail */
    for (uint32_t i = 1; i < c->nargs; i++) watch_key(c->session, call_key(c, i));
    return reply_ok(c);
}

enum run_result cmd_UNWATCH(struct call *c)
{
    watch_forget_all(c->session);
    return reply_ok(c);
}

/* The rules of the user may be others than when the command was queued. Answers when it is denied.
 */
static bool exec_is_denied(struct call *c, const struct command *cmd)
{
    static const char *const reasons[] = {
        [ACL_DENIED_COMMAND] = "no permission to execute the command or subcommand",
        [ACL_DENIED_KEY] = "no permission to touch the specified keys",
        [ACL_DENIED_CHANNEL] =
            "no permission to access one of the channels used as arguments to the command",
    };
    struct acl_verdict v = acl_check(c->session->user, cmd->spec, cmd->args, cmd->nargs);
    if (v.denied == ACL_ALLOWED) return false;
    acl_note_denied(c->session, cmd->spec, cmd->args, v, ACL_IN_MULTI);
    reply_errorf(c,
                 "NOPERM ACLs rules changed between the moment the transaction was accumulated and "
                 "the EXEC call. This command is no longer allowed for the following reason: %s",
                 reasons[v.denied]);
    return true;
}

/* All commands run, whatever becomes of one of them: a client that kills itself, too. */
static void exec_run(struct call *c, const struct multi *m)
{
    reply_array(c, m->count);
    for (const struct held_command *h = m->first; h != NULL; h = h->next) {
        c->reply->resp = c->session->resp;
        if (exec_is_denied(c, &h->command)) continue;
        run_within(c, c->session, &h->command, c->reply);
    }
}

enum run_result cmd_EXEC(struct call *c)
{
    struct session *s = c->session;
    if (s->multi == NULL) return reply_error(c, "ERR EXEC without MULTI");
    bool is_stale = watch_has_failed(s);
    struct multi *m = multi_take(s);
    watch_forget_all(s);
    enum run_result result = RUN_OK;
    if (m->aborted)
        result = reply_error(c, "EXECABORT Transaction discarded because of previous errors.");
    else if (is_stale)
        result = reply_null_array(c);
    else
        exec_run(c, m);
    multi_free(m);
    return result;
}
