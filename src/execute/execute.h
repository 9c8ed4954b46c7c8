/*
 * The door of execute: the one stage that owns the keyspace.
 *
 * It takes command batches from the parsers in rotation, runs their commands one after another,
 * hands reply batches to the writers, and does what time asks for: expiry, held-back commands, idle
 * clients, statistics.
 */
#ifndef EXECUTE_EXECUTE_H
#define EXECUTE_EXECUTE_H

#include "catalog/settings.h"
#include "execute/figures.h"
#include "flow/handoff.h"
#include "flow/nap.h"
#include "flow/stage.h"
#include "msg/command_batch.h"
#include "msg/errand.h"
#include "msg/log_card.h"
#include "msg/order.h"
#include "msg/reply_batch.h"

#define EXECUTE_PEERS_MAX 32

/* What the other rooms count; filled on demand for INFO and for rates. */
struct world_counters {
    uint64_t net_in, net_out;
    uint64_t connections_total, connections_rejected;
    uint64_t output_limit_cuts, query_limit_cuts;
    uint64_t out_pending; /* bytes of replies that kernels did not take yet */
    uint64_t parse_memory;
    uint64_t parse_starved;
    uint64_t courier_connections;
    uint64_t reads, writes; /* system calls that moved bytes of clients */
};

/* What execute asks of boot. All are called in execute's turn and must not block. */
struct execute_world {
    void (*counters)(struct world_counters *out);
    /* What there was is loaded (0), or cannot be: -errno, logged; then the server ends. */
    void (*loaded)(int result);
    /* The data is where it must be and nothing is run any more: boot drains and exits with 0. */
    void (*shutdown)(void);
    /* A shutdown that a signal asked for does not come, for now. */
    void (*shutdown_refused)(void);
    const char *executable;  /* absolute path of the program */
    const char *config_file; /* absolute path, "" without */
    const char *plan;        /* the plan line in force */
    const char *io_backend;  /* "io_uring" or "epoll" */
    char run_id[41];
};

struct execute_wiring {
    struct handoff *commands[EXECUTE_PEERS_MAX]; /* parse-i -> here */
    void *parsers[EXECUTE_PEERS_MAX];
    void (*send_home)(void *parser, struct turn *t, struct command_batch *b);
    int parser_count;
    struct handoff *replies[EXECUTE_PEERS_MAX]; /* here -> write-i */
    struct handoff *home[EXECUTE_PEERS_MAX];    /* write-i -> here */
    struct stage *writers[EXECUTE_PEERS_MAX];
    int writer_count;
    /* Persist's two stages; all NULL where there is no persistence (unit tests). */
    struct handoff *log_orders, *log_home;   /* here -> log, and back: struct order * */
    struct handoff *file_orders, *file_home; /* here -> files, and back */
    struct stage *log_stage, *file_stage;
    struct log_card *log_card;
    struct nap *log_nap; /* of the log's stage */
    /* The courier; all NULL where there is none. */
    struct handoff *errands, *errands_home; /* here -> courier, and back: struct errand * */
    struct stage *courier;
    struct execute_world world;
};

struct execute_stage;
/* Opens the keyspace by the settings in force, too. */
struct execute_stage *execute_open(const struct execute_wiring *w);
/* Before threads start: the users of aclfile or of the configuration. 0, or -EINVAL with what is
 * wrong in `error`. */
int execute_load_users(char *error, size_t error_len);
void execute_close(struct execute_stage *e);
struct stage *execute_stage(struct execute_stage *e);
/* For big arguments, which parsers read where they will live (mem/block.h): the parsers are closed
 * before it. */
struct arena *execute_arena(struct execute_stage *e);

/*
 * Before threads start: whenever CONFIG SET changes `option`, `apply` is called in execute's turn
 * with the settings before and after. Not 0: the change is taken back, and `error`
 * (OPTION_ERROR_MAX bytes) is what the client is told.
 */
void execute_on_config(const char *option, int (*apply)(const struct settings *old,
                                                        const struct settings *new, char *error));

/* Before threads start: the figures are published from now on. Borrowed until execute_close(); any
 * thread may read them. */
const struct execute_figures *execute_figures(struct execute_stage *e);

/* From the main thread: SIGTERM or SIGINT came. The data is saved as the options say, and the world
 * is told (`shutdown`, or `shutdown_refused`). */
void execute_signal(struct execute_stage *e, int signal_number);
/* From the main thread, which ends the process at once: what a save in the making has left goes. */
void execute_remove_temp_files(void);

/* For the simulator: reply batches that are not at home, and sessions that live. */
uint64_t execute_batches_out(const struct execute_stage *e);
uint64_t execute_sessions(const struct execute_stage *e);

#endif
