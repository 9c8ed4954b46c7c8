/*
 * A command batch: what one turn of a parser found, for several connections.
 *
 * parse owns the batch and everything in it, fills it, and hands it to execute, which reads it and
 * sends it home. Arguments are slices of input chunks that belong to the batch too, so they live
 * until the batch is home. Big ones lie in blocks, which are the one thing in a batch that does not
 * come home: execute takes them and leaves the list empty. Items of one connection follow each
 * other in the order of arrival.
 */
#ifndef MSG_COMMAND_BATCH_H
#define MSG_COMMAND_BATCH_H

#include "base/bytes.h"
#include "catalog/command.h"
#include "mem/block.h"
#include "msg/conn.h"

/* What parse knows to be wrong with a command; execute answers, in its turn. */
enum command_flaw {
    FLAW_NONE,
    FLAW_UNKNOWN,    /* no such command */
    FLAW_SUBCOMMAND, /* no such subcommand; spec is the container */
    FLAW_ARITY,
    FLAW_PROTOCOL, /* args[0] is the error's text without "-ERR "; the connection is to be closed
                      after it */
};

/* One command as it was parsed. Also the form in which held-back, queued and scripted commands are
 * run. */
struct command {
    const struct command_spec *spec; /* NULL when flaw is FLAW_UNKNOWN or FLAW_PROTOCOL */
    const struct bytes *args;        /* args[0] is the name as it was sent */
    uint32_t nargs;
    uint32_t wire_len;  /* bytes that it took on the wire */
    uint64_t hash;      /* of the first key, 0 without one */
    uint16_t first_key; /* index of the first key in args, 0 without one */
    uint8_t flaw;
    uint8_t held; /* runs again after it was held back: checks that were passed are not repeated */
};

enum batch_event {
    BATCH_OPEN = 1, /* first item of a connection */
    BATCH_BYE = 2, /* last item: the peer is gone or was cut; commands of the item come before it */
};

struct batch_item {
    struct conn_ref conn;
    uint32_t first; /* index into commands */
    uint32_t count;
    uint32_t events;
};

struct chunk; /* parse's own */

struct command_batch {
    /* read by execute */
    struct batch_item *items;
    struct command *commands;
    uint32_t item_count;
    uint32_t command_count;
    uint16_t parser;          /* home */
    uint64_t read_ticks;      /* clock_ticks() when its first bytes were read */
    struct block_list blocks; /* big arguments of its commands, in order; execute takes them */
    /* parse's own */
    uint32_t item_max, command_max;
    struct bytes *args;
    uint32_t arg_count, arg_max;
    struct chunk *chunks; /* input that the slices point into */
};

#endif
