/*
 * The simulator: the server's own rooms on simulated threads, sockets and time, all of it in one
 * thread of the machine and all of it decided by one seed.
 *
 * fiber.c    threads as coroutines, which may lose the CPU at every call into the kernel
 * kernel.c   sockets, pollers and clocks: the functions that the linker puts in place of the real
 * wiring.c   the rooms, wired by a plan as the server wires them
 * disk.c     a disk that fails, and forgets what was not synced when the power goes
 * ledger.c   clients whose every write must be there after that
 * client.c   clients, and the check of every answer
 * send.c     what they send, and the model that knows the answers
 * lives.c    one server's lives on one disk, each in a process of its own
 * text.c     bytes that grow
 * lists.c    the model of the lists that all clients share
 * news.c     the model of the channel that all clients share
 * sim.c      seeds, the scheduler, and what must hold at the end
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/random.h"
#include "flow/thread.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- sim.c ---- */

/* What the seed chose for this run. */
struct sim_choices {
    bool kills;      /* clients kill each other */
    bool pauses;     /* CLIENT PAUSE is used */
    bool unblocks;   /* clients end each other's waits */
    bool moves;      /* values go from one shared list to the other */
    bool scarce;     /* few clients allowed, descriptors run out */
    bool limits;     /* output limits cut those who do not read */
    bool low_water;  /* parse rests connections early */
    bool scripts;    /* they last, and time passes quickly */
    bool medium;     /* many replies fill a batch together, none does alone */
    bool logs;       /* what is written goes to a log */
    bool is_life;    /* of a server with a disk: its clients are those of ledger.c */
    bool data_mode;  /* pollers give data as io_uring does, not readiness */
    unsigned yields; /* one call in so many gives the CPU away */
    unsigned modes;  /* 0: all lent, 1: all at home, 2: changes all the time */
};
extern struct sim_choices sim_choices;
extern struct random sim_random;
extern bool sim_verbose;

static inline uint64_t sim_below(uint64_t n) { return random_below(&sim_random, n); }
/* True once in n times. */
static inline bool sim_chance(uint64_t n) { return sim_below(n) == 0; }
/* One to max, small numbers and one most of all. */
size_t sim_some(size_t max);

/* Goes into the trace's hash; shown with -v. */
void sim_note(const char *what, uint64_t a, uint64_t b);
/* Something moved: no hang yet. */
void sim_progress(void);
/* Tells the seed and ends the program. */
void sim_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

void sim_begin(uint64_t seed);
/* What goes on in another process. */
struct sim_state {
    uint64_t hash, steps;
    struct random random;
};
struct sim_state sim_save(void);
void sim_restore(const struct sim_state *s);
struct settings;
void sim_set(struct settings *s, const char *name, const char *value);
/* A life, with an open ledger. `at_end`: the clients have done their work. */
void sim_life(void (*set)(struct settings *s), void (*at_end)(void));

/* ---- lives.c ---- */

enum lives_disk {
    LIVES_HONEST,
    /* Controls, which must fail: syncs of files, or of directories, do nothing. */
    LIVES_SYNC_LIES,
    LIVES_DIR_SYNC_LIES,
};
void lives_open(void);
/* After sim_begin(). What an honest disk does wrong ends the program; false: a liar was found. */
bool lives_run(enum lives_disk kind);
/* A disk without faults, for a server that lives once and in this process. */
void lives_borrow_disk(void);
void lives_return_disk(void);

/* ---- fiber.c ---- */

struct fiber;
/* Makes the thread's loop a fiber, which has not begun. */
struct fiber *fiber_open(struct thread *th);
void fiber_close(struct fiber *f);
/* From the scheduler: runs until it yields, blocks or ends. */
void fiber_run(struct fiber *f);
bool fiber_is_runnable(const struct fiber *f);
bool fiber_is_done(const struct fiber *f);
/* It sleeps within a call of fiber_sleep(): in the middle of something. */
bool fiber_is_in_call(const struct fiber *f);
/* When its sleep ends by itself; UINT64_MAX: never, or it does not sleep. */
uint64_t fiber_wakes_at(const struct fiber *f);
/* From inside of a fiber, at will of the seed; outside of fibers nothing happens. */
void fiber_maybe_yield(void);
/* Sleeps until time is up or the poller is woken; or, unless `wake_only`, has events. */
void fiber_block(uint64_t until_ns, bool wake_only);
/* Sleeps for so long, whatever happens; outside of fibers time passes. */
void fiber_sleep(uint64_t ns);

/* ---- kernel.c ---- */

struct sim_socket;
extern uint64_t kernel_now_ns;

void kernel_open(void);
/* Fails when something was left open. */
void kernel_close(void);
struct poller *kernel_poller_open(void);
/* Not the thread that sleeps in it: has it a reason to wake? */
bool kernel_poller_is_ready(const struct poller *p, bool wake_only);

int kernel_listen(void);
/* The client's side. Connections wait at the one listener. */
struct sim_socket *kernel_connect(size_t room);
void kernel_put(struct sim_socket *s, const char *data, size_t len);
bool kernel_can_deliver(const struct sim_socket *s);
/* Bytes that were put come nearer to the server. */
void kernel_deliver(struct sim_socket *s);
size_t kernel_can_take(const struct sim_socket *s);
size_t kernel_take(struct sim_socket *s, char *to, size_t max);
/* All was taken and no more will come. */
bool kernel_has_ended(const struct sim_socket *s);
/* The server has closed its descriptor. */
bool kernel_is_closed(const struct sim_socket *s);
void kernel_finish(struct sim_socket *s); /* no more will be put */
void kernel_abort(struct sim_socket *s);  /* reset */

/* ---- wiring.c ---- */

void wiring_open(const char *plan);
void wiring_close(void);
int wiring_thread_count(void);
struct thread *wiring_thread(int i);
void wiring_listen(int fd);
void wiring_stop_listening(void);
/* As SIGTERM does it, and what came of it. */
enum wiring_shutdown { WIRING_ASKED, WIRING_ENDS, WIRING_GOES_ON };
void wiring_shut_down(void);
enum wiring_shutdown wiring_shutdown_state(void);
/* Everybody sleeps: nothing may wait in a ring. */
void wiring_check_idle(void);
/* All clients are gone. */
void wiring_check_end(void);

/* ---- text.c ---- */

/* All zero: empty. The owner ends it with text_free(), after which it is empty again. */
struct text {
    char *data;
    size_t len, cap;
};

void text_add(struct text *t, const char *data, size_t len);
void text_drop(struct text *t, size_t len); /* off the front */
void text_free(struct text *t);
/* At most 255 chars. */
void text_print(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As RESP sends it. */
void text_bulk(struct text *t, const char *data, size_t len);

/* ---- lists.c ---- */

enum { LISTS = 2 };

/* A blocking pop. */
struct list_pop {
    int list; /* LISTS: from any */
    uint64_t sent_ns, timeout_ms;
};

void lists_open(void);
bool lists_are_full(int more);
/* The number of a value that the client is about to push. */
int lists_push(int client, int list);
/* The push was answered. */
void lists_pushed(int value);
void lists_popped(const struct list_pop *pop, int client, int list, int value);
void lists_moved(int value); /* an answer said so */
void lists_timed_out(const struct list_pop *pop);
void lists_lost(void); /* nobody will see what a pop was answered */
/* All values that are left were popped. */
void lists_check_end(void);

/* ---- news.c ---- */

#define NEWS "shared:news"

void news_open(int witness);
bool news_are_full(void);
/* The number of a message that the client is about to publish, and its text. */
int news_publish(int client);
void news_print(struct text *t, int client, int number, size_t len);
/* The PUBLISH was answered. */
void news_answered(int client, int number);
/* The message at the front of what a listener has received. *own: its number, when the listener
 * published it itself; else -1. */
enum news_kind { NEWS_PART, NEWS_BEGIN, NEWS_MESSAGE, NEWS_END };
enum news_kind news_take(int listener, const struct text *rx, size_t *len, int *own);
void news_check_end(void);

/* ---- disk.c ---- */

/* How the process ends, and what is left on the disk then. */
enum disk_end {
    DISK_ENDS_WELL, /* it shuts down */
    DISK_KILLED,    /* all that was written is there */
    DISK_POWER_CUT, /* all that was synced, and some of the rest */
};

struct disk_terms {
    enum disk_end end;
    unsigned calls;  /* at this one, from 1 on, the end comes, unless it ends well; 0: when asked */
    bool fails;      /* syncs do, now and then */
    bool fills;      /* it is full, now and then */
    bool stays_full; /* once it is, it stays so */
    bool is_wild;    /* unsynced pages survive in any order, not only the first ones */
    bool lies;       /* a control: a sync of a file is none */
    bool lies_of_dirs; /* a control: nor is one of a directory */
};

/* The files below the working directory are the disk; they are safe, but for what a life before
 * that was killed had not synced. All calls of disk.h go there from then on. `before_end` runs
 * before the process ends at the call of the terms. */
void disk_start(const struct disk_terms *terms, void (*before_end)(void));
/* It ends now, as the terms say; what is left lies in the working directory. */
void disk_end_now(void) __attribute__((noreturn));
/* For who does not end with it. */
void disk_stop(void);
bool disk_has_failed(void); /* some call has, so far */
/* Cuts what a log's reader cannot take off the files of the log, as baton-check-aof --fix does. */
void disk_fix_logs(void);

/* ---- ledger.c ---- */

/* What a seed's lives have in common; shared by their processes. */
struct ledger;
struct ledger *ledger_make(void);
void ledger_free(struct ledger *l);
struct ledger_terms {
    bool is_last; /* nothing is written */
    bool saves;   /* there is no log: only what SAVE was answered for is safe */
    bool syncs_always, syncs_never;
    bool toggles; /* the log is closed and opened; only WAITAOF is believed from then on */
};
/* A life begins. */
void ledger_open(struct ledger *l, const struct ledger_terms *terms);
void ledger_close(void);
bool ledger_step(void);
bool ledger_is_done(void);
void ledger_print(void);
/* When a life ends: what must be there in the next one. */
struct ledger_promise {
    bool always;        /* all that was acknowledged */
    bool killed;        /* the process was, and the disk lives on */
    bool failed;        /* some call of the disk has */
    uint64_t window_ns; /* what was acknowledged so long ago; 0: no promise */
};
void ledger_promise(const struct ledger_promise *p);

/* ---- client.c ---- */

void clients_open(void);
void clients_close(void);
/* One random client does one thing; false when none could do anything. */
bool clients_step(void);
bool clients_are_done(void);
void clients_check_end(void);
void clients_print(void); /* who still waits for what */

#endif
