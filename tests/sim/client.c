/*
 * Clients. Each has keys of its own, so the model of one client in one order tells every answer but
 * those that depend on others: numbers of a shared counter, which must be new to everybody and grow
 * for each, of kills, and the values of shared lists (lists.c). Values carry the client's number
 * and a nonce, so an answer that went to a wrong client is never right by chance.
 *
 * When all are done, one more client, the sweeper, pops what is left in the shared lists. Another,
 * the witness, listens to the shared channel (news.c) from before they come until they are gone.
 * Some of the others listen too, in RESP3, between their answers.
 */
#include "sim/sim.h"

#include "base/bytes.h"
#include "base/must.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 16, KEYS = 3, ANSWERS = 256, COUNTER_MAX = 4096, TAKE_MAX = 65536 };

enum answer_kind {
    ANSWER_BYTES,
    ANSWER_COUNTER,
    ANSWER_NUMBER,
    ANSWER_PUSH, /* of `count` values from `value` on */
    ANSWER_POP,
    ANSWER_MOVE,
    ANSWER_RECEIVERS, /* of message number `value` */
};

struct answer {
    enum answer_kind kind;
    char *bytes;
    size_t len;
    int value, count;
    struct list_pop pop;
};

enum client_state { CLIENT_NEW, CLIENT_OPEN, CLIENT_DONE };

struct client {
    int number;
    enum client_state state;
    struct sim_socket *socket;
    int commands_left, abort_at; /* resets the connection when so many are left; -1: never */
    int window, lazy;            /* answers awaited at most; reads once in so many times */
    bool half_closes;            /* says that no more comes while answers are due */
    bool silent, skips;          /* CLIENT REPLY OFF, SKIP */
    bool waits_unseen;           /* was silent when it sent what waits */
    bool ends;                   /* the server is to end the connection */
    bool finished, refused;
    bool listens;                   /* to the shared channel */
    bool is_subscribed;             /* and was told so */
    int own_message;                /* comes before any other answer; -1: none */
    struct answer answers[ANSWERS]; /* a ring */
    unsigned first, last;
    struct text rx;
    uint64_t nonce, counter_seen;
    int64_t number_value;
    struct text values[KEYS];
    bool has[KEYS];
};

static struct client clients[CLIENTS + 2]; /* the sweeper and the witness come after the last */
static int client_count;
static struct client *witness(void) { return &clients[client_count + 1]; }
static int swept; /* shared lists that the sweeper found empty */
static bool counter_taken[COUNTER_MAX];
static uint64_t counter_sent;

/* ---- Sending ---- */

/* Takes the bytes. With replies off, none is awaited. */
static void await_answer(struct client *c, struct answer a)
{
    bool none = c->silent || c->skips;
    c->skips = false;
    if (none) {
        if (a.kind == ANSWER_POP) lists_lost();
        free(a.bytes);
        return;
    }
    must(c->last - c->first < ANSWERS);
    c->answers[c->last++ % ANSWERS] = a;
}

static void await(struct client *c, enum answer_kind kind, struct text *bytes)
{
    await_answer(c, (struct answer){.kind = kind, .bytes = bytes->data, .len = bytes->len});
    *bytes = (struct text){0};
}

static void await_text(struct client *c, const char *text)
{
    struct text t = {0};
    text_add(&t, text, strlen(text));
    await(c, ANSWER_BYTES, &t);
}

static void await_int(struct client *c, int64_t n)
{
    struct text t = {0};
    text_print(&t, ":%" PRId64 "\r\n", n);
    await(c, ANSWER_BYTES, &t);
}

static void await_bulk(struct client *c, const char *data, size_t len)
{
    struct text t = {0};
    text_bulk(&t, data, len);
    await(c, ANSWER_BYTES, &t);
}

static void await_null(struct client *c) { await_text(c, c->listens ? "_\r\n" : "$-1\r\n"); }

/* Words separated by blanks; '@' is the client's own key number `key`, '%' the value. */
static void send_words(struct client *c, const char *words, int key, const struct text *value)
{
    struct text t = {0};
    int count = 1;
    if (sim_verbose) printf("client %d: %s\n", c->number, words);
    for (const char *p = words; *p != '\0'; p++) count += *p == ' ';
    text_print(&t, "*%d\r\n", count);
    for (const char *p = words; count > 0; count--) {
        size_t len = strcspn(p, " ");
        char own[32];
        int own_len = snprintf(own, sizeof(own), "client:%d:%d", c->number, key);
        if (*p == '@')
            text_bulk(&t, own, (size_t)own_len);
        else if (*p == '%')
            text_bulk(&t, value->data, value->len);
        else
            text_bulk(&t, p, len);
        p += len + 1;
    }
    kernel_put(c->socket, t.data, t.len);
    text_free(&t);
}

/* "number.nonce." and, for longer ones, a pattern. */
static struct text new_value(struct client *c, size_t len)
{
    struct text t = {0};
    text_print(&t, "%d.%" PRIu64 ".", c->number, c->nonce++);
    while (t.len < len) text_print(&t, "%c%zu", (int)('a' + c->number), t.len);
    return t;
}

static size_t value_len(void)
{
    if (sim_choices.medium) return sim_below(30000);
    return sim_chance(25) ? sim_below(100000) : sim_below(40);
}

static void send_set(struct client *c, int key)
{
    struct text value = new_value(c, value_len());
    send_words(c, "SET @ %", key, &value);
    text_free(&c->values[key]);
    c->values[key] = value;
    c->has[key] = true;
    await_text(c, "+OK\r\n");
}

/* Several big ones with heads of one length: the server guesses where the next one begins. */
static void send_row(struct client *c, int key)
{
    for (uint64_t n = 1 + sim_below(5); n > 0 && c->last - c->first < (unsigned)c->window; n--) {
        struct text value = new_value(c, 33000 + sim_below(4000) * sim_below(2));
        send_words(c, "SET @ %", key, &value);
        text_free(&c->values[key]);
        c->values[key] = value;
        c->has[key] = true;
        await_text(c, "+OK\r\n");
    }
}

static void send_get(struct client *c, int key)
{
    send_words(c, "GET @", key, NULL);
    if (c->has[key])
        await_bulk(c, c->values[key].data, c->values[key].len);
    else
        await_null(c);
}

static void send_mget(struct client *c, int key)
{
    struct text t = {0};
    send_words(c, "MGET @ nobody:has:this @", key, NULL);
    text_print(&t, "*3\r\n");
    for (int i = 0; i < 3; i++) {
        if (i != 1 && c->has[key])
            text_bulk(&t, c->values[key].data, c->values[key].len);
        else
            text_print(&t, c->listens ? "_\r\n" : "$-1\r\n");
    }
    await(c, ANSWER_BYTES, &t);
}

static void send_append(struct client *c, int key)
{
    struct text value = new_value(c, sim_below(30));
    send_words(c, "APPEND @ %", key, &value);
    text_add(&c->values[key], value.data, value.len);
    c->has[key] = true;
    await_int(c, (int64_t)c->values[key].len);
    text_free(&value);
}

static void send_del(struct client *c, int key)
{
    send_words(c, sim_chance(2) ? "DEL @" : "UNLINK @", key, NULL);
    await_int(c, c->has[key]);
    text_free(&c->values[key]);
    c->has[key] = false;
}

/* What the answer to an earlier GET may still be reading. */
static void send_edit(struct client *c, int key)
{
    struct text part = new_value(c, sim_chance(4) ? value_len() : 0);
    struct text *value = &c->values[key];
    send_words(c, "SETRANGE @ 0 %", key, &part);
    if (value->len > part.len) text_add(&part, value->data + part.len, value->len - part.len);
    text_free(value);
    *value = part;
    c->has[key] = true;
    await_int(c, (int64_t)value->len);
}

static void send_swap(struct client *c, int key)
{
    struct text value = {0};
    bool deletes = sim_chance(2);
    if (!deletes) value = new_value(c, value_len());
    send_words(c, deletes ? "GETDEL @" : "GETSET @ %", key, &value);
    if (c->has[key])
        await_bulk(c, c->values[key].data, c->values[key].len);
    else
        await_null(c);
    text_free(&c->values[key]);
    c->values[key] = value;
    c->has[key] = !deletes;
}

/* One of them replaces the other within the command. */
static void send_twice(struct client *c, int key)
{
    struct text value = new_value(c, value_len());
    send_words(c, "MSET @ % @ %", key, &value);
    text_free(&c->values[key]);
    c->values[key] = value;
    c->has[key] = true;
    await_text(c, "+OK\r\n");
}

static void send_part(struct client *c, int key)
{
    size_t from = sim_below(50), len = c->values[key].len > from ? c->values[key].len - from : 0;
    char words[64];
    snprintf(words, sizeof(words), "GETRANGE @ %zu -1", from);
    send_words(c, words, key, NULL);
    await_bulk(c, len == 0 ? "" : c->values[key].data + from, len);
}

static void send_length(struct client *c, int key)
{
    send_words(c, "STRLEN @", key, NULL);
    await_int(c, c->has[key] ? (int64_t)c->values[key].len : 0);
}

static void send_incr(struct client *c, int key)
{
    (void)key;
    send_words(c, "INCR @", KEYS, NULL);
    await_int(c, ++c->number_value);
}

static void send_shared(struct client *c, int key)
{
    (void)key;
    if (counter_sent + 1 >= COUNTER_MAX) return;
    struct text none = {0};
    counter_sent++;
    send_words(c, "INCR shared:counter", 0, NULL);
    await(c, ANSWER_COUNTER, &none);
}

static void send_echo(struct client *c, int key)
{
    struct text value = new_value(c, value_len());
    send_words(c, key == 0 ? "PING %" : "ECHO %", 0, &value);
    await_bulk(c, value.data, value.len);
    text_free(&value);
}

static void send_inline(struct client *c, int key)
{
    static const char *const nothing[] = {"\r\n", "\n", "*0\r\n", "*-1\r\n", "  \r\n"};
    for (uint64_t n = sim_below(4); n > 0; n--) {
        const char *line = nothing[sim_below(5)];
        kernel_put(c->socket, line, strlen(line));
    }
    if (key == 0) return;
    kernel_put(c->socket, "ping\r\n", 6);
    await_text(c, "+PONG\r\n");
}

/* Some hundreds of commands that answer nothing and fill chunks: empty lines. */
static void send_nothing(struct client *c, int key)
{
    (void)key;
    static char lines[8192];
    memset(lines, '\n', sizeof(lines));
    for (uint64_t n = sim_below(12); n > 0; n--) kernel_put(c->socket, lines, sizeof(lines));
}

static void send_mistake(struct client *c, int key)
{
    if (key == 0) {
        send_words(c, "GET", 0, NULL);
        await_text(c, "-ERR wrong number of arguments for 'get' command\r\n");
        return;
    }
    struct text value = new_value(c, 0), t = {0};
    send_words(c, "NOSUCH %", 0, &value);
    text_print(&t, "-ERR unknown command 'NOSUCH', with args beginning with: '%.*s' \r\n",
               (int)value.len, value.data);
    await(c, ANSWER_BYTES, &t);
    text_free(&value);
}

static void send_reply_mode(struct client *c, int key)
{
    if (c->silent) {
        c->silent = false;
        send_words(c, "CLIENT REPLY ON", 0, NULL);
        await_text(c, "+OK\r\n");
    } else if (key == 0) {
        send_words(c, "CLIENT REPLY OFF", 0, NULL);
        c->silent = true;
    } else {
        send_words(c, "CLIENT REPLY SKIP", 0, NULL);
        c->skips = true;
        send_echo(c, key);
    }
}

/* ---- The shared channel ---- */

static void send_publish(struct client *c, int key)
{
    (void)key;
    if (news_are_full()) return;
    struct text message = {0};
    struct answer a = {.kind = ANSWER_RECEIVERS, .value = news_publish(c->number)};
    news_print(&message, c->number, a.value, sim_chance(10) ? value_len() : sim_below(200));
    send_words(c, "PUBLISH " NEWS " %", 0, &message);
    text_free(&message);
    await_answer(c, a);
}

static void send_publish_some(struct client *c, int key)
{
    for (uint64_t n = sim_below(6); n > 0 && c->last - c->first < (unsigned)c->window; n--)
        send_publish(c, key);
}

/* Whoever has other answers to wait for must be able to tell messages from them. */
static void send_listen(struct client *c)
{
    if (c != witness()) {
        send_words(c, "CLIENT REPLY SKIP", 0, NULL);
        send_words(c, "HELLO 3", 0, NULL);
    }
    send_words(c, "SUBSCRIBE " NEWS, 0, NULL);
}

/* QUIT or what cannot be understood; what comes after it is not answered. */
static void send_end(struct client *c, int key)
{
    static const char *const wrong[][2] = {
        {"*1\r\n!x\r\n", "-ERR Protocol error: expected '$', got '!'\r\n"},
        {"*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
        {"*1\r\n$-5\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
    };
    if (!sim_chance(5)) return;
    if (c->silent) send_reply_mode(c, key);
    if (sim_chance(2)) {
        send_words(c, "QUIT", 0, NULL);
        await_text(c, "+OK\r\n");
    } else {
        kernel_put(c->socket, wrong[key][0], strlen(wrong[key][0]));
        await_text(c, wrong[key][1]);
    }
    if (sim_chance(2)) send_words(c, "PING", 0, NULL);
    c->ends = true;
    c->commands_left = 0;
}

static void send_others(struct client *c, int key)
{
    char words[64];
    struct text none = {0};
    if (sim_choices.kills && key == 0) {
        snprintf(words, sizeof(words), "CLIENT KILL ID %d", (int)sim_below(CLIENTS + 4) + 1);
        send_words(c, words, 0, NULL);
        await(c, ANSWER_NUMBER, &none);
    } else if (sim_choices.unblocks && key == 2) {
        snprintf(words, sizeof(words), "CLIENT UNBLOCK %d %s", (int)sim_below(CLIENTS + 4) + 1,
                 sim_chance(2) ? "TIMEOUT" : "ERROR");
        send_words(c, words, 0, NULL);
        await(c, ANSWER_NUMBER, &none);
    } else if (sim_choices.pauses && key == 1) {
        snprintf(words, sizeof(words), "CLIENT PAUSE %d %s", (int)sim_below(30),
                 sim_chance(2) ? "WRITE" : "ALL");
        send_words(c, words, 0, NULL);
        await_text(c, "+OK\r\n");
    }
}

/* ---- Shared lists ---- */

static void send_push(struct client *c, int key)
{
    char words[128];
    struct text value = {0};
    struct answer a = {.kind = ANSWER_PUSH, .count = 1 + (int)sim_below(3)};
    if (lists_are_full(a.count)) return;
    int list = key % LISTS, len = snprintf(words, sizeof(words), "RPUSH shared:list:%d", list);
    if (sim_chance(10)) {
        a.count = 1;
        a.value = lists_push(c->number, list);
        text_print(&value, "%d.", a.value);
        for (size_t n = sim_below(40000); value.len < n;) text_print(&value, "%d", a.value);
        snprintf(words + len, sizeof(words) - (size_t)len, " %%");
    }
    for (int i = 0; value.len == 0 && i < a.count; i++) {
        int n = lists_push(c->number, list);
        if (i == 0) a.value = n;
        len += snprintf(words + len, sizeof(words) - (size_t)len, " %d.", n);
    }
    send_words(c, words, 0, &value);
    await_answer(c, a);
    text_free(&value);
}

static void send_pop_of(struct client *c, int list, uint64_t ms)
{
    char words[128], key[64] = "shared:list:0 shared:list:1";
    struct answer a = {.kind = ANSWER_POP, .pop = {list, kernel_now_ns, ms}};
    if (list < LISTS) snprintf(key, sizeof(key), "shared:list:%d", list);
    snprintf(words, sizeof(words), "BLPOP %s 0.%03d", key, (int)ms);
    if (sim_choices.moves && c != &clients[client_count] && sim_chance(3)) {
        a.kind = ANSWER_MOVE;
        snprintf(words, sizeof(words), "BLMOVE shared:list:%d shared:list:%d %s RIGHT 0.%03d",
                 list % LISTS, (int)sim_below(LISTS), sim_chance(2) ? "LEFT" : "RIGHT", (int)ms);
    }
    if (c->silent || c->skips) c->waits_unseen = true;
    send_words(c, words, 0, NULL);
    await_answer(c, a);
}

static void send_pop(struct client *c, int key)
{
    send_pop_of(c, key, 1 + sim_below(sim_chance(3) ? 500 : 20));
}

/* Asks once more for what the sweeper has not found empty. */
static void send_sweep(struct client *c)
{
    if (swept < LISTS)
        send_pop_of(c, swept, 1);
    else
        c->commands_left = 0;
}

static void client_send(struct client *c)
{
    static void (*const commands[])(struct client *, int) = {
        send_set,     send_set,     send_get,        send_get,     send_get,          send_mget,
        send_append,  send_del,     send_length,     send_incr,    send_shared,       send_shared,
        send_echo,    send_echo,    send_inline,     send_inline,  send_end,          send_others,
        send_mistake, send_nothing, send_reply_mode, send_edit,    send_edit,         send_swap,
        send_row,     send_twice,   send_part,       send_push,    send_push,         send_pop,
        send_pop,     send_pop,     send_publish,    send_publish, send_publish_some,
    };
    if (c == &clients[client_count]) {
        send_sweep(c);
        return;
    }
    if (c == witness()) {
        if (c->commands_left-- == 1) send_words(c, "UNSUBSCRIBE", 0, NULL);
        return;
    }
    for (size_t n = sim_some((size_t)c->window); n > 0 && c->commands_left > 0; n--) {
        if (c->last - c->first >= (unsigned)c->window) break;
        c->commands_left--;
        commands[sim_below(sizeof(commands) / sizeof(commands[0]))](c, (int)sim_below(KEYS));
    }
    sim_note("client sends", (uint64_t)c->number, c->last);
}

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
        swept += c == &clients[client_count];
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
    if (a->kind == ANSWER_RECEIVERS) {
        if (n > CLIENTS + 1) client_fail(c, "more receivers than clients");
        news_answered(c->number, a->value);
        if (c->is_subscribed) c->own_message = a->value;
    }
    if (a->kind == ANSWER_COUNTER) {
        if (n <= c->counter_seen || n > counter_sent || counter_taken[n])
            client_fail(c, "the shared counter went wrong");
        counter_taken[n] = true;
        c->counter_seen = n;
    }
    return true;
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
    if (c->listens && (c == witness() ? c->rx.data[0] == '*' : c->rx.data[0] == '>'))
        return client_hear(c);
    if (c->own_message >= 0) client_fail(c, "its own message does not follow the answer");
    struct answer *a = &c->answers[c->first % ANSWERS];
    size_t len = a->len;
    if (client_is_refusal(c)) return false;
    if (c->first == c->last) client_fail(c, "bytes that nobody asked for");
    if (a->kind == ANSWER_BYTES) {
        size_t least = c->rx.len < a->len ? c->rx.len : a->len;
        if (memcmp(c->rx.data, a->bytes, least) != 0) client_fail(c, "a wrong answer");
        if (c->rx.len < a->len) return false;
    } else if (a->kind == ANSWER_POP || a->kind == ANSWER_MOVE) {
        if (!client_waited(c, a, &len)) return false;
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

static bool clients_are_at_work(void)
{
    for (int i = 0; i <= client_count; i++)
        if (clients[i].state != CLIENT_DONE) return true;
    return false;
}

static bool client_wants_to_send(const struct client *c)
{
    if (c == witness() && clients_are_at_work()) return false;
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
        if (c->listens) send_listen(c);
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

/* All but the sweeper and the witness. */
static bool clients_are_many(void)
{
    for (int i = 0; i < client_count; i++)
        if (clients[i].state != CLIENT_DONE) return true;
    return false;
}

static bool witness_acts(void)
{
    if (!client_act(witness())) return false;
    sim_progress();
    return true;
}

bool clients_step(void)
{
    int from = (int)sim_below((uint64_t)client_count);
    if (sim_chance(3) && witness_acts()) return true;
    bool waits = !witness()->is_subscribed && witness()->state != CLIENT_DONE;
    if (waits && clients_are_at_work()) return witness_acts();
    for (int i = 0; i < client_count; i++) {
        if (!client_act(&clients[(from + i) % client_count])) continue;
        sim_progress();
        return true;
    }
    if (witness_acts()) return true;
    if (clients_are_many() || !client_act(&clients[client_count])) return false;
    sim_progress();
    return true;
}

bool clients_are_done(void)
{
    return clients[client_count].state == CLIENT_DONE && witness()->state == CLIENT_DONE;
}

void clients_check_end(void)
{
    news_check_end();
    for (int i = 0; i <= client_count; i++) {
        const struct client *c = &clients[i];
        for (unsigned a = c->first; a != c->last; a++)
            if (c->answers[a % ANSWERS].kind == ANSWER_POP) lists_lost();
    }
    if (swept == LISTS) lists_check_end();
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
    counter_sent = 0;
    swept = 0;
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
        c->listens = sim_chance(3);
        c->own_message = -1;
    }
    clients[client_count] = (struct client){
        .number = client_count,
        .commands_left = 1,
        .abort_at = -1,
        .window = 1,
        .lazy = 1,
        .own_message = -1,
    };
    *witness() = (struct client){
        .number = client_count + 1,
        .commands_left = 1,
        .abort_at = -1,
        .window = 1,
        .lazy = sim_chance(2) ? 50 : 1,
        .listens = true,
        .own_message = -1,
    };
    news_open(witness()->number);
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
