/*
 * CLIENT LIST and CLIENT INFO.
 */
#include "execute/commands/client.h"
#include "execute/commands/table.h"

static void client_add_line(const struct session *s, struct reply *text)
{
    session_describe(s, text);
    reply_raw(text, "\n", 1);
}

static enum run_result client_answer(struct call *c, struct reply *text)
{
    enum run_result result = reply_verbatim(c, bytes_make(text->buf, text->len), "txt");
    reply_release(text);
    return result;
}

/* What the arguments of the running command take shows in its own line. */
static void client_measure_args(struct call *c)
{
    size_t len = 0;
    for (uint32_t i = 0; i < c->nargs; i++) len += arg(c, i).len;
    c->session->last_args_len = (uint32_t)(len < UINT32_MAX ? len : UINT32_MAX);
}

enum run_result cmd_CLIENT_INFO(struct call *c)
{
    struct reply text = {0};
    client_measure_args(c);
    client_add_line(c->session, &text);
    return client_answer(c, &text);
}

/* LIST ID a b ...: in the order of the request. */
static enum run_result client_list_ids(struct call *c)
{
    struct reply text = {0};
    for (uint32_t i = 3; i < c->nargs; i++) {
        int64_t id;
        if (!call_int_range(c, i, INT64_MIN, INT64_MAX, "ERR Invalid client ID", &id)) {
            reply_release(&text);
            return RUN_ERROR;
        }
        const struct session *s = session_by_id((uint64_t)id);
        if (s != NULL) client_add_line(s, &text);
    }
    return client_answer(c, &text);
}

enum run_result cmd_CLIENT_LIST(struct call *c)
{
    bool any_type = c->nargs == 2;
    enum client_type type = TYPE_OF_NORMAL;
    client_measure_args(c);
    if (c->nargs > 3 && call_arg_is(c, 2, "id")) return client_list_ids(c);
    if (c->nargs == 4 && call_arg_is(c, 2, "type")) {
        if (!client_type(c, 3, &type)) return RUN_ERROR;
    } else if (!any_type) {
        return reply_syntax(c);
    }
    struct reply text = {0};
    for (const struct session *s = sessions_first(); s != NULL; s = s->next)
        if (any_type || client_type_of(s) == type) client_add_line(s, &text);
    return client_answer(c, &text);
}
