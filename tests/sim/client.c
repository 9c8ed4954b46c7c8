/*
 * Clients. Each has keys of its own, so the model of one client in one order tells every answer but
 * those that depend on others: numbers of a shared counter, which must be new to everybody and grow
 * for each, of kills, and the values of shared lists (lists.c). Two counters that transactions
 * raise together never differ, and who watches a text that grows never overwrites what another
 * added. Values carry the client's number and a nonce, so an answer that went to a wrong client is
 * never right by chance.
 *
 * When all are done, one more client, the sweeper, pops what is left in the shared lists. Another,
 * the witness, listens to the shared channel (news.c) from before they come until they are gone.
 * Some of the others listen too, in RESP3, between their answers.
 */
#include "sim/client.h"

#include "base/bytes.h"
#include "base/must.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAKE_MAX = 65536 };

struct clients_shared clients_shared;
static struct client clients[CLIENTS + 2]; /* the sweeper and the witness come after the last */
static int client_count;
static struct client *witness; /* the last of them */
static bool counter_taken[COUNTER_MAX], pair_taken[COUNTER_MAX], length_taken[COUNTER_MAX];

/* ---- Answers ---- */

static void client_fail(const struct client *c, const char *what)
{
    const struct answer *a = &c->answers[c->first % ANSWERS];
    int wanted = c->first == c->last ? 0 : a->len < 120 ? (int)a->len : 120;
    int got = c->rx.len < 120 ? (int)c->rx.len : 120;
    sim_fail("client %d: %s; answer %u, wanted (kind %d) '%.*s', got '%.*s'", c->number, what,
             c->first, (int)a->kind, wanted, a->bytes == NULL ? "" : a->bytes, got, c->rx.data);
}

static bool client_awaits(const struct client *c, enum answer_kind kind)
{
    for (unsigned i = c->first; i != c->last; i++)
        if (c->answers[i % ANSWERS].kind == kind) return true;
    return false;
}

/* True when this client may be cut off at any time. Who waits in a blocking command is so as soon
 * as it says that no more comes. */
static bool client_may_die(const struct client *c)
{
    bool waits = c->waits_unseen || client_awaits(c, ANSWER_POP) || client_awaits(c, ANSWER_MOVE);
    if (c->finished && waits) return true;
    return sim_choices.kills || sim_choices.limits || (sim_choices.pauses && c->finished) ||
           (sim_choices.scarce && c->first == 0); /* refused, with or without a word */
}

/* The number of the line at the start of rx; false when it is not whole. */
static bool client_number(struct client *c, uint64_t *n, size_t *len)
{
    const char *end = memchr(c->rx.data, '\n', c->rx.len);
    if (end == NULL) return false;
    *len = (size_t)(end + 1 - c->rx.data);
    if (c->rx.data[0] != ':') client_fail(c, "no number");
    *n = strtoull(c->rx.data + 1, NULL, 10);
    return true;
}

static bool client_is_refusal(struct client *c)
{
    static const char text[] = "-ERR max number of clients reached\r\n";
    size_t len = c->rx.len < sizeof(text) - 1 ? c->rx.len : sizeof(text) - 1;
    if (!sim_choices.scarce || c->first != 0 || memcmp(c->rx.data, text, len) != 0) return false;
    if (len == sizeof(text) - 1) c->refused = true;
    return true;
}

/* The bulk at *at; false when it is not whole. */
static bool client_bulk(struct client *c, size_t *at, struct bytes *bulk)
{
    const char *start = c->rx.data + *at, *end = memchr(start, '\n', c->rx.len - *at);
    if (end == NULL) return false;
    if (*start != '$') client_fail(c, "no bulk");
    size_t head = (size_t)(end + 1 - start), len = strtoul(start + 1, NULL, 10);
    if (c->rx.len - *at < head + len + 2) return false;
    *bulk = bytes_make(end + 1, len);
    *at += head + len + 2;
    return true;
}

/* The number of a value of a shared list: "number." and the number again and again. */
static int client_value(const struct client *c, struct bytes value)
{
    char own[16];
    int number = (int)strtol(value.ptr, NULL, 10);
    int len = snprintf(own, sizeof(own), "%d.", number);
    if (value.len < (size_t)len || memcmp(value.ptr, own, (size_t)len) != 0)
        client_fail(c, "no value of a shared list");
    for (size_t i = (size_t)len; i < value.len; i++)
        if (value.ptr[i] != own[(i - (size_t)len) % ((size_t)len - 1)])
            client_fail(c, "a broken value of a shared list");
    return number;
}

/* An answer to a command that may wait; false when it is not whole. */
static bool client_waited(struct client *c, const struct answer *a, size_t *len)
{
    static const char error[] = "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n";
    struct bytes key, value;
    const char *end = memchr(c->rx.data, '\n', c->rx.len);
    if (end == NULL) return false;
    struct bytes line = bytes_make(c->rx.data, (size_t)(end + 1 - c->rx.data));
    *len = line.len;
    if (bytes_equal(line, bytes_of(c->listens ? "_\r\n" : "*-1\r\n"))) {
        lists_timed_out(&a->pop);
        clients_shared.swept += c->sweeps;
        return true;
    }
    if (sim_choices.unblocks && bytes_equal(line, bytes_of(error))) return true;
    if (a->kind == ANSWER_MOVE) {
        *len = 0;
        if (!client_bulk(c, len, &value)) return false;
        lists_moved(client_value(c, value));
        return true;
    }
    if (!bytes_equal(line, bytes_of("*2\r\n"))) client_fail(c, "no popped value");
    if (!client_bulk(c, len, &key) || !client_bulk(c, len, &value)) return false;
    lists_popped(&a->pop, c->number, key.ptr[key.len - 1] - '0', client_value(c, value));
    return true;
}

/* An answer that begins with a number; false when it is not whole. */
static bool client_counted(struct client *c, const struct answer *a, size_t *len)
{
    uint64_t n;
    if (!client_number(c, &n, len)) return false;
    if (a->kind == ANSWER_NUMBER && n > 1) client_fail(c, "reached more than one");
    if (a->kind == ANSWER_PUSH && n < (uint64_t)a->count) client_fail(c, "pushed too little");
    for (int i = 0; i < a->count; i++) lists_pushed(a->value + i);
    if (a->kind == ANSWER_WATCHED) {
        c->watched_len = n;
        c->watches = WATCHES;
    }
    if (a->kind == ANSWER_RECEIVERS) {
        if (n > CLIENTS + 1) client_fail(c, "more receivers than clients");
        news_answered(c->number, a->value);
        if (c->is_subscribed) c->own_message = a->value;
    }
    if (a->kind == ANSWER_COUNTER) {
        if (n <= c->counter_seen || n > clients_shared.counter_sent || counter_taken[n])
            client_fail(c, "the shared counter went wrong");
        counter_taken[n] = true;
        c->counter_seen = n;
    }
    return true;
}

/* The number is new to everybody, and one of those that were asked for. */
static void client_check_new(const struct client *c, bool *taken, uint64_t n, uint64_t sent)
{
    if (n > sent || taken[n]) client_fail(c, "a transaction went wrong");
    taken[n] = true;
}

/* What EXEC answered; false when it is not whole. */
static bool client_executed(struct client *c, const struct answer *a, size_t *len)
{
    unsigned long long x = 0, y = 0;
    int lines = 0, wanted = a->kind == ANSWER_PAIR ? 3 : 2;
    const char *null = c->listens ? "_\r\n" : "*-1\r\n";
    for (*len = 0; *len < c->rx.len && lines < wanted; (*len)++) {
        lines += c->rx.data[*len] == '\n';
        if (lines == 1 && memcmp(c->rx.data, null, strlen(null)) == 0) wanted = 1;
    }
    if (lines < wanted) return false;
    char text[64];
    if (*len >= sizeof(text)) client_fail(c, "no answer of EXEC");
    memcpy(text, c->rx.data, *len);
    text[*len] = '\0';
    if (a->kind == ANSWER_PAIR) {
        bool two = sscanf(text, "*2\r\n:%llu\r\n:%llu", &x, &y) == 2;
        if (!two || x != y || x <= c->pair_seen) client_fail(c, "a transaction was cut");
        client_check_new(c, pair_taken, x, clients_shared.pairs_sent);
        c->pair_seen = x;
    } else if (wanted == 2) {
        if (sscanf(text, "*1\r\n:%llu", &x) != 1 || x != c->watched_len + 1)
            client_fail(c, "a change was not seen by WATCH");
        client_check_new(c, length_taken, x, clients_shared.raises_sent);
    }
    return true;
}

static bool client_has(const struct client *c, const char *data, size_t len)
{
    size_t least = c->rx.len < len ? c->rx.len : len;
    return memcmp(c->rx.data, data, least) == 0;
}

/* The length of the line that is answered instead of what was awaited, 0: what was awaited is
 * answered, or something wrong. */
static size_t client_other_line(struct client *c, const struct answer *a, const char *end)
{
    static const char *const others[] = {
        [ANSWER_SCRIPT] = "-ERR", [ANSWER_EXEC] = "-EXECABORT", [ANSWER_KILL] = "-NOTBUSY"};
    static const char busy[] = "-BUSY Redis is busy running a script. ";
    const char *other = a->kind >= ANSWER_SCRIPT ? others[a->kind] : busy;
    size_t len = (size_t)(end + 1 - c->rx.data);
    bool is = client_has(c, busy, sizeof(busy) - 1) || client_has(c, other, strlen(other));
    return is ? len : 0;
}

/* The n next answers will not come. */
static void client_drop_answers(struct client *c, int n)
{
    for (; n > 0; n--) free(c->answers[c->first++ % ANSWERS].bytes);
}

/* A message off the front; false when more bytes are needed. */
static bool client_hear(struct client *c)
{
    size_t len;
    int own;
    enum news_kind kind = news_take(c->number, &c->rx, &len, &own);
    if (kind == NEWS_PART) return false;
    if (kind == NEWS_BEGIN) c->is_subscribed = true;
    if (kind == NEWS_END) c->is_subscribed = false;
    if (c->own_message >= 0 && own != c->own_message)
        client_fail(c, "its own message does not follow the answer");
    c->own_message = -1;
    text_drop(&c->rx, len);
    return c->rx.len > 0;
}

/* One answer off the front; false when more bytes are needed. */
static bool client_match(struct client *c)
{
    if (c->listens && c->rx.data[0] == (c->is_witness ? '*' : '>')) return client_hear(c);
    if (c->own_message >= 0) client_fail(c, "its own message does not follow the answer");
    struct answer *a = &c->answers[c->first % ANSWERS];
    size_t len = a->len;
    if (client_is_refusal(c)) return false;
    if (c->first == c->last) client_fail(c, "bytes that nobody asked for");
    if (sim_choices.scripts && c->rx.data[0] == '-') {
        const char *end = memchr(c->rx.data, '\n', c->rx.len);
        size_t other = end == NULL ? 0 : client_other_line(c, a, end);
        if (other == 0 && end == NULL) return false;
        text_drop(&c->rx, other);
        if (other != 0) client_drop_answers(c, 1 + a->count);
        if (other != 0) return c->rx.len > 0;
    }
    if (a->kind == ANSWER_BYTES || a->kind >= ANSWER_SCRIPT) {
        if (!client_has(c, a->bytes, a->len)) client_fail(c, "a wrong answer");
        if (c->rx.len < a->len) return false;
    } else if (a->kind == ANSWER_POP || a->kind == ANSWER_MOVE) {
        if (!client_waited(c, a, &len)) return false;
    } else if (a->kind == ANSWER_PAIR || a->kind == ANSWER_RAISED) {
        if (!client_executed(c, a, &len)) return false;
    } else {
        if (!client_counted(c, a, &len)) return false;
    }
    text_drop(&c->rx, len);
    free(a->bytes);
    a->bytes = NULL;
    c->first++;
    return c->rx.len > 0;
}

static void client_read(struct client *c)
{
    static char buf[TAKE_MAX];
    size_t max = sim_chance(2) ? sizeof(buf) : sim_some(sizeof(buf));
    size_t n = kernel_take(c->socket, buf, max);
    sim_note("client reads", (uint64_t)c->number, n);
    text_add(&c->rx, buf, n);
    while (n > 0 && client_match(c)) {}
}

/* The server's end was seen. */
static void client_ended(struct client *c)
{
    bool whole = c->first == c->last || c->abort_at == 0;
    if (!whole && !client_may_die(c)) client_fail(c, "cut off before its answers came");
    if (!c->ends && !c->finished && c->abort_at != 0 && !client_may_die(c))
        client_fail(c, "cut off for no reason");
    if (!c->finished) kernel_finish(c->socket);
    c->finished = true;
    sim_note("client ended", (uint64_t)c->number, c->first);
    if (kernel_is_closed(c->socket)) c->state = CLIENT_DONE;
}

/* ---- What a client may do now ---- */

static bool clients_are_done_but(const struct client *last)
{
    for (const struct client *c = clients; c < last; c++)
        if (c->state != CLIENT_DONE) return false;
    return true;
}

static bool client_wants_to_send(const struct client *c)
{
    if (c->is_witness && !clients_are_done_but(witness)) return false;
    return c->commands_left > 0 && !c->finished && !c->refused &&
           c->last - c->first < (unsigned)c->window;
}

static bool client_wants_to_finish(const struct client *c)
{
    return c->commands_left == 0 && !c->finished && !c->ends &&
           (c->half_closes || c->first == c->last);
}

static bool client_act(struct client *c)
{
    if (c->state == CLIENT_NEW) {
        c->socket = kernel_connect(sim_chance(3) ? 100 : sim_chance(2) ? 4000 : 100000);
        c->state = CLIENT_OPEN;
        sim_note("client connects", (uint64_t)c->number, 0);
        if (c->listens) client_listen(c);
        return true;
    }
    if (c->state == CLIENT_DONE) return false;
    bool tries = sim_chance(2);
    if (kernel_can_take(c->socket) > 0 && (!tries || sim_chance((uint64_t)c->lazy))) {
        client_read(c);
    } else if (kernel_can_deliver(c->socket) && tries) {
        kernel_deliver(c->socket);
    } else if (client_wants_to_send(c)) {
        client_send(c);
        if (c->commands_left > c->abort_at) return true;
        sim_note("client aborts", (uint64_t)c->number, 0);
        c->abort_at = 0;
        c->commands_left = 0;
        c->finished = true;
        kernel_abort(c->socket);
    } else if (kernel_has_ended(c->socket) && (!c->finished || kernel_is_closed(c->socket))) {
        client_ended(c);
    } else if (client_wants_to_finish(c)) {
        c->finished = true;
        kernel_finish(c->socket);
        sim_note("client finishes", (uint64_t)c->number, 0);
    } else {
        if (kernel_can_deliver(c->socket)) kernel_deliver(c->socket);
        return kernel_can_deliver(c->socket) || kernel_can_take(c->socket) > 0;
    }
    return true;
}

static bool client_steps(struct client *c)
{
    if (!client_act(c)) return false;
    sim_progress();
    return true;
}

bool clients_step(void)
{
    int from = (int)sim_below((uint64_t)client_count);
    bool is_alone = !witness->is_subscribed && witness->state != CLIENT_DONE;
    if ((is_alone || sim_chance(3)) && client_steps(witness)) return true;
    if (is_alone && !clients_are_done_but(witness)) return false;
    for (int i = 0; i < client_count; i++) {
        if (client_steps(&clients[(from + i) % client_count])) return true;
    }
    struct client *sweeper = &clients[client_count];
    if (clients_are_done_but(sweeper) && client_steps(sweeper)) return true;
    return client_steps(witness);
}

bool clients_are_done(void) { return clients_are_done_but(witness + 1); }

void clients_check_end(void)
{
    news_check_end();
    for (int i = 0; i <= client_count; i++) {
        const struct client *c = &clients[i];
        for (unsigned a = c->first; a != c->last; a++)
            if (c->answers[a % ANSWERS].kind == ANSWER_POP) lists_lost();
    }
    if (clients_shared.swept == LISTS) lists_check_end();
}

void clients_print(void)
{
    for (int i = 0; i <= client_count + 1; i++) {
        const struct client *c = &clients[i];
        if (c->state == CLIENT_DONE) continue;
        printf("client %d: state %d, %u of %u answers, %d commands left%s%s\n", i, (int)c->state,
               c->first, c->last, c->commands_left, c->finished ? ", finished" : "",
               c->ends ? ", awaits the end" : "");
    }
}

void clients_open(void)
{
    static const int windows[] = {1, 2, 8, 100};
    memset(clients, 0, sizeof(clients));
    memset(counter_taken, 0, sizeof(counter_taken));
    memset(pair_taken, 0, sizeof(pair_taken));
    memset(length_taken, 0, sizeof(length_taken));
    clients_shared = (struct clients_shared){0};
    lists_open();
    client_count = 1 + (int)sim_below(CLIENTS);
    for (int i = 0; i < client_count; i++) {
        struct client *c = &clients[i];
        c->number = i;
        c->commands_left = (int)sim_some(100);
        c->abort_at = sim_chance(8) ? (int)sim_below((uint64_t)c->commands_left) + 1 : -1;
        c->window = windows[sim_below(4)];
        c->lazy = sim_chance(4) ? 50 : 2;
        c->half_closes = sim_chance(3);
        c->listens = !sim_choices.scripts && sim_chance(3);
        c->own_message = -1;
    }
    clients[client_count] = (struct client){
        .number = client_count,
        .commands_left = 1,
        .abort_at = -1,
        .window = 1,
        .lazy = 1,
        .sweeps = true,
        .own_message = -1,
    };
    witness = &clients[client_count + 1];
    *witness = (struct client){
        .number = client_count + 1,
        .state = sim_choices.scripts ? CLIENT_DONE : CLIENT_NEW,
        .commands_left = 1,
        .abort_at = -1,
        .window = 1,
        .lazy = sim_chance(2) ? 50 : 1,
        .listens = true,
        .is_witness = true,
        .own_message = -1,
    };
    news_open(witness->number);
}

void clients_close(void)
{
    for (int i = 0; i <= client_count + 1; i++) {
        struct client *c = &clients[i];
        text_free(&c->rx);
        for (int k = 0; k < KEYS; k++) text_free(&c->values[k]);
        for (; c->first != c->last; c->first++) free(c->answers[c->first % ANSWERS].bytes);
    }
}
