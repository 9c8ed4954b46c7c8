/* The answers of commands that are refused; run.c says which are. */
#include "execute/core/reject.h"

#include "base/log.h"
#include "execute/core/multi.h"
#include "execute/core/run.h"
#include "execute/core/stats.h"
#include "execute/core/watch.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#define WORD_MAX 128 /* of a client's word in an error */
#define ATTACK_LOG_MS 60000

static int64_t reject_logged_ms = -ATTACK_LOG_MS; /* when an attack was logged last */

static void reject_unknown(struct call *c)
{
    char args[WORD_MAX + 8];
    size_t len = 0;
    args[0] = '\0';
    for (uint32_t i = 1; i < c->nargs && len < WORD_MAX; i++) {
        int n = snprintf(args + len, sizeof(args) - len, "'%.*s' ",
                         reply_word_len(c->args[i], WORD_MAX - len), c->args[i].ptr);
        len += (size_t)n;
    }
    reply_errorf(c, "ERR unknown command '%.*s', with args beginning with: %s",
                 REPLY_WORD(c->args[0]), args);
}

static void reject_unknown_subcommand(struct call *c)
{
    char name[32];
    size_t i = 0;
    for (; c->spec->name[i] != '\0' && i + 1 < sizeof(name); i++)
        name[i] = (char)toupper((unsigned char)c->spec->name[i]);
    name[i] = '\0';
    reply_errorf(c, "ERR unknown subcommand '%.*s'. Try %s HELP.", REPLY_WORD(c->args[1]), name);
}

/* A web browser that was talked into speaking to us: cut before a later line of its request means
 * something. */
static bool is_http(const struct command *cmd)
{
    return bytes_is_word(cmd->args[0], "post") || bytes_is_word(cmd->args[0], "host:");
}

static void reject_http(struct session *s)
{
    if (run_mono_now_ms() - reject_logged_ms >= ATTACK_LOG_MS) {
        reject_logged_ms = run_mono_now_ms();
        log_warn("Possible SECURITY ATTACK detected: client id=%" PRIu64
                 " sent a line of HTTP (POST or Host:), perhaps from a web page that was made to "
                 "attack servers behind a firewall. The connection was closed.",
                 s->id);
    }
    session_kill(s);
}

/* Nothing of a transaction whose EXEC is refused will run: EXEC says so, without one too. */
static void reject_exec(struct call *c, const char *reason)
{
    multi_forget(c->session);
    watch_forget_all(c->session);
    reply_errorf(c, "EXECABORT Transaction discarded because of: %s", reason);
}

void reject_flawed(struct call *c, const struct command *cmd)
{
    multi_abort(c->session);
    switch ((enum command_flaw)cmd->flaw) {
    case FLAW_UNKNOWN:
        if (is_http(cmd))
            reject_http(c->session);
        else
            reject_unknown(c);
        return;
    case FLAW_SUBCOMMAND: reject_unknown_subcommand(c); return;
    case FLAW_ARITY:
        stats_of(c->spec->id)->rejected++;
        if (c->spec->id == CMD_EXEC)
            reject_exec(c, "wrong number of arguments for 'exec' command");
        else
            reply_arity(c);
        return;
    case FLAW_PROTOCOL:
        log_verbose("Protocol error from client id=%" PRIu64 ": %.*s", c->session->id,
                    REPLY_WORD(cmd->args[0]));
        reply_errorf(c, "ERR %.*s", reply_word_len(cmd->args[0], 1024), cmd->args[0].ptr);
        session_finish(c->session);
        return;
    case FLAW_NONE: break;
    }
    must(false);
}

void reject(struct call *c, const char *error)
{
    stats_of(c->spec->id)->rejected++;
    multi_abort(c->session);
    if (c->spec->id == CMD_EXEC)
        reject_exec(c, strncmp(error, "ERR ", 4) == 0 ? error + 4 : error);
    else
        reply_error(c, error);
}

void reject_subscriber(struct call *c)
{
    char error[160];
    snprintf(error, sizeof(error),
             "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET "
             "are allowed in this context",
             c->spec->full);
    reject(c, error);
}

void reject_denied(struct call *c, struct acl_verdict v)
{
    struct session *s = c->session;
    struct reply text = {0};
    s->last = c->spec; /* what the log tells of the session */
    acl_note_denied(s, c->spec, c->args, v, s->multi != NULL ? ACL_IN_MULTI : ACL_TOPLEVEL);
    reply_printf(&text, "NOPERM ");
    acl_print_denied(s->user, c->spec, c->args, v, false, &text);
    reply_raw(&text, "", 1);
    reject(c, text.buf);
    reply_release(&text);
}
