/*
 * An errand: a conversation with another server that execute asks of the courier, and what came of
 * it.
 *
 * execute makes an errand in its own memory, fills it and hands it over; the courier sends every
 * one home, with what was taken and what went wrong. Between the two it belongs to the courier.
 */
#ifndef MSG_ERRAND_H
#define MSG_ERRAND_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define ERRAND_ERROR_MAX 512
#define ERRANDS_OUT_MAX 1024 /* at a time: the rings hold so many */
#define ERRAND_HOST_MAX 256  /* with its end */

struct errand {
    /* ---- Execute's; the courier only reads ---- */
    void (*done)(struct errand *e); /* called when it is home */
    const char *host;               /* a name or an address */
    uint16_t port;
    /* Commands as they are sent. `greeting`, of `greetings` commands, goes first; `text`, of
     * `count` commands, when all of those were answered +OK. */
    struct bytes greeting, text;
    uint32_t greetings, count;
    bool greets_anew;   /* even on a connection that has heard the same (passwords) */
    int64_t timeout_ms; /* without any progress */

    /* ---- The courier's ---- */
    bool *taken;                  /* execute's memory: by command of `text`, was it answered +OK? */
    char error[ERRAND_ERROR_MAX]; /* the first thing that went wrong, a line with its code; "": all
                                     was taken */

    struct errand *next; /* whoever holds it */
};

#endif
