/*
 * The door of the courier: the stage that talks with other servers on execute's behalf (MIGRATE).
 *
 * It takes errands (msg/errand.h) and sends every one home. Conversations with different servers
 * go on side by side; those with one server follow each other on one connection, which is kept for
 * ten seconds. The names of hosts are looked up in its turn, which may last: so it has a thread of
 * its own, and is never lent.
 */
#ifndef COURIER_COURIER_H
#define COURIER_COURIER_H

#include "flow/handoff.h"
#include "flow/stage.h"
#include "msg/errand.h"

struct courier_wiring {
    struct handoff *errands, *home; /* execute -> here, and back: struct errand * */
};

struct courier;
struct courier *courier_open(const struct courier_wiring *w);
/* Execute is opened after the courier and closed after it. */
void courier_set_execute(struct courier *c, struct stage *execute);
/* Ends the conversations; their errands go home. */
void courier_close(struct courier *c);
struct stage *courier_stage(struct courier *c);
/* Any thread: connections that are open. */
uint64_t courier_connections(const struct courier *c);

#endif
