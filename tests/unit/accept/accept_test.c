/* Accept's turn with a real listener; the test is parsers and writers. */
#include "unit/backends.h"
#include "unit/solo.h"

#include "accept/accept.h"

#include <arpa/inet.h>
#include <sys/resource.h>

enum { LISTENERS = 2, DIALLED = 32 };

static struct {
    struct accept_stage *a;
    struct handoff seeds[2], freed[2], orders;
    struct sockaddr_in at[LISTENERS];
    int listeners[LISTENERS], dialled[DIALLED];
    int dialled_count;
} fx;

static int listen_here(struct sockaddr_in *at)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(*at);
    assert_int_equal(bind(fd, (struct sockaddr *)at, len), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)at, &len), 0);
    return fd;
}

/* From now on these listen: the first `count` from `first` on. */
static void order(int first, int count)
{
    struct accept_listeners *l = calloc(1, sizeof(*l));
    for (int i = 0; i < count; i++) l->list[i].fd = fx.listeners[first + i];
    l->count = count;
    handoff_push(&fx.orders, (uint64_t)(uintptr_t)l);
    stage_call_home(accept_stage(fx.a));
    solo_settle();
}

static int fixture_open(void **state)
{
    enum poller_kind kind = *(enum poller_kind *)*state;
    memset(&fx, 0, sizeof(fx));
    if (kind == POLLER_URING && !poller_has_uring()) return 0;
    solo_open(kind);
    struct accept_wiring w = {
        .parser_count = 2, .writer_count = 2, .orders = &fx.orders, .slots_max = SOLO_SLOTS};
    handoff_open(&fx.orders, 8);
    for (int i = 0; i < 2; i++) {
        handoff_open(&fx.seeds[i], SOLO_SLOTS);
        handoff_open(&fx.freed[i], SOLO_SLOTS);
        w.parsers[i] = &solo.neighbour;
        w.seeds[i] = &fx.seeds[i];
        w.freed[i] = &fx.freed[i];
    }
    fx.a = accept_open(&w);
    solo_adopt(accept_stage(fx.a));
    for (int i = 0; i < LISTENERS; i++) fx.listeners[i] = listen_here(&fx.at[i]);
    order(0, 1);
    return 0;
}

static int fixture_close(void **state)
{
    (void)state;
    if (fx.a == NULL) return 0;
    accept_close(fx.a);
    solo_close();
    for (int i = 0; i < fx.dialled_count; i++) close(fx.dialled[i]);
    for (int i = 0; i < LISTENERS; i++)
        if (!solo_is_closed(fx.listeners[i])) close(fx.listeners[i]);
    for (int i = 0; i < 2; i++) {
        handoff_close(&fx.seeds[i]);
        handoff_close(&fx.freed[i]);
    }
    handoff_close(&fx.orders);
    return 0;
}

#define NEEDS_BACKEND NEEDS_BACKEND_OF(fx.a)

static int dial_with(int fd, int listener)
{
    struct sockaddr *at = (struct sockaddr *)&fx.at[listener];
    int rc = connect(fd, at, sizeof(fx.at[listener]));
    fx.dialled[fx.dialled_count++] = fd;
    return rc == 0 ? fd : -1;
}

static int dial(int listener) { return dial_with(socket(AF_INET, SOCK_STREAM, 0), listener); }

/* The next connection of that parser, NULL when none comes. */
static struct conn_card *next(int parser)
{
    uint64_t slot = 0;
    for (int i = 0; i < 200 && handoff_depth(&fx.seeds[parser]) == 0; i++)
        thread_round(&solo.thread, SOLO_MS);
    return handoff_pop(&fx.seeds[parser], &slot) ? conn_card((uint32_t)slot) : NULL;
}

static void end(struct conn_card *card)
{
    close(card->ref.fd);
    handoff_push(&fx.freed[card->writer], card->ref.slot);
}

static void expect_line(int fd, const char *text)
{
    char line[512] = "";
    struct timeval tv = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    assert_int_equal(recv(fd, line, strlen(text), MSG_WAITALL), strlen(text));
    assert_string_equal(line, text);
    assert_int_equal(recv(fd, line, 1, 0), 0);
}

static void connections_take_turns_among_parsers(void **state)
{
    NEEDS_BACKEND;
    for (int i = 0; i < 6; i++) dial(0);
    uint64_t last_id = 0;
    for (int i = 0; i < 6; i++) {
        struct conn_card *card = next(i % 2);
        assert_non_null(card);
        assert_int_equal(card->parser, i % 2);
        assert_int_equal(card->writer, i % 2);
        assert_true(card->id > last_id);
        last_id = card->id;
        char peer[64], local[64];
        struct sockaddr_in from;
        socklen_t len = sizeof(from);
        getsockname(fx.dialled[i], (struct sockaddr *)&from, &len);
        conn_print_peer(card, "", peer, sizeof(peer));
        conn_print_local(card, "", local, sizeof(local));
        assert_int_equal(atoi(strchr(peer, ':') + 1), ntohs(from.sin_port));
        assert_int_equal(atoi(strchr(local, ':') + 1), ntohs(fx.at[0].sin_port));
        assert_true(card->is_local && card->authenticated && !card->is_unix);
        assert_true(fcntl(card->ref.fd, F_GETFL) & O_NONBLOCK);
        end(card);
    }
    assert_int_equal(accept_connections_total(fx.a), 6);
    assert_true(solo.gives > 0);
}

static void a_slot_is_used_again_as_another_generation(void **state)
{
    NEEDS_BACKEND;
    dial(0);
    struct conn_ref first = next(0)->ref;
    end(conn_card(first.slot));
    dial(0);
    struct conn_card *card = next(1);
    assert_int_equal(card->ref.slot, first.slot);
    assert_int_equal(card->ref.gen, first.gen + 1);
    end(card);
}

static void one_client_too_many_is_told_so(void **state)
{
    NEEDS_BACKEND;
    solo_set("maxclients", "2");
    dial(0);
    dial(0);
    struct conn_card *a = next(0), *b = next(1);
    int third = dial(0);
    SOLO_UNTIL(accept_connections_rejected(fx.a) == 1); /* after a second look */
    expect_line(third, "-ERR max number of clients reached\r\n");
    assert_int_equal(accept_connections_rejected(fx.a), 1);
    end(a);
    dial(0);
    struct conn_card *c = next(0);
    assert_non_null(c);
    assert_int_equal(accept_connections_now(fx.a), 2);
    end(b);
    end(c);
}

static void with_a_password_nobody_begins_as_known(void **state)
{
    NEEDS_BACKEND;
    conn_set_open(false);
    dial(0);
    struct conn_card *card = next(0);
    conn_set_open(true);
    assert_false(card->authenticated);
    end(card);
}

static void new_listeners_take_the_place_of_the_old(void **state)
{
    NEEDS_BACKEND;
    dial(1); /* waits in the backlog of one that is not watched yet */
    solo_settle();
    assert_int_equal(accept_connections_total(fx.a), 0);
    order(0, 2);
    struct conn_card *card = next(0);
    assert_non_null(card);
    end(card);
    order(1, 1);
    assert_true(solo_is_closed(fx.listeners[0]));
    assert_false(solo_is_closed(fx.listeners[1]));
    assert_int_equal(dial(0), -1);
    dial(1);
    card = next(1);
    assert_non_null(card);
    end(card);
    order(0, 0);
    assert_true(solo_is_closed(fx.listeners[1]));
}

/* As many connections as one turn takes, and more: all come in. */
static void a_storm_is_taken_in_whole(void **state)
{
    NEEDS_BACKEND;
    for (int round = 0; round < 12; round++) {
        for (int i = 0; i < 30; i++) dial(0);
        for (int i = 0; i < 30; i++) {
            struct conn_card *card = next(i % 2);
            assert_non_null(card);
            end(card);
        }
        while (fx.dialled_count > 0) close(fx.dialled[--fx.dialled_count]);
    }
    assert_int_equal(accept_connections_total(fx.a), 360);
}

/* The lowest limit at which no descriptor is free. */
static void forbid_descriptors(const struct rlimit *was)
{
    int lowest = dup(0);
    close(lowest);
    struct rlimit none = {.rlim_cur = (rlim_t)lowest, .rlim_max = was->rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static void out_of_descriptors_it_refuses_and_rests(void **state)
{
    NEEDS_BACKEND;
    struct rlimit was;
    getrlimit(RLIMIT_NOFILE, &was);
    int sockets[3];
    for (int i = 0; i < 3; i++) sockets[i] = socket(AF_INET, SOCK_STREAM, 0);
    forbid_descriptors(&was);
    for (int i = 0; i < 3; i++) dial_with(sockets[i], 0);
    solo_settle();
    uint64_t rejected = accept_connections_rejected(fx.a), total = accept_connections_total(fx.a);
    uint64_t due = accept_stage(fx.a)->due_ns;
    setrlimit(RLIMIT_NOFILE, &was);
    assert_int_equal(rejected, 1);
    assert_int_equal(total, 0);
    assert_true(due != UINT64_MAX);
    expect_line(sockets[0], "-ERR max number of clients reached\r\n");
    for (int i = 0; i < 2; i++) {
        struct conn_card *card = next(i);
        assert_non_null(card);
        assert_true(clock_mono_ns() >= due);
        end(card);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(connections_take_turns_among_parsers),
        BOTH(a_slot_is_used_again_as_another_generation),
        BOTH(one_client_too_many_is_told_so),
        BOTH(with_a_password_nobody_begins_as_known),
        BOTH(new_listeners_take_the_place_of_the_old),
        BOTH(a_storm_is_taken_in_whole),
        BOTH(out_of_descriptors_it_refuses_and_rests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
