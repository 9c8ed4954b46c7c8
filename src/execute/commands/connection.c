/*
 * The connection's own commands: AUTH, HELLO, PING, ECHO, SELECT, QUIT, RESET.
 */
#include "execute/commands/client.h"
#include "execute/commands/table.h"
#include "execute/core/acl.h"
#include "execute/core/pubsub.h"
#include "version.h"

/* Answers the error itself. */
static bool authenticate(struct call *c, struct bytes user, struct bytes password)
{
    if (acl_log_in(c->session, user, password, arg(c, 0))) return true;
    reply_error(c, ERR_WRONGPASS);
    return false;
}

enum run_result cmd_AUTH(struct call *c)
{
    if (c->nargs > 3) return reply_syntax(c);
    if (c->nargs == 2 && acl_needs_no_password(acl_default_user()))
        return reply_error(c, ERR_NO_PASSWORD_SET);
    struct bytes user = c->nargs == 3 ? arg(c, 1) : bytes_of("default");
    if (!authenticate(c, user, arg(c, c->nargs - 1))) return RUN_ERROR;
    return reply_ok(c);
}

struct hello {
    int64_t version; /* 0: as it is */
    bool has_auth, has_name;
    struct bytes user, password, name;
};

static bool hello_parse_version(struct call *c, struct hello *h)
{
    if (!call_int_range(c, 1, INT64_MIN, INT64_MAX,
                        "ERR Protocol version is not an integer or out of range", &h->version))
        return false;
    if (h->version == 2 || h->version == 3) return true;
    reply_error(c, ERR_NOPROTO);
    return false;
}

/* Everything is read and checked before anything is changed. */
static bool hello_parse(struct call *c, struct hello *h)
{
    if (c->nargs >= 2 && !hello_parse_version(c, h)) return false;
    for (uint32_t i = 2; i < c->nargs; i++) {
        uint32_t more = c->nargs - 1 - i;
        if (call_arg_is(c, i, "auth") && more >= 2) {
            h->has_auth = true;
            h->user = arg(c, i + 1);
            h->password = arg(c, i + 2);
            i += 2;
        } else if (call_arg_is(c, i, "setname") && more >= 1) {
            h->has_name = true;
            h->name = arg(c, ++i);
            if (client_text_is_valid(h->name)) continue;
            reply_error(c, ERR_CLIENT_NAME);
            return false;
        } else {
            reply_errorf(c, "ERR Syntax error in HELLO option '%.*s'", REPLY_WORD(arg(c, i)));
            return false;
        }
    }
    return true;
}

static enum run_result hello_answer(struct call *c)
{
    reply_map(c, 7);
    reply_key_value_text(c, "server", "redis");
    reply_key_value_text(c, "version", BATON_REDIS_VERSION);
    reply_text(c, "proto");
    reply_int(c, c->session->resp);
    reply_text(c, "id");
    reply_int(c, (int64_t)c->session->id);
    reply_key_value_text(c, "mode", "standalone");
    reply_key_value_text(c, "role", "master");
    reply_text(c, "modules");
    return reply_array(c, 0);
}

enum run_result cmd_HELLO(struct call *c)
{
    struct hello h = {0};
    if (!hello_parse(c, &h)) return RUN_ERROR;
    if (h.has_auth && !authenticate(c, h.user, h.password)) return RUN_ERROR;
    if (!session_is_authenticated(c->session))
        return reply_error(
            c, "NOAUTH HELLO must be called with the client already authenticated, otherwise the "
               "HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and "
               "select the RESP protocol version at the same time");
    if (h.has_name) session_set_name(c->session, h.name);
    if (h.version != 0) c->session->resp = c->reply->resp = (uint8_t)h.version;
    pubsub_version_changed(c->session);
    return hello_answer(c);
}

enum run_result cmd_PING(struct call *c)
{
    if (c->nargs > 2) return reply_arity(c);
    if (c->session->care & CARE_SUBSCRIBED) {
        reply_array(c, 2);
        reply_text(c, "pong");
        return reply_bulk(c, c->nargs == 2 ? arg(c, 1) : bytes_of(""));
    }
    return c->nargs == 2 ? reply_bulk(c, arg(c, 1)) : reply_status(c, "PONG");
}

enum run_result cmd_ECHO(struct call *c) { return reply_bulk(c, arg(c, 1)); }

enum run_result cmd_SELECT(struct call *c)
{
    int64_t number;
    if (!call_int_range(c, 1, INT32_MIN, INT32_MAX, NULL, &number)) return RUN_ERROR;
    struct db *db = keyspace_db(number);
    if (db == NULL) return reply_error(c, ERR_DB_INDEX);
    c->session->db = db;
    return reply_ok(c);
}

enum run_result cmd_QUIT(struct call *c)
{
    session_finish(c->session);
    return reply_ok(c);
}

enum run_result cmd_RESET(struct call *c)
{
    session_reset(c->session);
    c->reply->resp = c->session->resp;
    return reply_status(c, "RESET");
}
