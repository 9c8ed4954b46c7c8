/*
 * Wiring. All rings are made here, between every pair of stages that talk, each as large as what
 * can be in flight on it; the stages get pointers to them. Everything is opened before the first
 * thread starts and closed after the last has ended.
 */
#include "boot/server.h"

#include "accept/accept.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "boot/crash.h"
#include "boot/listen.h"
#include "boot/metrics.h"
#include "boot/watchdog.h"
#include "courier/courier.h"
#include "execute/execute.h"
#include "flow/governor.h"
#include "flow/plan.h"
#include "flow/thread.h"
#include "msg/conn.h"
#include "parse/parse.h"
#include "persist/persist.h"
#include "write/write.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { KIND_ACCEPT, KIND_PARSE, KIND_EXECUTE, KIND_WRITE };
static const char *const server_kinds[] = {"accept", "parse", "execute", "write", NULL};

enum {
    SERVER_PEERS_MAX = 24,
    SERVER_STALL_MS = 1000,       /* a drain in which nothing moves for so long is over */
    SERVER_REPLY_BATCHES = 16384, /* cells of the rings between execute and a writer */
    SERVER_ORDERS = 16384,        /* and between execute and persist */
    SERVER_SIDE_THREADS = 3,      /* of stages that wait for disks, or for names to be looked up */
    SERVER_FILES_NICE = 10, /* who writes a snapshot gives way: p99 of others 230 us, 290 without */
};

struct server {
    struct plan plan;
    char plan_line[1024];
    struct thread threads[PLAN_THREADS_MAX];
    int started;
    struct accept_stage *accept;
    struct parse_stage *parsers[SERVER_PEERS_MAX];
    struct execute_stage *execute;
    struct write_stage *writers[SERVER_PEERS_MAX];
    int parser_count, writer_count;
    char names[2][SERVER_PEERS_MAX][16]; /* of parsers and writers */
    struct handoff seeds[SERVER_PEERS_MAX], commands[SERVER_PEERS_MAX],
        commands_home[SERVER_PEERS_MAX];
    struct handoff replies[SERVER_PEERS_MAX], replies_home[SERVER_PEERS_MAX],
        freed[SERVER_PEERS_MAX];
    struct handoff orders;
    struct handoff log_orders, log_home, file_orders, file_home;
    struct log_card log_card;
    struct persist *persist;
    struct courier *courier;
    struct thread side_threads[SERVER_SIDE_THREADS];
    int side_started;
    struct handoff errands, errands_home;
    struct governor *governor; /* or NULL */
    struct metrics *metrics;   /* or NULL */
    int events_fd;
    _Atomic int events; /* set by execute's turn, taken by main */
    struct server_facts facts;
};

static struct server
    *the_server; /* for the callbacks of struct execute_world, which have no context */

/* ---- What execute asks for ---- */

static void server_counters(struct world_counters *out)
{
    struct server *s = the_server;
    *out = (struct world_counters){
        .connections_total = accept_connections_total(s->accept),
        .connections_rejected = accept_connections_rejected(s->accept),
    };
    out->courier_connections = courier_connections(s->courier);
    for (int i = 0; i < s->parser_count; i++) {
        out->reads += parse_reads(s->parsers[i]);
        out->net_in += parse_bytes_read(s->parsers[i]);
        out->query_limit_cuts += parse_query_limit_cuts(s->parsers[i]);
        out->parse_memory += parse_memory(s->parsers[i]);
        out->parse_starved += parse_starved(s->parsers[i]);
    }
    for (int i = 0; i < s->writer_count; i++) {
        out->writes += write_calls(s->writers[i]);
        out->net_out += write_bytes_sent(s->writers[i]);
        out->output_limit_cuts += write_limit_cuts(s->writers[i]);
        out->out_pending += write_pending_bytes(s->writers[i]);
    }
}

static void server_tell_main(enum server_event event)
{
    struct server *s = the_server;
    atomic_fetch_or(&s->events, (int)event);
    uint64_t one = 1;
    ssize_t n = write(s->events_fd, &one, sizeof(one));
    (void)n;
}

static void server_loaded(int result)
{
    server_tell_main(result == 0 ? SERVER_LOADED : SERVER_LOAD_FAILED);
}

static void server_ends(void) { server_tell_main(SERVER_ENDS); }
static void server_goes_on(void) { server_tell_main(SERVER_GOES_ON); }

int server_events_fd(const struct server *s) { return s->events_fd; }

int server_take_events(struct server *s)
{
    uint64_t count;
    ssize_t n = read(s->events_fd, &count, sizeof(count));
    (void)n;
    return atomic_exchange(&s->events, 0);
}

void server_signal(struct server *s, int signal_number)
{
    execute_signal(s->execute, signal_number);
}

static void server_send_home(void *parser, struct turn *t, struct command_batch *b)
{
    parse_send_home(parser, t, b);
}

/* ---- The plan ---- */

/* io-threads n, as Redis counts them, is n threads that read and write beside the one that
 * executes. */
static void server_choose_plan(const struct settings *settings, int cpus, char *line, size_t len)
{
    if (strcmp(settings->threads, "auto") != 0)
        snprintf(line, len, "%s", settings->threads);
    else if (settings->io_threads > 1)
        snprintf(line, len, "accept/execute/parse+write*%d", (int)settings->io_threads - 1);
    else if (cpus < 4)
        snprintf(line, len, "accept/parse/execute/write");
    else
        snprintf(line, len, "accept/execute/parse+write*%d", cpus > 10 ? 8 : cpus - 2);
}

static int server_check_plan(const struct plan *p, char *error, size_t error_len)
{
    if (p->kind_count[KIND_ACCEPT] == 1 && p->kind_count[KIND_EXECUTE] == 1 &&
        p->kind_count[KIND_PARSE] >= 1 && p->kind_count[KIND_WRITE] >= 1 &&
        p->kind_count[KIND_PARSE] <= SERVER_PEERS_MAX &&
        p->kind_count[KIND_WRITE] <= SERVER_PEERS_MAX)
        return 0;
    snprintf(error, error_len,
             "a plan has one accept, one execute, and 1 to %d of parse and of write",
             SERVER_PEERS_MAX);
    return -EINVAL;
}

/* The plan in force, from settings to threads. */
static int server_read_plan(const struct settings *settings, int cpus, struct server *s,
                            char *error, size_t error_len)
{
    char reason[160];
    server_choose_plan(settings, cpus, s->plan_line, sizeof(s->plan_line));
    int rc = plan_parse(&s->plan, s->plan_line, server_kinds, reason, sizeof(reason));
    if (rc == 0) rc = server_check_plan(&s->plan, reason, sizeof(reason));
    if (rc != 0)
        snprintf(error, error_len, "the threads option '%.60s' makes no plan: %s", s->plan_line,
                 reason);
    return rc;
}

static enum poller_kind server_backend_for(const struct settings *settings)
{
    if (settings->io_backend == IO_BACKEND_EPOLL) return POLLER_EPOLL;
    if (settings->io_backend == IO_BACKEND_URING) return POLLER_URING;
    return poller_has_uring() ? POLLER_URING : POLLER_EPOLL;
}

int server_check(char *error, size_t error_len)
{
    const struct settings *settings = settings_now();
    static struct server probe; /* too large for the stack */
    int rc = server_read_plan(settings, 1, &probe, error, error_len);
    if (rc != 0) return rc;
    if (settings->io_backend != IO_BACKEND_URING || poller_has_uring()) return 0;
    snprintf(error, error_len, "io-backend io_uring: this system does not let us use it");
    return -ENOSYS;
}

static struct stage *server_stage(struct server *s, int kind, int index)
{
    switch (kind) {
    case KIND_ACCEPT: return accept_stage(s->accept);
    case KIND_PARSE: return parse_stage(s->parsers[index]);
    case KIND_EXECUTE: return execute_stage(s->execute);
    default: return write_stage(s->writers[index]);
    }
}

static void server_name_thread(const struct plan_thread *t, struct server *s, int number,
                               char *name, size_t len)
{
    if (t->stage_count == 1) {
        snprintf(name, len, "%s", server_stage(s, t->stages[0].kind, t->stages[0].index)->name);
    } else if (t->stage_count == 2) {
        const char *a = server_stage(s, t->stages[0].kind, t->stages[0].index)->name;
        snprintf(name, len, "%.7s+%.7s", a,
                 server_stage(s, t->stages[1].kind, t->stages[1].index)->name);
    } else {
        snprintf(name, len, "relay-%u", (unsigned)number % 1000);
    }
}

/* Those at the sides last: the others may wait for what comes home from there. */
static void server_stop_threads(struct server *s)
{
    for (int i = 0; i < s->started; i++) thread_stop(&s->threads[i]);
    for (int i = 0; i < s->side_started; i++) thread_stop(&s->side_threads[i]);
}

/* They run where there is room. */
static void server_make_side_threads(struct server *s)
{
    static const char *const names[SERVER_SIDE_THREADS] = {"persist", "files", "courier"};
    struct stage *const stages[SERVER_SIDE_THREADS] = {
        persist_log_stage(s->persist), persist_file_stage(s->persist), courier_stage(s->courier)};
    for (int i = 0; i < SERVER_SIDE_THREADS; i++) {
        thread_init(&s->side_threads[i], names[i], -1, POLLER_EPOLL);
        thread_add_stage(&s->side_threads[i], stages[i]);
        if (stages[i] == persist_file_stage(s->persist))
            s->side_threads[i].nice = SERVER_FILES_NICE;
    }
}

/* Busy threads are spread over the CPUs in the order of the plan; accept, which has little to do,
 * goes with the last. */
static void server_make_threads(struct server *s, const struct settings *settings, const int *cpus,
                                int cpu_count, enum poller_kind kind)
{
    int busy = 0;
    for (int i = 0; i < s->plan.thread_count; i++) {
        const struct plan_thread *pt = &s->plan.threads[i];
        bool only_accept = pt->stage_count == 1 && pt->stages[0].kind == KIND_ACCEPT;
        int cpu = only_accept ? cpus[cpu_count - 1] : cpus[busy++ % cpu_count];
        char name[16];
        server_name_thread(pt, s, i, name, sizeof(name));
        thread_init(&s->threads[i], name, settings->cpu_pinning ? cpu : -1, kind);
        s->threads[i].gather_ns = (uint64_t)settings->io_gather_us * 1000;
        for (int j = 0; j < pt->stage_count; j++)
            thread_add_stage(&s->threads[i],
                             server_stage(s, pt->stages[j].kind, pt->stages[j].index));
    }
    server_make_side_threads(s);
}

/* ---- The rooms ---- */

static void server_open_rings(struct server *s, uint32_t slots)
{
    for (int i = 0; i < s->parser_count; i++) {
        handoff_open(&s->seeds[i], slots);
        handoff_open(&s->commands[i], PARSE_BATCHES);
        handoff_open(&s->commands_home[i], PARSE_BATCHES);
    }
    for (int i = 0; i < s->writer_count; i++) {
        handoff_open(&s->replies[i], SERVER_REPLY_BATCHES);
        handoff_open(&s->replies_home[i], SERVER_REPLY_BATCHES);
        handoff_open(&s->freed[i], slots);
    }
    handoff_open(&s->orders, 1024);
    handoff_open(&s->log_orders, SERVER_ORDERS);
    handoff_open(&s->log_home, SERVER_ORDERS);
    handoff_open(&s->file_orders, SERVER_ORDERS);
    handoff_open(&s->file_home, SERVER_ORDERS);
    handoff_open(&s->errands, ERRANDS_OUT_MAX);
    handoff_open(&s->errands_home, ERRANDS_OUT_MAX);
}

static void server_close_rings(struct server *s)
{
    for (int i = 0; i < s->parser_count; i++) {
        handoff_close(&s->seeds[i]);
        handoff_close(&s->commands[i]);
        handoff_close(&s->commands_home[i]);
    }
    for (int i = 0; i < s->writer_count; i++) {
        handoff_close(&s->replies[i]);
        handoff_close(&s->replies_home[i]);
        handoff_close(&s->freed[i]);
    }
    handoff_close(&s->orders);
    handoff_close(&s->log_orders);
    handoff_close(&s->log_home);
    handoff_close(&s->file_orders);
    handoff_close(&s->file_home);
    handoff_close(&s->errands);
    handoff_close(&s->errands_home);
}

static void server_open_execute(struct server *s, const char *backend)
{
    struct execute_wiring w = {.send_home = server_send_home,
                               .parser_count = s->parser_count,
                               .writer_count = s->writer_count,
                               .log_orders = &s->log_orders,
                               .log_home = &s->log_home,
                               .file_orders = &s->file_orders,
                               .file_home = &s->file_home,
                               .log_stage = persist_log_stage(s->persist),
                               .file_stage = persist_file_stage(s->persist),
                               .log_nap = persist_log_nap(s->persist),
                               .log_card = &s->log_card,
                               .errands = &s->errands,
                               .errands_home = &s->errands_home,
                               .courier = courier_stage(s->courier)};
    w.world = (struct execute_world){
        .counters = server_counters,
        .loaded = server_loaded,
        .shutdown = server_ends,
        .shutdown_refused = server_goes_on,
        .executable = s->facts.executable,
        .config_file = s->facts.config_file,
        .plan = s->plan_line,
        .io_backend = backend,
    };
    random_hex(w.world.run_id, 40);
    for (int i = 0; i < s->parser_count; i++) {
        w.commands[i] = &s->commands[i];
        w.parsers[i] = s->parsers[i];
    }
    for (int i = 0; i < s->writer_count; i++) {
        w.replies[i] = &s->replies[i];
        w.home[i] = &s->replies_home[i];
        w.writers[i] = write_stage(s->writers[i]);
    }
    s->execute = execute_open(&w);
}

static void server_open_persist(struct server *s, unsigned settings_id)
{
    struct persist_wiring w = {.log_orders = &s->log_orders,
                               .log_home = &s->log_home,
                               .file_orders = &s->file_orders,
                               .file_home = &s->file_home,
                               .writer_count = s->writer_count,
                               .log_settings_id = settings_id};
    for (int i = 0; i < s->writer_count; i++) w.writers[i] = write_stage(s->writers[i]);
    s->persist = persist_open(&w, &s->log_card);
}

/* accept first, write last: the order of the stages is the order of a request. Stages that need
 * another's address get it after. */
static void server_open_rooms(struct server *s, uint32_t slots, const char *backend)
{
    struct accept_wiring aw = {.parser_count = s->parser_count,
                               .writer_count = s->writer_count,
                               .orders = &s->orders,
                               .slots_max = slots};
    unsigned settings_id = 2;
    for (int i = 0; i < s->writer_count; i++) {
        struct write_wiring w = {.replies = &s->replies[i],
                                 .home = &s->replies_home[i],
                                 .freed = &s->freed[i],
                                 .log_card = &s->log_card,
                                 .index = (uint16_t)i,
                                 .settings_id = settings_id++};
        snprintf(s->names[1][i], sizeof(s->names[1][i]), "write-%u", (unsigned)i % 1000);
        s->writers[i] = write_open(s->names[1][i], &w);
        aw.freed[i] = &s->freed[i];
    }
    for (int i = 0; i < s->parser_count; i++) {
        struct parse_wiring w = {.seeds = &s->seeds[i],
                                 .commands = &s->commands[i],
                                 .home = &s->commands_home[i],
                                 .index = (uint16_t)i,
                                 .settings_id = settings_id++};
        snprintf(s->names[0][i], sizeof(s->names[0][i]), "parse-%u", (unsigned)i % 1000);
        s->parsers[i] = parse_open(s->names[0][i], &w);
        aw.seeds[i] = &s->seeds[i];
        aw.parsers[i] = parse_stage(s->parsers[i]);
    }
    server_open_persist(s, settings_id);
    s->courier =
        courier_open(&(struct courier_wiring){.errands = &s->errands, .home = &s->errands_home});
    server_open_execute(s, backend);
    persist_set_execute(s->persist, execute_stage(s->execute));
    courier_set_execute(s->courier, execute_stage(s->execute));
    for (int i = 0; i < s->parser_count; i++)
        parse_set_execute(s->parsers[i], execute_stage(s->execute), execute_arena(s->execute));
    s->accept = accept_open(&aw);
}

static void server_close_rooms(struct server *s)
{
    governor_close(s->governor);
    accept_close(s->accept);
    for (int i = 0; i < s->writer_count; i++) write_close(s->writers[i]); /* sends batches home */
    for (int i = 0; i < s->parser_count; i++) parse_close(s->parsers[i]); /* so do these: blocks */
    persist_finish(s->persist);                                           /* and orders */
    courier_close(s->courier);                                            /* and errands */
    execute_close(s->execute);
    persist_close(s->persist);
    stage_forget_all();
    conn_cards_close();
}

/* ---- Listeners ---- */

static void server_order_listeners(struct server *s, const struct accept_listeners *l)
{
    struct accept_listeners *order = malloc(sizeof(*order));
    must(order != NULL);
    *order = *l;
    handoff_push(&s->orders, (uint64_t)(uintptr_t)order);
    stage_call_home(accept_stage(s->accept));
}

/* CONFIG SET port or bind, in execute's turn. */
static int server_relisten(const struct settings *new, const char *complaint, char *error)
{
    struct accept_listeners l;
    char reason[128];
    int rc = listen_open(new, &l, reason, sizeof(reason));
    if (rc != 0)
        snprintf(error, OPTION_ERROR_MAX, "%s (%s)", complaint, reason);
    else
        server_order_listeners(the_server, &l);
    return rc;
}

static int server_on_port(const struct settings *old, const struct settings *new, char *error)
{
    (void)old;
    return server_relisten(new, "Unable to listen on this port. Check server logs.", error);
}

static int server_on_bind(const struct settings *old, const struct settings *new, char *error)
{
    (void)old;
    return server_relisten(new, "Failed to bind to specified addresses.", error);
}

static int server_on_watchdog(const struct settings *old, const struct settings *new, char *error)
{
    (void)old;
    (void)error;
    watchdog_set_period(new->watchdog_period);
    server_tell_main(SERVER_WATCHES);
    return 0;
}

/* ---- Life ---- */

static void server_thread_started(void) { crash_thread(); }

static int server_start_list(struct thread *threads, int count, int *started, char *error,
                             size_t error_len)
{
    for (; *started < count; ++*started) {
        struct thread *th = &threads[*started];
        int rc = thread_start(th, server_thread_started);
        if (rc == 0) continue;
        snprintf(error, error_len, "cannot start the thread %s: %s", th->name,
                 strerrordesc_np(-rc));
        return rc;
    }
    return 0;
}

static int server_start_threads(struct server *s, char *error, size_t error_len)
{
    int rc =
        server_start_list(s->side_threads, SERVER_SIDE_THREADS, &s->side_started, error, error_len);
    if (rc != 0) return rc;
    return server_start_list(s->threads, s->plan.thread_count, &s->started, error, error_len);
}

/* Where one parser is woken for all requests and accept has a thread of its own, new connections
 * wake the parser too: a second wake-up was 40 % of the CPU of a connection with one request. */
static void server_choose_watcher(struct server *s, const struct settings *settings)
{
    struct stage *accept = accept_stage(s->accept);
    if (settings->stage_lending == LENDING_NO || s->parser_count != 1) return;
    if (accept->home->stage_count == 1) thread_watch_for(parse_stage(s->parsers[0])->home, accept);
}

/*
 * Always lent, never, or by trial. Trials need one front thread whose load they judge, so they are
 * made where one parser feeds everything; the writers are what is worth sending home: their system
 * calls are most of the work.
 */
static void server_set_lending(struct server *s, const struct settings *settings)
{
    if (settings->stage_lending == LENDING_NO) {
        for (unsigned i = 0; i < stage_count(); i++) stage_set_mode(stage_at(i), STAGE_HOME);
        return;
    }
    if (settings->stage_lending != LENDING_TRIAL || s->parser_count != 1) return;
    struct stage *writers[SERVER_PEERS_MAX];
    for (int i = 0; i < s->writer_count; i++) writers[i] = write_stage(s->writers[i]);
    struct stage *front = parse_stage(s->parsers[0]);
    s->governor = governor_open(front->home, front, writers, (unsigned)s->writer_count);
    front->home->governor = s->governor;
}

static struct server *server_fail(struct server *s)
{
    metrics_close(s->metrics);
    server_stop_threads(s);
    if (s->accept != NULL) server_close_rooms(s);
    if (s->orders.cells != NULL) server_close_rings(s);
    close(s->events_fd);
    free(s);
    return NULL;
}

/* The metrics page, where it is wanted. */
static int server_open_metrics(struct server *s, const struct settings *settings, char *error,
                               size_t error_len)
{
    if (settings->metrics_port == 0) return 0;
    char reason[128] = "";
    struct metrics_sources from = {.figures = execute_figures(s->execute),
                                   .counters = server_counters};
    s->metrics = metrics_open(settings, &from, reason, sizeof(reason));
    if (s->metrics != NULL) return 0;
    snprintf(error, error_len, "Failed listening on port %d (metrics), aborting: %s",
             (int)settings->metrics_port, reason);
    return -EADDRINUSE;
}

/* What maxclients may grow to while running: what the hard limit of descriptors could ever allow,
 * within the tags' 24 bits. */
static uint32_t server_slots(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max > 1u << 20) return 1u << 20;
    return (uint32_t)limit.rlim_max + 1;
}

struct server *server_open(const struct server_facts *facts, char *error, size_t error_len)
{
    const struct settings *settings = settings_now();
    struct server *s = calloc(1, sizeof(*s));
    must(s != NULL);
    the_server = s;
    s->facts = *facts;
    s->events_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    int cpus[PLAN_THREADS_MAX];
    int cpu_count = plan_cpus(cpus, PLAN_THREADS_MAX, (unsigned)getpid());
    if (server_read_plan(settings, cpu_count, s, error, error_len) != 0) return server_fail(s);
    s->parser_count = s->plan.kind_count[KIND_PARSE];
    s->writer_count = s->plan.kind_count[KIND_WRITE];

    enum poller_kind kind = server_backend_for(settings);
    const char *backend = kind == POLLER_URING ? "io_uring" : "epoll";
    uint32_t slots = server_slots();
    if (conn_cards_open(slots) != 0) must(false);
    server_open_rings(s, slots);
    server_open_rooms(s, slots, backend);
    if (execute_load_users(error, error_len) != 0) return server_fail(s);
    server_make_threads(s, settings, cpus, cpu_count, kind);
    execute_on_config("port", server_on_port);
    execute_on_config("bind", server_on_bind);
    execute_on_config("watchdog-period", server_on_watchdog);
    watchdog_open(execute_stage(s->execute));
    watchdog_set_period(settings->watchdog_period);
    server_choose_watcher(s, settings);
    server_set_lending(s, settings);

    struct accept_listeners listeners;
    char reason[128];
    if (listen_open(settings, &listeners, reason, sizeof(reason)) != 0) {
        snprintf(error, error_len, "Failed listening on port %d (tcp), aborting: %s",
                 (int)settings->port, reason);
        return server_fail(s);
    }
    if (server_open_metrics(s, settings, error, error_len) != 0) return server_fail(s);
    /* Said before execute may load: the last word of a load that fails is why. */
    log_note("Server initialized");
    log_note("Plan: %s, I/O by %s", s->plan_line, backend);
    if (server_start_threads(s, error, error_len) != 0) return server_fail(s);
    server_order_listeners(s, &listeners);
    stage_call_home(execute_stage(s->execute)); /* its clock starts */
    return s;
}

/* True when nothing is on its way between the stages and nobody runs a turn. */
static bool server_is_quiet(struct server *s)
{
    for (int i = 0; i < s->parser_count; i++)
        if (handoff_depth(&s->commands[i]) > 0) return false;
    for (int i = 0; i < s->writer_count; i++)
        if (handoff_depth(&s->replies[i]) > 0 || write_pending_bytes(s->writers[i]) > 0)
            return false;
    for (unsigned i = 0; i < stage_count(); i++)
        if (stage_is_held(stage_at(i))) return false;
    return true;
}

/* Waits until all is written; a client that takes nothing for a while is not waited for, but a
 * disk, whose answer replies may wait for, is. */
static bool server_drain(struct server *s, int64_t timeout_ms)
{
    int64_t now = (int64_t)clock_mono_ms();
    int64_t until = now + timeout_ms;
    int64_t progress_ms = now;
    uint64_t sent = 0;
    for (int quiet = 0; quiet < 3;) {
        quiet = server_is_quiet(s) ? quiet + 1 : 0;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        struct world_counters counters;
        server_counters(&counters);
        now = (int64_t)clock_mono_ms();
        if (quiet > 0 || counters.net_out != sent || counter_read(&s->log_card.sync_pending) != 0)
            progress_ms = now;
        sent = counters.net_out;
        if (now > until || now - progress_ms > SERVER_STALL_MS) return false;
    }
    return true;
}

bool server_close(struct server *s, int64_t timeout_ms)
{
    struct accept_listeners none = {.count = 0};
    server_order_listeners(s, &none);
    for (int i = 0; i < s->parser_count; i++) parse_stop_reading(s->parsers[i]);
    bool drained = server_drain(s, timeout_ms);
    server_stop_threads(s);
    metrics_close(s->metrics);
    listen_remove_files();
    server_close_rooms(s);
    server_close_rings(s);
    close(s->events_fd);
    free(s);
    the_server = NULL;
    return drained;
}
