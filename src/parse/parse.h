/*
 * parse reads bytes, cuts them into commands, looks the commands up, hashes their first keys, and
 * hands batches to execute.
 *
 * A parser has a fixed number of batches. When all are on their way it stops reading until one
 * comes home; it also stops reading a connection whose replies pile up or whose commands execute
 * has to hold back, and TCP pushes back on the peer. It never closes: at the end of a stream it
 * says BYE, and the connection dies down the pipe.
 */
#ifndef PARSE_PARSE_H
#define PARSE_PARSE_H

#include "flow/handoff.h"
#include "flow/stage.h"
#include "mem/arena.h"
#include "msg/command_batch.h"

#define PARSE_BATCHES 8

struct parse_wiring {
    struct handoff *seeds;    /* accept -> here: slots */
    struct handoff *commands; /* here -> execute: struct command_batch * */
    struct handoff *home;     /* execute -> here: batches coming home */
    uint16_t index;
    unsigned settings_id; /* for settings_enter() */
};

struct parse_stage;
struct parse_stage *parse_open(const char *name, const struct parse_wiring *w);
void parse_close(struct parse_stage *p);
struct stage *parse_stage(struct parse_stage *p);
/* Before threads start: who gets the batches, and the arena that big arguments are read into, which
 * is closed after the parser. */
void parse_set_execute(struct parse_stage *p, struct stage *execute, struct arena *arena);

/* From execute's turn: a batch is done with. */
void parse_send_home(struct parse_stage *p, struct turn *t, struct command_batch *b);
/* Any thread: no more is read; what was read is handed on. */
void parse_stop_reading(struct parse_stage *p);

/* Any thread, as information. */
uint64_t parse_bytes_read(const struct parse_stage *p);
uint64_t parse_reads(const struct parse_stage *p);
uint64_t parse_query_limit_cuts(const struct parse_stage *p);
uint64_t parse_starved(const struct parse_stage *p); /* times that it was out of batches */
size_t parse_memory(const struct parse_stage *p);

#endif
