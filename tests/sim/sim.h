/*
 * The simulator: the server's own rooms on simulated threads, sockets and time, all of it in one
 * thread of the machine and all of it decided by one seed.
 *
 * fiber.c    threads as coroutines, which may lose the CPU at every call into the kernel
 * kernel.c   sockets, pollers and clocks: the functions that the linker puts in place of the real
 * wiring.c   the rooms, wired by a plan as the server wires them
 * client.c   clients, and the check of every answer
 * send.c     what they send, and the model that knows the answers
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

/* ---- fiber.c ---- */

struct fiber;
/* Makes the thread's loop a fiber, which has not begun. */
struct fiber *fiber_open(struct thread *th);
void fiber_close(struct fiber *f);
/* From the scheduler: runs until it yields, blocks or ends. */
void fiber_run(struct fiber *f);
bool fiber_is_runnable(const struct fiber *f);
bool fiber_is_done(const struct fiber *f);
/* When its sleep ends by itself; UINT64_MAX: never, or it does not sleep. */
uint64_t fiber_wakes_at(const struct fiber *f);
/* From inside of a fiber, at will of the seed; outside of fibers nothing happens. */
void fiber_maybe_yield(void);
/* Sleeps until time is up or the poller is woken; or, unless `wake_only`, has events. */
void fiber_block(uint64_t until_ns, bool wake_only);

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

/* ---- client.c ---- */

void clients_open(void);
void clients_close(void);
/* One random client does one thing; false when none could do anything. */
bool clients_step(void);
bool clients_are_done(void);
void clients_check_end(void);
void clients_print(void); /* who still waits for what */

#endif
