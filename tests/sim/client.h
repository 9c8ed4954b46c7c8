/*
 * A client of the simulation, as client.c and send.c share it.
 */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include "sim/sim.h"

enum { CLIENTS = 16, KEYS = 3, ANSWERS = 256, COUNTER_MAX = 4096 };

enum answer_kind {
    ANSWER_BYTES,
    ANSWER_COUNTER,
    ANSWER_NUMBER,
    ANSWER_PUSH, /* of `count` values from `value` on */
    ANSWER_POP,
    ANSWER_MOVE,
    ANSWER_RECEIVERS, /* of message number `value` */
    ANSWER_PAIR,      /* of two shared counters that are raised together */
    ANSWER_WATCHED,   /* the length of the text that is watched */
    ANSWER_RAISED,    /* what EXEC made of it, or that somebody else was faster */
    ANSWER_SCRIPT,    /* the bytes, or that it was killed */
    ANSWER_EXEC,      /* the bytes, or that nothing of the next `count` answers will come */
    ANSWER_KILL,      /* of a script, or that there is none */
};

struct answer {
    enum answer_kind kind;
    char *bytes;
    size_t len;
    int value, count;
    struct list_pop pop;
};

enum client_state { CLIENT_NEW, CLIENT_OPEN, CLIENT_DONE };

struct client {
    int number;
    enum client_state state;
    struct sim_socket *socket;
    int commands_left, abort_at; /* resets the connection when so many are left; -1: never */
    int window, lazy;            /* answers awaited at most; reads once in so many times */
    bool half_closes;            /* says that no more comes while answers are due */
    bool silent, skips;          /* CLIENT REPLY OFF, SKIP */
    bool waits_unseen;           /* was silent when it sent what waits */
    bool ends;                   /* the server is to end the connection */
    bool finished, refused;
    bool sweeps;  /* the last one, which takes what is left in the shared lists */
    bool listens; /* to the shared channel, from the start: in RESP3, but for the witness */
    bool is_witness;
    bool is_subscribed; /* and was told so */
    int own_message;    /* its own, which is to come before any other answer; -1: none */
    struct answer answers[ANSWERS]; /* a ring */
    unsigned first, last;
    struct text rx;
    uint64_t nonce, counter_seen, pair_seen;
    enum { WATCHES_NOT, WATCHES_UNSEEN, WATCHES } watches;
    uint64_t watched_len;
    int64_t number_value;
    struct text values[KEYS];
    bool has[KEYS];
};

/* What all clients together have sent and seen. */
struct clients_shared {
    int swept; /* shared lists that the sweeper found empty */
    uint64_t counter_sent, pairs_sent, raises_sent;
};
extern struct clients_shared clients_shared;

/* ---- send.c ---- */

/* Some commands, and what they are to be answered. */
void client_send(struct client *c);
/* First of all, of one that listens. */
void client_listen(struct client *c);

#endif
