/*
 * Payloads: what DUMP and FUNCTION DUMP answer, and RESTORE and FUNCTION RESTORE take. They begin
 * with what they hold, and end with a footer (codec/rdb.h).
 */
#ifndef EXECUTE_COMMANDS_PAYLOAD_H
#define EXECUTE_COMMANDS_PAYLOAD_H

#include "execute/execute_private.h"

#include "codec/rdb.h"
#include "execute/core/call.h"

/* It grows in a block, so that it can be lent to the reply. */
struct payload {
    struct rdb_out out; /* first: its `room` finds the rest */
    struct block *block;
};

void payload_begin(struct payload *p, const struct call *c);
/* Ends it for servers that read up to `version`, and answers it. */
enum run_result payload_reply(struct payload *p, struct call *c, uint16_t version);

/* Takes the footer off the payload at argument i. False: the error is answered. */
bool payload_open(struct call *c, uint32_t i, struct rdb_in *in);

#endif
