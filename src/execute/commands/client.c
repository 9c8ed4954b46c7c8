/*
 * CLIENT, but for LIST, INFO and KILL: what a connection says about itself and how others are held
 * up.
 */
#include "execute/commands/client.h"

#include "execute/commands/table.h"
#include "execute/core/pubsub.h"
#include "execute/core/run.h"

bool client_type(struct call *c, uint32_t i, enum client_type *out)
{
    static const struct {
        const char *word;
        enum client_type type;
    } words[] = {
        {"normal", TYPE_OF_NORMAL}, {"master", TYPE_OF_MASTER}, {"replica", TYPE_OF_REPLICA},
        {"slave", TYPE_OF_REPLICA}, {"pubsub", TYPE_OF_PUBSUB},
    };
    for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
        if (!call_arg_is(c, i, words[w].word)) continue;
        *out = words[w].type;
        return true;
    }
    reply_errorf(c, "ERR Unknown client type '%.*s'", REPLY_WORD(arg(c, i)));
    return false;
}

/* Replication, which makes the other types, is still to come. */
enum client_type client_type_of(const struct session *s)
{
    return pubsub_is_subscriber(s) ? TYPE_OF_PUBSUB : TYPE_OF_NORMAL;
}

bool client_text_is_valid(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '!' || text.ptr[i] > '~') return false;
    return true;
}

enum run_result cmd_CLIENT_ID(struct call *c) { return reply_int(c, (int64_t)c->session->id); }

enum run_result cmd_CLIENT_GETNAME(struct call *c)
{
    if (c->session->name == NULL) return reply_null(c);
    return reply_text(c, c->session->name);
}

enum run_result cmd_CLIENT_SETNAME(struct call *c)
{
    if (!client_text_is_valid(arg(c, 2))) return reply_error(c, ERR_CLIENT_NAME);
    session_set_name(c->session, arg(c, 2));
    return reply_ok(c);
}

enum run_result cmd_CLIENT_SETINFO(struct call *c)
{
    bool is_name = call_arg_is(c, 2, "lib-name");
    if (!is_name && !call_arg_is(c, 2, "lib-ver")) {
        return reply_errorf(c, "ERR Unrecognized option '%.*s'", REPLY_WORD(arg(c, 2)));
    }
    if (!client_text_is_valid(arg(c, 3)))
        return reply_errorf(c, "ERR %s cannot contain spaces, newlines or special characters.",
                            is_name ? "lib-name" : "lib-ver");
    session_set_text(is_name ? &c->session->lib_name : &c->session->lib_ver, arg(c, 3));
    return reply_ok(c);
}

/* ON or OFF. */
static enum run_result client_switch(struct call *c, bool *what)
{
    if (call_arg_is(c, 2, "on"))
        *what = true;
    else if (call_arg_is(c, 2, "off"))
        *what = false;
    else
        return reply_syntax(c);
    return reply_ok(c);
}

enum run_result cmd_CLIENT_NO_EVICT(struct call *c)
{
    return client_switch(c, &c->session->no_evict);
}

enum run_result cmd_CLIENT_NO_TOUCH(struct call *c)
{
    return client_switch(c, &c->session->no_touch);
}

/* OFF and SKIP answer nothing; run() silences what follows. */
enum run_result cmd_CLIENT_REPLY(struct call *c)
{
    struct session *s = c->session;
    if (call_arg_is(c, 2, "on")) {
        s->reply_mode = REPLIES_ON;
        return reply_ok(c);
    }
    if (call_arg_is(c, 2, "off")) {
        s->reply_mode = REPLIES_OFF;
        return RUN_OK;
    }
    if (call_arg_is(c, 2, "skip")) {
        if (s->reply_mode != REPLIES_OFF) s->reply_mode = REPLIES_SKIP_NEXT;
        return RUN_OK;
    }
    return reply_syntax(c);
}

enum run_result cmd_CLIENT_PAUSE(struct call *c)
{
    enum pause_mode mode = PAUSE_ALL;
    int64_t timeout_ms;
    if (c->nargs > 4) return reply_subcommand(c);
    if (c->nargs == 4) {
        if (call_arg_is(c, 3, "write"))
            mode = PAUSE_WRITE;
        else if (!call_arg_is(c, 3, "all"))
            return reply_error(c, "ERR CLIENT PAUSE mode must be WRITE or ALL");
    }
    if (!call_int_range(c, 2, INT64_MIN, INT64_MAX, "ERR timeout is not an integer or out of range",
                        &timeout_ms))
        return RUN_ERROR;
    if (timeout_ms < 0) return reply_error(c, "ERR timeout is negative");
    if (timeout_ms > INT64_MAX - c->now_ms) return reply_error(c, "ERR timeout is out of range");
    run_pause(mode, c->now_ms + timeout_ms);
    return reply_ok(c);
}

enum run_result cmd_CLIENT_UNPAUSE(struct call *c)
{
    run_unpause();
    return reply_ok(c);
}

/* Who waits for the end of a pause is not blocked in this sense. */
enum run_result cmd_CLIENT_UNBLOCK(struct call *c)
{
    int64_t id;
    if (c->nargs > 4) return reply_subcommand(c);
    if (c->nargs == 4 && !call_arg_is(c, 3, "timeout") && !call_arg_is(c, 3, "error"))
        return reply_error(c, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
    if (!call_int(c, 2, &id)) return RUN_ERROR;
    struct session *s = id < 0 ? NULL : session_by_id((uint64_t)id);
    bool as_error = c->nargs == 4 && call_arg_is(c, 3, "error");
    return reply_int(c, s != NULL &&
                            blocking_unblock(s, as_error ? BLOCKING_ERROR : BLOCKING_TIMEOUT));
}

enum run_result cmd_CLIENT_HELP(struct call *c)
{
    static const char *const lines[] = {
        "CACHING (YES|NO)",
        "    Whether the keys of the next command are remembered, with OPTIN or OPTOUT.",
        "GETNAME",
        "    The name of this connection.",
        "GETREDIR",
        "    The connection that is told of changed keys instead of this one; 0: none, -1: nobody",
        "    is.",
        "ID",
        "    The number of this connection, which no other one ever gets.",
        "INFO",
        "    This connection, as a line of LIST.",
        "KILL <ip:port>",
        "    Closes the connection that comes from that address.",
        "KILL <filter> <value> [<filter> <value> [...]]",
        "    Closes the connections that fit all filters, and tells how many there were:",
        "    * ID <client-id>",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
        "    * USER <username>",
        "    * ADDR (<ip:port>|<unixsocket>:0), where it comes from",
        "    * LADDR (<ip:port>|<unixsocket>:0), where it was accepted",
        "    * SKIPME (YES|NO), whether this connection is left alone (default: YES)",
        "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB)] [ID <client-id> [<client-id> [...]]]",
        "    The connections, one a line.",
        "NO-EVICT (ON|OFF)",
        "    Whether this connection is spared when connections use too much memory.",
        "NO-TOUCH (ON|OFF)",
        "    Whether commands of this connection leave the last access of keys as it is.",
        "PAUSE <timeout> [WRITE|ALL]",
        "    Holds the commands of all, or only commands that write, for <timeout> milliseconds.",
        "REPLY (ON|OFF|SKIP)",
        "    Whether this connection gets answers; SKIP leaves out the next one.",
        "SETINFO (LIB-NAME <name>|LIB-VER <version>)",
        "    Names the client library of this connection.",
        "SETNAME <name>",
        "    Names this connection.",
        "TRACKING (ON|OFF) [REDIRECT <client-id>] [BCAST] [PREFIX <prefix> [...]] [OPTIN]",
        "         [OPTOUT] [NOLOOP]",
        "    Whether this connection is told when keys that it has read, or those under prefixes,",
        "    are changed.",
        "TRACKINGINFO",
        "    How this connection is told of changed keys.",
        "UNBLOCK <client-id> [TIMEOUT|ERROR]",
        "    Ends the wait of a connection that is in a blocking command.",
        "UNPAUSE",
        "    Ends PAUSE.",
        NULL,
    };
    return reply_help(c, lines);
}
