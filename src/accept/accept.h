/*
 * accept takes connections in, gives each its slot, its generation, its parser and its writer, and
 * hands a seed (the slot) to the parser. Slots come back from the writers when they have closed the
 * fd.
 *
 * Listeners are watched at home, or by the thread whose guest accept is (flow/thread.h).
 *
 * Over the limit of clients, or when the process is out of descriptors, a connection is told so and
 * closed; a spare descriptor is kept for that.
 */
#ifndef ACCEPT_ACCEPT_H
#define ACCEPT_ACCEPT_H

#include "flow/handoff.h"
#include "flow/stage.h"

#include <stdint.h>

#define ACCEPT_LISTENERS_MAX 32
#define ACCEPT_PEERS_MAX 32 /* parsers, writers */

struct accept_listener {
    int fd; /* bound, listening, non-blocking */
    bool is_unix;
};

struct accept_listeners {
    struct accept_listener list[ACCEPT_LISTENERS_MAX];
    int count;
};

/* Where a connection goes: the parsers' stages with the rings of seeds, and the rings of freed
 * slots from the writers. */
struct accept_wiring {
    struct stage *parsers[ACCEPT_PEERS_MAX];
    struct handoff *seeds[ACCEPT_PEERS_MAX]; /* accept -> parse-i: slots */
    int parser_count;
    struct handoff *freed[ACCEPT_PEERS_MAX]; /* write-i -> accept: slots */
    int writer_count;
    struct handoff *orders; /* boot or execute -> accept: struct accept_listeners *, malloc'ed;
                               accept takes it */
    uint32_t slots_max;
};

struct accept_stage;
struct accept_stage *accept_open(const struct accept_wiring *w);
void accept_close(struct accept_stage *a);
struct stage *accept_stage(struct accept_stage *a);

/* Any thread, as information. */
uint64_t accept_connections_total(const struct accept_stage *a);
uint64_t accept_connections_rejected(const struct accept_stage *a);
uint64_t accept_connections_now(const struct accept_stage *a);

#endif
