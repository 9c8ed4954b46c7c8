/*
 * What clients send. The answer is known when a command is sent, in client.h's terms; values are
 * those that the client's own commands have made before it.
 */
#include "sim/client.h"

#include "base/must.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    if (clients_shared.counter_sent + 1 >= COUNTER_MAX) return;
    struct text none = {0};
    clients_shared.counter_sent++;
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

/* ---- Scripts that last ---- */

/* Each round of them takes as long as one look at the clock. */
static void send_script(struct client *c, int key)
{
    struct text nonce = new_value(c, key == 0 ? value_len() % 1000 : 0), script = {0};
    text_print(&script, "for i=1,%d do redis.call('ping') end return '", (int)sim_some(600));
    text_add(&script, nonce.data, nonce.len);
    text_print(&script, "'");
    send_words(c, "EVAL % 0", 0, &script);
    struct text bulk = {0};
    text_bulk(&bulk, nonce.data, nonce.len);
    await(c, ANSWER_SCRIPT, &bulk);
    text_free(&nonce);
    text_free(&script);
}

static void send_script_kill(struct client *c, int key)
{
    (void)key;
    send_words(c, "SCRIPT KILL", 0, NULL);
    await_text(c, "+OK\r\n");
    c->answers[(c->last - 1) % ANSWERS].kind = ANSWER_KILL;
}

/* The queue is made first, and then what EXEC answers. */
static void send_transaction(struct client *c, int key)
{
    if (c->last - c->first + 6 > (unsigned)c->window) return;
    send_words(c, "MULTI", 0, NULL);
    await_text(c, "+OK\r\n");
    unsigned queued = c->last;
    c->last += 3; /* filled below: two that are queued, and EXEC */
    send_echo(c, 1);
    send_script(c, key);
    send_words(c, "EXEC", 0, NULL);
    unsigned last = c->last;
    c->last = queued;
    await_text(c, "+QUEUED\r\n");
    await_text(c, "+QUEUED\r\n");
    await_text(c, "*2\r\n");
    c->answers[(c->last - 1) % ANSWERS].kind = ANSWER_EXEC;
    c->answers[(c->last - 1) % ANSWERS].count = 2;
    c->last = last;
}

/* ---- Transactions among all clients ---- */

/* Two counters that nobody raises alone. */
static void send_pair(struct client *c, int key)
{
    if (c->silent || c->skips || c->watches || clients_shared.pairs_sent + 1 >= COUNTER_MAX) return;
    struct text none = {0};
    clients_shared.pairs_sent++;
    send_words(c, "MULTI", 0, NULL);
    send_words(c, "INCR shared:pair:a", 0, NULL);
    send_words(c, "INCR shared:pair:b", 0, NULL);
    send_words(c, key == 0 ? "exec" : "EXEC", 0, NULL);
    await_text(c, "+OK\r\n");
    await_text(c, "+QUEUED\r\n");
    await_text(c, "+QUEUED\r\n");
    await(c, ANSWER_PAIR, &none);
}

static void send_discarded(struct client *c, int key)
{
    if (c->silent || c->skips || c->watches) return;
    send_words(c, "MULTI", 0, NULL);
    send_words(c, "DEL @ shared:pair:a", key, NULL);
    send_words(c, "DISCARD", 0, NULL);
    await_text(c, "+OK\r\n");
    await_text(c, "+QUEUED\r\n");
    await_text(c, "+OK\r\n");
}

/* Looks at a text that all clients make longer, and when it knows its length makes it longer by
 * one, if nobody else did. */
static void send_watch(struct client *c, int key)
{
    struct text none = {0};
    if (c->silent || c->skips || clients_shared.raises_sent + 1 >= COUNTER_MAX) return;
    if (c->watches == WATCHES_NOT) {
        send_words(c, "WATCH shared:text", 0, NULL);
        send_words(c, "STRLEN shared:text", 0, NULL);
        await_text(c, "+OK\r\n");
        await(c, ANSWER_WATCHED, &none);
        c->watches = WATCHES_UNSEEN;
    } else if (c->watches == WATCHES) {
        clients_shared.raises_sent++;
        send_words(c, "MULTI", 0, NULL);
        send_words(c, "APPEND shared:text x", key, NULL);
        send_words(c, "EXEC", 0, NULL);
        await_text(c, "+OK\r\n");
        await_text(c, "+QUEUED\r\n");
        await(c, ANSWER_RAISED, &none);
        c->watches = WATCHES_NOT;
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
    if (sim_choices.moves && !c->sweeps && sim_chance(3)) {
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
    if (clients_shared.swept < LISTS)
        send_pop_of(c, clients_shared.swept, 1);
    else
        c->commands_left = 0;
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
void client_listen(struct client *c)
{
    if (!c->is_witness) {
        send_words(c, "CLIENT REPLY SKIP", 0, NULL);
        send_words(c, "HELLO 3", 0, NULL);
    }
    send_words(c, "SUBSCRIBE " NEWS, 0, NULL);
}

typedef void client_command(struct client *, int);

/* With scripts that last any command may be refused: what others answer must not depend on it. */
static client_command *client_choose(void)
{
    static client_command *const beside_scripts[] = {
        send_script, send_script, send_script_kill, send_transaction, send_echo,   send_echo,
        send_get,    send_inline, send_nothing,     send_mistake,     send_others, send_end,
    };
    static client_command *const commands[] = {
        send_set,     send_set,       send_get,        send_get,     send_get,          send_mget,
        send_append,  send_del,       send_length,     send_incr,    send_shared,       send_shared,
        send_echo,    send_echo,      send_inline,     send_inline,  send_end,          send_others,
        send_mistake, send_nothing,   send_reply_mode, send_edit,    send_edit,         send_swap,
        send_row,     send_twice,     send_part,       send_push,    send_push,         send_pop,
        send_pop,     send_pop,       send_pair,       send_pair,    send_watch,        send_watch,
        send_watch,   send_discarded, send_publish,    send_publish, send_publish_some,
    };
    if (sim_choices.scripts)
        return beside_scripts[sim_below(sizeof(beside_scripts) / sizeof(beside_scripts[0]))];
    return commands[sim_below(sizeof(commands) / sizeof(commands[0]))];
}

void client_send(struct client *c)
{
    if (c->sweeps) {
        send_sweep(c);
        return;
    }
    if (c->is_witness) {
        c->commands_left = 0;
        send_words(c, "UNSUBSCRIBE", 0, NULL);
        return;
    }
    for (size_t n = sim_some((size_t)c->window); n > 0 && c->commands_left > 0; n--) {
        if (c->last - c->first >= (unsigned)c->window) break;
        c->commands_left--;
        client_choose()(c, (int)sim_below(KEYS));
    }
    sim_note("client sends", (uint64_t)c->number, c->last);
}
