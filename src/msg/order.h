/*
 * An order: what execute asks of persist, and its answer.
 *
 * execute makes an order in its own arena, fills it and hands it to one of persist's two stages:
 * the log's, which owns the folder of the append-only log, or the files', which writes snapshots.
 * Each stage does its orders one after the other and sends every one home, with `result`. Then
 * execute calls `done`, which frees it or uses it again. Between the two it belongs to persist.
 */
#ifndef MSG_ORDER_H
#define MSG_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum order_kind {
    /* ---- To the log ---- */
    /* Effects are appended from now on, to the last increment that the manifest names, or to a new
     * one where there is none. Effects are numbered from `end` on. */
    ORDER_LOG_OPEN,
    /* `len` bytes of the effect stream, whole units; the last byte has the number `end`. It comes
     * home when it is written. If that fails it is kept and tried again, until a rewrite makes it
     * needless; the card (msg/log_card.h) tells. */
    ORDER_LOG_APPEND,
    /* A rewrite begins: what follows goes to a new increment, which the manifest names from now on,
     * beside what was there. With a log that is not open (CONFIG SET appendonly yes), or that has
     * an error, the increment is of no use before the base is there: it is named with it. `end`:
     * the last effect before. -errno: nothing has changed. */
    ORDER_LOG_SWITCH,
    /* The base is whole and synced in the file `path`, as ORDER_FILE_OPEN knew it: it is renamed as
     * the manifest names bases, and the manifest names it and the increments since the last switch.
     * What is older is history, and goes. The log is open then, and well, whatever it was before;
     * but without a switch since it was closed, or ever, the base stands alone and the log stays
     * closed. -errno: the file at `path` is gone; FORGET comes next. */
    ORDER_LOG_ADOPT,
    /* The rewrite came to nothing. An increment that no manifest names goes. */
    ORDER_LOG_FORGET,
    /* All before it is on disk when it comes home, whatever appendfsync says; and history is gone,
     * where it may go. */
    ORDER_LOG_SYNC,
    /* The same, then the log is closed, whatever comes of it; a switch is forgotten. */
    ORDER_LOG_CLOSE,

    /* ---- To the files ---- */
    ORDER_FILE_OPEN,   /* a new file `path`; one is open at a time */
    ORDER_FILE_WRITE,  /* `len` bytes; after an error all of them fail until the next open */
    ORDER_FILE_STRING, /* the same bytes as RDB has strings (codec/rdb.h), compressed where that
                        * pays; `buf` may have other readers. `len` comes home as what it took */
    ORDER_FILE_FINISH, /* synced; unless `to` is NULL renamed to that, and the folder synced */
    ORDER_FILE_DROP,   /* closed and removed */
    ORDER_FILE_REMOVE, /* removes the file `path`, whatever file is open */
};

struct order {
    enum order_kind kind;
    int result;       /* persist's: 0 or -errno */
    bool is_rdb_base; /* ADOPT: the base is an RDB file, not commands */
    bool syncs_often; /* FILE_OPEN: written back as it grows */
    bool has_sum;    /* FILE_OPEN: CRC-64 is made of all that is written; FILE_FINISH: that ends the
                      * file, 0 if it was not made */
    bool is_awaited; /* APPEND: replies wait until it is on disk */
    void (*done)(struct order *o);
    void *owner; /* done()'s */
    char *buf;   /* execute's memory */
    size_t len, cap;
    uint64_t end;
    int64_t wall_ms;    /* APPEND: when its first unit was committed */
    char *path, *to;    /* execute's memory; good until it is home */
    struct order *next; /* whoever holds it */
};

#endif
