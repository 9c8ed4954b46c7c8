/*
 * A connection's name and its card.
 *
 * conn_ref travels in every message: the slot says which connection, the generation says which of
 * the connections that used the slot over time, and the fd is there for those who must call the
 * kernel. An fd alone is never an identity.
 *
 * The card is what all stages may read while the connection lives. accept fills it before it hands
 * the connection over (the hand-over orders the writes) and nobody changes that part again. The
 * meters after it each have one writer, named beside them, and are read by anyone, relaxed: they
 * inform and never decide ownership.
 */
#ifndef MSG_CONN_H
#define MSG_CONN_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct conn_ref {
    int32_t fd;
    uint32_t slot;
    uint32_t gen;
};

struct conn_card {
    /* accept, before the hand-over */
    struct conn_ref ref;
    uint16_t parser; /* which parser and which writer serve it, for life */
    uint16_t writer;
    bool is_unix;
    bool is_local; /* loopback or unix socket, for protected mode */
    int64_t opened_ms;
    uint64_t id;                     /* never used twice in a process; CLIENT ID */
    struct sockaddr_in6 peer, local; /* v4 stored as sockaddr_in in the same room */

    /* parse */
    _Alignas(64) _Atomic uint64_t in_bytes; /* read from the socket in all */
    _Atomic uint32_t in_held;               /* bytes held of a command that is not whole yet */
    _Atomic uint32_t in_room;               /* free room in the buffer that holds them */
    _Atomic uint32_t in_args;               /* bytes of arguments parsed of that command */
    /* write */
    _Alignas(64) _Atomic uint64_t out_bytes; /* sent in all */
    _Atomic uint64_t out_pending;            /* bytes that the kernel did not take yet */
    _Atomic uint32_t out_blocks;             /* blocks that hold them */
    /* execute */
    _Alignas(64) _Atomic uint64_t replies; /* bytes of reply handed to write in all */
    _Atomic uint64_t held;                 /* bytes of commands held back while blocked or paused */
    _Atomic bool authenticated;            /* parse's limits are wider */
    _Atomic uint8_t output_class;          /* enum client_class: which limits its output has */
    _Atomic bool cut; /* written by write: shut down, what is still given for it goes nowhere */
};

/* Meters are read and written relaxed. */
#define conn_meter(m) atomic_load_explicit((m), memory_order_relaxed)
#define conn_meter_set(m, v) atomic_store_explicit((m), (v), memory_order_relaxed)

/* The table of cards: `max` slots at most, grown in blocks by accept. */
int conn_cards_open(uint32_t max);
void conn_cards_close(void);
/* The card of a slot that is or was in use; never NULL for a slot that accept handed out. */
struct conn_card *conn_card(uint32_t slot);
/* accept only: makes the slot's card exist. */
struct conn_card *conn_card_make(uint32_t slot);

/* Whether strangers may do what the default user may, without a password; so at first. execute
 * writes it when users change; accept and others read it, relaxed. */
void conn_set_open(bool open);
bool conn_is_open(void);

/* An address of this machine itself. One of IPv4 stands in the same room. */
bool conn_is_loopback(const struct sockaddr_in6 *peer);

/* "127.0.0.1:1234", "[::1]:1234" or "/path:0" for unix sockets. `out` takes 64 bytes or more. */
void conn_print_peer(const struct conn_card *card, const char *unix_path, char *out, size_t len);
void conn_print_local(const struct conn_card *card, const char *unix_path, char *out, size_t len);

#endif
