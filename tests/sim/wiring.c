/*
 * The rooms and their rings, wired as boot/server.c wires them; threads are adopted instead of
 * started.
 */
#include "sim/sim.h"

#include "accept/accept.h"
#include "base/must.h"
#include "execute/execute.h"
#include "flow/plan.h"
#include "msg/conn.h"
#include "parse/parse.h"
#include "persist/persist.h"
#include "write/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ACCEPT, PARSE, EXECUTE, WRITE, PEERS = 8, SLOTS = 64, REPLY_BATCHES = 16384, SIDES = 2 };

static struct {
    struct plan plan;
    struct thread threads[PLAN_THREADS_MAX];
    struct accept_stage *accept;
    struct parse_stage *parsers[PEERS];
    struct execute_stage *execute;
    struct write_stage *writers[PEERS];
    int parser_count, writer_count;
    struct handoff seeds[PEERS], commands[PEERS], commands_home[PEERS];
    struct handoff replies[PEERS], replies_home[PEERS], freed[PEERS], orders;
    struct persist *persist;
    struct log_card log_card;
    struct handoff log_orders, log_home, file_orders, file_home;
    struct thread sides[SIDES]; /* of persist's stages */
} w;

static void wiring_send_home(void *parser, struct turn *t, struct command_batch *b)
{
    parse_send_home(parser, t, b);
}

static void wiring_open_rings(void)
{
    for (int i = 0; i < w.parser_count; i++) {
        handoff_open(&w.seeds[i], SLOTS);
        handoff_open(&w.commands[i], PARSE_BATCHES);
        handoff_open(&w.commands_home[i], PARSE_BATCHES);
    }
    for (int i = 0; i < w.writer_count; i++) {
        handoff_open(&w.replies[i], REPLY_BATCHES);
        handoff_open(&w.replies_home[i], REPLY_BATCHES);
        handoff_open(&w.freed[i], SLOTS);
    }
    handoff_open(&w.orders, 8);
    handoff_open(&w.log_orders, 64);
    handoff_open(&w.log_home, 64);
    handoff_open(&w.file_orders, 64);
    handoff_open(&w.file_home, 64);
}

static void wiring_open_ends(void)
{
    static char names[2][PEERS][16];
    unsigned settings_id = 2;
    for (int i = 0; i < w.writer_count; i++) {
        struct write_wiring wiring = {.replies = &w.replies[i],
                                      .home = &w.replies_home[i],
                                      .freed = &w.freed[i],
                                      .log_card = &w.log_card,
                                      .index = (uint16_t)i,
                                      .settings_id = settings_id++};
        snprintf(names[0][i], sizeof(names[0][i]), "write-%d", i & 7);
        w.writers[i] = write_open(names[0][i], &wiring);
    }
    for (int i = 0; i < w.parser_count; i++) {
        struct parse_wiring wiring = {.seeds = &w.seeds[i],
                                      .commands = &w.commands[i],
                                      .home = &w.commands_home[i],
                                      .index = (uint16_t)i,
                                      .settings_id = settings_id++};
        snprintf(names[1][i], sizeof(names[1][i]), "parse-%d", i & 7);
        w.parsers[i] = parse_open(names[1][i], &wiring);
    }
}

static enum wiring_shutdown shutdown_state;

/* On a disk that fails a server may refuse to begin. */
static void wiring_loaded(int result)
{
    if (result == 0) return;
    if (!sim_choices.is_life || !disk_has_failed())
        sim_fail("what was on the disk cannot be loaded");
    disk_end_now();
}

static void wiring_ends(void) { shutdown_state = WIRING_ENDS; }
static void wiring_goes_on(void) { shutdown_state = WIRING_GOES_ON; }

static void wiring_open_persist(void)
{
    struct persist_wiring p = {.log_orders = &w.log_orders,
                               .log_home = &w.log_home,
                               .file_orders = &w.file_orders,
                               .file_home = &w.file_home,
                               .writer_count = w.writer_count,
                               .log_settings_id = 2u + (unsigned)(w.parser_count + w.writer_count)};
    for (int i = 0; i < w.writer_count; i++) p.writers[i] = write_stage(w.writers[i]);
    w.persist = persist_open(&p, &w.log_card);
}

static void wiring_open_middle(void)
{
    struct execute_wiring e = {.send_home = wiring_send_home,
                               .log_orders = &w.log_orders,
                               .log_home = &w.log_home,
                               .file_orders = &w.file_orders,
                               .file_home = &w.file_home,
                               .log_stage = persist_log_stage(w.persist),
                               .file_stage = persist_file_stage(w.persist),
                               .log_nap = persist_log_nap(w.persist),
                               .log_card = &w.log_card,
                               .parser_count = w.parser_count,
                               .writer_count = w.writer_count,
                               .world = {.loaded = wiring_loaded,
                                         .shutdown = wiring_ends,
                                         .shutdown_refused = wiring_goes_on,
                                         .executable = "/sim",
                                         .config_file = "",
                                         .plan = "sim"}};
    struct accept_wiring a = {.parser_count = w.parser_count,
                              .writer_count = w.writer_count,
                              .orders = &w.orders,
                              .slots_max = SLOTS};
    for (int i = 0; i < w.parser_count; i++) {
        e.commands[i] = &w.commands[i];
        e.parsers[i] = w.parsers[i];
        a.seeds[i] = &w.seeds[i];
        a.parsers[i] = parse_stage(w.parsers[i]);
    }
    for (int i = 0; i < w.writer_count; i++) {
        e.replies[i] = &w.replies[i];
        e.home[i] = &w.replies_home[i];
        e.writers[i] = write_stage(w.writers[i]);
        a.freed[i] = &w.freed[i];
    }
    w.execute = execute_open(&e);
    persist_set_execute(w.persist, execute_stage(w.execute));
    for (int i = 0; i < w.parser_count; i++)
        parse_set_execute(w.parsers[i], execute_stage(w.execute), execute_arena(w.execute));
    w.accept = accept_open(&a);
}

static struct stage *wiring_stage(int kind, int index)
{
    switch (kind) {
    case ACCEPT: return accept_stage(w.accept);
    case PARSE: return parse_stage(w.parsers[index]);
    case EXECUTE: return execute_stage(w.execute);
    default: return write_stage(w.writers[index]);
    }
}

static void wiring_open_threads(void)
{
    for (int i = 0; i < w.plan.thread_count; i++) {
        const struct plan_thread *from = &w.plan.threads[i];
        struct thread *th = &w.threads[i];
        thread_init(th, "sim", -1, POLLER_AUTO);
        for (int j = 0; j < from->stage_count; j++)
            thread_add_stage(th, wiring_stage(from->stages[j].kind, from->stages[j].index));
    }
    struct thread *parser = parse_stage(w.parsers[0])->home;
    if (accept_stage(w.accept)->home != parser && sim_chance(2))
        thread_watch_for(parser, accept_stage(w.accept));
    for (int i = 0; i < SIDES; i++) thread_init(&w.sides[i], "sim", -1, POLLER_AUTO);
    thread_add_stage(&w.sides[0], persist_log_stage(w.persist));
    thread_add_stage(&w.sides[1], persist_file_stage(w.persist));
    for (int i = 0; i < wiring_thread_count(); i++)
        thread_adopt(wiring_thread(i), kernel_poller_open());
}

void wiring_open(const char *plan)
{
    static const char *const kinds[] = {"accept", "parse", "execute", "write", NULL};
    char error[128];
    memset(&w, 0, sizeof(w));
    if (plan_parse(&w.plan, plan, kinds, error, sizeof(error)) != 0)
        sim_fail("%s: %s", plan, error);
    w.parser_count = w.plan.kind_count[PARSE];
    w.writer_count = w.plan.kind_count[WRITE];
    must(w.parser_count <= PEERS && w.writer_count <= PEERS && conn_cards_open(SLOTS) == 0);
    wiring_open_rings();
    wiring_open_ends();
    wiring_open_persist();
    wiring_open_middle();
    wiring_open_threads();
    stage_call_home(execute_stage(w.execute));
}

void wiring_close(void)
{
    accept_close(w.accept);
    for (int i = 0; i < w.writer_count; i++) write_close(w.writers[i]);
    for (int i = 0; i < w.parser_count; i++) parse_close(w.parsers[i]);
    persist_finish(w.persist);
    execute_close(w.execute);
    persist_close(w.persist);
    for (int i = 0; i < wiring_thread_count(); i++) thread_release(wiring_thread(i));
    for (int i = 0; i < w.parser_count; i++) {
        handoff_close(&w.seeds[i]);
        handoff_close(&w.commands[i]);
        handoff_close(&w.commands_home[i]);
    }
    for (int i = 0; i < w.writer_count; i++) {
        handoff_close(&w.replies[i]);
        handoff_close(&w.replies_home[i]);
        handoff_close(&w.freed[i]);
    }
    handoff_close(&w.orders);
    handoff_close(&w.log_orders);
    handoff_close(&w.log_home);
    handoff_close(&w.file_orders);
    handoff_close(&w.file_home);
    stage_forget_all();
    conn_cards_close();
}

int wiring_thread_count(void) { return w.plan.thread_count + SIDES; }
struct thread *wiring_thread(int i)
{
    return i < w.plan.thread_count ? &w.threads[i] : &w.sides[i - w.plan.thread_count];
}

void wiring_shut_down(void)
{
    shutdown_state = WIRING_ASKED;
    execute_signal(w.execute, 15);
}

enum wiring_shutdown wiring_shutdown_state(void) { return shutdown_state; }

static void wiring_order(const struct accept_listeners *l)
{
    struct accept_listeners *order = malloc(sizeof(*order));
    must(order != NULL);
    *order = *l;
    handoff_push(&w.orders, (uint64_t)(uintptr_t)order);
    stage_call_home(accept_stage(w.accept));
}

void wiring_listen(int fd)
{
    wiring_order(&(struct accept_listeners){.list = {{.fd = fd}}, .count = 1});
}

void wiring_stop_listening(void) { wiring_order(&(struct accept_listeners){.count = 0}); }

static void wiring_expect_empty(const struct handoff *h, const char *what, int i)
{
    if (handoff_depth(h) != 0)
        sim_fail("everybody sleeps, and %llu things wait in the ring %s %d",
                 (unsigned long long)handoff_depth(h), what, i);
}

void wiring_check_idle(void)
{
    for (int i = 0; i < w.parser_count; i++) {
        wiring_expect_empty(&w.seeds[i], "of seeds to parser", i);
        wiring_expect_empty(&w.commands[i], "of commands from parser", i);
    }
    for (int i = 0; i < w.writer_count; i++)
        wiring_expect_empty(&w.replies[i], "of replies to writer", i);
    wiring_expect_empty(&w.orders, "of orders", 0);
    wiring_expect_empty(&w.file_orders, "of orders to files", 0);
    for (unsigned i = 0; i < stage_count(); i++) {
        struct stage *s = stage_at(i);
        if (s->token != 0) sim_fail("everybody sleeps, and %s is marked %u", s->name, s->token);
        /* Whose turn another thread had when its home fell asleep gets a look in a millisecond. */
        uint64_t until = thread_sleeps_until(s->home);
        if (until > s->due_ns && until > kernel_now_ns + 1000000)
            sim_fail("%s sleeps too long", s->name);
    }
}

void wiring_check_end(void)
{
    uint64_t out = execute_batches_out(w.execute);
    for (int i = 0; i < w.writer_count; i++) {
        out -= handoff_depth(&w.replies_home[i]);
        if (write_open_connections(w.writers[i]) != 0 || write_pending_bytes(w.writers[i]) != 0)
            sim_fail("writer %d has connections or bytes left", i);
    }
    if (out != 0) sim_fail("%llu reply batches did not come home", (unsigned long long)out);
    if (execute_sessions(w.execute) != 0) sim_fail("sessions are left");
    for (int i = 0; i < w.parser_count; i++)
        if (parse_memory(w.parsers[i]) > 8u << 20)
            sim_fail("parser %d keeps %zu bytes", i, parse_memory(w.parsers[i]));
}
