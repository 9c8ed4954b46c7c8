/*
 * A session: execute's part of a connection, from the first item of a batch (BATCH_OPEN) to BYE.
 *
 * Sessions belong to execute alone. They are found by slot (with the generation checked) for
 * batches, and by id for people. Nobody frees a session but session_end(), at BYE: whoever wants
 * one to die calls session_kill(), which shuts the socket down and lets the one road of death do
 * the rest. So walking all sessions never meets a freed one.
 *
 * A session that is closing is gone for people at once: it is neither listed, nor counted, nor
 * found by id. session_at() still finds it, until BYE.
 */
#ifndef EXECUTE_CORE_SESSION_H
#define EXECUTE_CORE_SESSION_H

#include "execute/execute_private.h"

#include "base/bytes.h"
#include "catalog/option.h" /* enum client_class */
#include "execute/core/reply.h"
#include "execute/keyspace/keyspace.h"
#include "msg/command_batch.h"

enum reply_mode { REPLIES_ON, REPLIES_OFF, REPLIES_SKIP_NEXT, REPLIES_SKIP_NOW };

/* Why run() looks closer at a session's commands; 0 for most. */
enum session_care {
    CARE_UNAUTHENTICATED = 1,
    CARE_RULES = 2,      /* its user may not do everything */
    CARE_MULTI = 4,      /* its commands are queued */
    CARE_SUBSCRIBED = 8, /* RESP2 with subscriptions: few commands may run */
    CARE_CACHING = 16,   /* CLIENT CACHING, which holds for one command, was given */
};

struct user;
struct held_command; /* a command copied while the session could not run it */

struct session {
    struct conn_ref conn;
    uint64_t id;
    struct db *db;
    uint8_t resp; /* 2 or 3 */
    uint8_t reply_mode;
    uint8_t care; /* enum session_care */
    bool closing; /* takes no more commands: QUIT, a protocol error, killed */
    bool no_evict, no_touch;
    bool cut_after_reply;            /* the item being written ends with REPLY_CUT */
    bool is_blocked;                 /* waits in a blocking command */
    bool is_paused;                  /* its next command waits for CLIENT PAUSE to end */
    bool bye_waits;                  /* its stream has ended; it ends when what it holds has run */
    bool is_busy;                    /* it runs a script that lasts (core/busy.h) */
    bool is_choked;                  /* its client must read replies before more are made */
    bool has_no_client;              /* it stands for a log that is loaded, and is in no list */
    struct user *user;               /* core/acl.h */
    bool push_waits;                 /* a message for it is to go before its next answer */
    char *name;                      /* or NULL */
    char *lib_name, *lib_ver;        /* or NULL */
    int64_t opened_ms, active_ms;    /* monotonic */
    const struct command_spec *last; /* last command, NULL at first */
    uint64_t command_count;
    uint32_t last_wire_len, last_args_len; /* of the command running; 0 between commands */
    struct held_command *held_first, *held_last;
    struct held_command *blocked; /* the command that waits, while is_blocked */
    struct blocking *blocking;    /* core/blocking.c: what it waits for, or NULL */
    uint64_t effect_number;       /* of its last write (core/effect.h); 0: none */
    struct session_job *job;      /* core/blocking.h: or for this */
    size_t held_bytes;
    struct session *next_dying; /* core/client_limit.c */
    struct multi *multi;        /* core/multi.c: what is queued since MULTI, or NULL */
    struct watch *watches;      /* core/watch.c: the keys that it watches */
    size_t watch_bytes;         /* what they cost */
    bool watch_failed;          /* one of them was changed */
    /* core/pubsub.c: what it is subscribed to, or NULL */
    struct subscriptions *subscriptions;
    uint32_t push_item; /* execute.c: a hint, where its last message stands among a batch's items */
    struct tracking *tracking; /* core/tracking.c: how it is told of changed keys, or NULL */
    bool is_monitor;           /* it is shown all commands */
    struct session *monitor_next, *monitor_prev;
    struct session *next, *prev; /* all sessions in the order of id */
    struct session *same_hash;   /* sessions of one bucket of ids */
    /* core/pause.c: the line in which it stands, NULL when in none */
    struct session_line *line;
    struct session *line_next, *line_prev;
};

void sessions_open(void);
/* Frees those that are left. */
void sessions_close(void);

/* At BATCH_OPEN. The session is execute's own; its card says who it is. */
struct session *session_begin(struct conn_ref conn);
/* NULL when the slot holds no session of that generation. */
struct session *session_at(struct conn_ref conn);
/* At BATCH_BYE. Frees the session. */
void session_end(struct session *s);

struct session *session_by_id(uint64_t id);
struct session *sessions_first(void); /* then s->next: oldest first */
uint64_t sessions_count(void);
/* The closing ones included. */
uint64_t sessions_count_all(void);
static inline void session_set_care(struct session *s, enum session_care bit, bool on)
{
    s->care = (uint8_t)(on ? s->care | bit : s->care & ~bit);
}
/* Of those that are listed, those that wait in a blocking command or for CLIENT PAUSE to end. */
uint64_t sessions_count_blocked(void);

/* Shuts the socket down; the session ends when parse has seen it. Commands that still come are
 * dropped. */
void session_kill(struct session *s);
/* It runs no more commands, and the connection is cut when the reply being built is out: QUIT,
 * protocol errors. */
void session_finish(struct session *s);
/* As a new connection: SELECT 0, RESP2, no name, replies on, not authenticated when a password is
 * needed. */
void session_reset(struct session *s);
void session_set_name(struct session *s, struct bytes name); /* empty: none */
/* Which limits its unread output has. */
enum client_class session_output_class(const struct session *s);
void session_tell_output_class(const struct session *s);
/* Replaces one of the session's own texts; empty: NULL. */
void session_set_text(char **text, struct bytes value);
/* The right password of the user was given. */
void session_authenticate(struct session *s, struct user *u);
/* True when the session may run commands: no password needed, or given. */
bool session_is_authenticated(const struct session *s);
/* Bytes of execute's memory that this session costs. */
size_t session_memory(const struct session *s);
/* And of all stages': tot-mem in CLIENT LIST. */
uint64_t session_memory_all(const struct session *s);
/* One line of CLIENT LIST, without a line end, appended to r as raw bytes. */
void session_describe(const struct session *s, struct reply *r);

#endif
