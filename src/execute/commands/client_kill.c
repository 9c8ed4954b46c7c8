/*
 * CLIENT KILL: by address as in old times, or by filters that must all fit.
 */
#include "execute/commands/client.h"
#include "execute/commands/table.h"
#include "execute/core/acl.h"

#include "msg/conn.h"

#define ADDRESS_CHARS 256

struct kill_filter {
    int64_t id; /* 0: any */
    enum client_type type;
    bool has_type, spare_me;
    const struct user *user;  /* NULL: any */
    struct bytes peer, local; /* ptr NULL: any */
};

static bool address_fits(struct bytes wanted, const char *address)
{
    return wanted.ptr == NULL || bytes_equal(wanted, bytes_of(address));
}

static bool kill_fits(const struct kill_filter *f, const struct call *c, const struct session *s)
{
    char address[ADDRESS_CHARS];
    const struct conn_card *card = conn_card(s->conn.slot);
    if (f->spare_me && s == c->session) return false;
    if (f->id != 0 && s->id != (uint64_t)f->id) return false;
    if (f->has_type && client_type_of(s) != f->type) return false;
    if (f->user != NULL && f->user != s->user) return false;
    conn_print_peer(card, c->settings->unixsocket, address, sizeof(address));
    if (!address_fits(f->peer, address)) return false;
    conn_print_local(card, c->settings->unixsocket, address, sizeof(address));
    return address_fits(f->local, address);
}

/* Who kills itself still reads the answer. */
static uint64_t kill_all(const struct call *c, const struct kill_filter *f)
{
    uint64_t count = 0;
    struct session *next;
    for (struct session *s = sessions_first(); s != NULL; s = next) {
        next = s->next;
        if (!kill_fits(f, c, s)) continue;
        if (s == c->session)
            session_finish(s);
        else
            session_kill(s);
        count++;
    }
    return count;
}

static bool kill_parse_skipme(struct call *c, uint32_t i, struct kill_filter *f)
{
    f->spare_me = call_arg_is(c, i, "yes");
    if (f->spare_me || call_arg_is(c, i, "no")) return true;
    reply_syntax(c);
    return false;
}

static bool kill_parse_user(struct call *c, uint32_t i, struct kill_filter *f)
{
    f->user = acl_find(arg(c, i));
    if (f->user != NULL) return true;
    reply_errorf(c, "ERR No such user '%.*s'", REPLY_WORD(arg(c, i)));
    return false;
}

/* One filter: its word is argument i, its value the next. */
static bool kill_parse(struct call *c, uint32_t i, struct kill_filter *f)
{
    if (call_arg_is(c, i, "id"))
        return call_int_range(c, i + 1, 1, INT64_MAX, "ERR client-id should be greater than 0",
                              &f->id);
    if (call_arg_is(c, i, "type")) {
        f->has_type = true;
        return client_type(c, i + 1, &f->type);
    }
    if (call_arg_is(c, i, "user")) return kill_parse_user(c, i + 1, f);
    if (call_arg_is(c, i, "skipme")) return kill_parse_skipme(c, i + 1, f);
    if (call_arg_is(c, i, "addr")) {
        f->peer = arg(c, i + 1);
    } else if (call_arg_is(c, i, "laddr")) {
        f->local = arg(c, i + 1);
    } else {
        reply_syntax(c);
        return false;
    }
    return true;
}

enum run_result cmd_CLIENT_KILL(struct call *c)
{
    struct kill_filter filter = {.spare_me = true};
    if (c->nargs == 3) {
        filter.spare_me = false;
        filter.peer = arg(c, 2);
        if (kill_all(c, &filter) == 0) return reply_error(c, "ERR No such client");
        return reply_ok(c);
    }
    for (uint32_t i = 2; i < c->nargs; i += 2) {
        if (i + 1 >= c->nargs) return reply_syntax(c);
        if (!kill_parse(c, i, &filter)) return RUN_ERROR;
    }
    return reply_int(c, (int64_t)kill_all(c, &filter));
}
