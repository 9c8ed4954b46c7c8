/*
 * DEBUG PROTOCOL: one value of each type that the protocol has, for the tests of clients. Names and
 * values are those that such tests expect.
 */
#include "execute/commands/debug.h"

static enum run_result protocol_string(struct call *c) { return reply_text(c, "Hello World"); }
static enum run_result protocol_integer(struct call *c) { return reply_int(c, 12345); }
static enum run_result protocol_double(struct call *c) { return reply_double(c, 3.141); }
static enum run_result protocol_null(struct call *c) { return reply_null(c); }
static enum run_result protocol_true(struct call *c) { return reply_bool(c, true); }
static enum run_result protocol_false(struct call *c) { return reply_bool(c, false); }

static enum run_result protocol_bignum(struct call *c)
{
    return reply_bignum(c, bytes_of("1234567999999999999999999999999999999"));
}

static enum run_result protocol_verbatim(struct call *c)
{
    return reply_verbatim(c, bytes_of("This is a verbatim\nstring"), "txt");
}

static enum run_result protocol_numbers(struct call *c)
{
    for (int i = 0; i < 3; i++) reply_int(c, i);
    return RUN_OK;
}

static enum run_result protocol_array(struct call *c)
{
    reply_array(c, 3);
    return protocol_numbers(c);
}

static enum run_result protocol_set(struct call *c)
{
    reply_set(c, 3);
    return protocol_numbers(c);
}

static enum run_result protocol_map(struct call *c)
{
    reply_map(c, 3);
    for (int i = 0; i < 3; i++) {
        reply_int(c, i);
        reply_bool(c, i == 1);
    }
    return RUN_OK;
}

/* RESP2 has no attributes: there they are left out. */
static enum run_result protocol_attrib(struct call *c)
{
    if (c->reply->resp == 3) {
        reply_raw(c->reply, "|1\r\n", 4);
        reply_text(c, "key-popularity");
        reply_array(c, 2);
        reply_text(c, "key:123");
        reply_int(c, 90);
    }
    return reply_text(c, "Some real reply following the attribute");
}

static enum run_result protocol_push(struct call *c)
{
    if (c->reply->resp != 3) return reply_error(c, "ERR RESP2 is not supported by this command");
    reply_push(c, 2);
    reply_text(c, "server-cpu-usage");
    reply_int(c, 42);
    return reply_text(c, "Some real reply following the push reply");
}

enum run_result debug_protocol(struct call *c)
{
    static const struct {
        const char *name;
        command_handler *answer;
    } types[] = {
        {"string", protocol_string},     {"integer", protocol_integer}, {"double", protocol_double},
        {"bignum", protocol_bignum},     {"null", protocol_null},       {"array", protocol_array},
        {"set", protocol_set},           {"map", protocol_map},         {"attrib", protocol_attrib},
        {"push", protocol_push},         {"true", protocol_true},       {"false", protocol_false},
        {"verbatim", protocol_verbatim},
    };
    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (call_arg_is(c, 2, types[i].name)) return types[i].answer(c);
    return reply_error(c, "ERR Wrong protocol type name. Please use one of the following: "
                          "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|"
                          "true|false");
}
