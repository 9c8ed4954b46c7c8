/*
 * Execute's core without stages and sockets: sessions on cards made by hand, one line of words in,
 * raw replies out.
 *
 * Words are separated by single blanks. In replies each CR LF is shown as '|'. A command's flaw is
 * found as parse finds it.
 */
#ifndef TESTS_UNIT_EXECUTE_CORE_HARNESS_H
#define TESTS_UNIT_EXECUTE_CORE_HARNESS_H

#include "unit/check.h"

#include "base/clock.h"
#include "base/hash.h"
#include "catalog/settings.h"
#include "execute/commands/table.h"
#include "execute/core/acl.h"
#include "execute/core/run.h"
#include "execute/core/session.h"
#include "execute/core/stats.h"
#include "execute/types/heap.h"
#include "msg/conn.h"

#include <stdio.h>
#include <stdlib.h>

enum { CORE_WORDS = 64, CORE_SLOTS = 4096 };

static struct {
    struct reply reply;
    int64_t now_ms;
    uint64_t next_id;
    char *shown;
} core;

static inline void core_set(const char *option, const char *value)
{
    char error[OPTION_ERROR_MAX];
    struct bytes word = bytes_of(value);
    struct settings *s = settings_copy(settings_now());
    const struct option *o = option_find(bytes_of(option));
    assert_non_null(o);
    assert_int_equal(option_set_text(s, o, &word, 1, OPTION_FROM_CLIENT, error), 0);
    settings_publish(s);
    if (strcmp(option, "requirepass") == 0) acl_set_requirepass(word);
    run_begin_turn(settings_now(), core.now_ms, clock_ticks());
}

static inline void core_set_time(int64_t now_ms)
{
    core.now_ms = now_ms;
    run_begin_turn(settings_now(), now_ms, clock_ticks());
}

static inline int core_open(void **state)
{
    (void)state;
    static bool is_open;
    if (!is_open) {
        clock_open();
        hash_open_with(7);
        heap_use(arena_open("test"));
        command_open();
        assert_int_equal(conn_cards_open(CORE_SLOTS), 0);
        is_open = true;
    }
    settings_publish(settings_default());
    stats_open();
    keyspace_open(16);
    sessions_open();
    run_open(command_handler_of);
    core.next_id = 1;
    core.now_ms = INT64_C(1700000000000);
    core_set("slowlog-log-slower-than", "-1"); /* whatever the machine, nothing is kept */
    return 0;
}

static inline int core_close(void **state)
{
    (void)state;
    sessions_close();
    run_close();
    keyspace_close();
    stats_close();
    reply_release(&core.reply);
    free(core.shown);
    core.shown = NULL;
    return 0;
}

/* A session of 127.0.0.1:(1000 + slot), as accept would announce it. */
static inline struct session *core_session_with_id(uint32_t slot, uint64_t id)
{
    struct conn_card *card = conn_card_make(slot);
    struct sockaddr_in peer = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)(1000 + slot)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    card->ref = (struct conn_ref){.fd = -1, .slot = slot, .gen = (uint32_t)id};
    card->id = id;
    card->is_local = true;
    card->is_unix = false;
    card->opened_ms = (int64_t)clock_mono_ms();
    memcpy(&card->peer, &peer, sizeof(peer));
    memcpy(&card->local, &peer, sizeof(peer));
    card->held = 0;
    return session_begin(card->ref);
}

static inline struct session *core_session(uint32_t slot)
{
    return core_session_with_id(slot, core.next_id++);
}

static inline const char *core_show(void)
{
    core.shown = realloc(core.shown, core.reply.len + 1);
    assert_non_null(core.shown);
    size_t len = 0;
    for (size_t i = 0; i < core.reply.len; i++) {
        if (core.reply.buf[i] == '\r') continue;
        core.shown[len++] = core.reply.buf[i] == '\n' ? '|' : core.reply.buf[i];
    }
    core.shown[len] = '\0';
    return core.shown;
}

/* Finds out about a command what parse would. */
static inline struct command core_command(const struct bytes *args, uint32_t nargs)
{
    struct command cmd;
    core_set_time(core.now_ms); /* none passes in a test by itself */
    run_prepare(&cmd, args, nargs);
    cmd.wire_len = 10 * nargs;
    return cmd;
}

static inline uint32_t core_split(const char *line, struct bytes *args)
{
    uint32_t nargs = 0;
    for (const char *p = line; p != NULL;) {
        const char *blank = strchr(p, ' ');
        assert_true(nargs < CORE_WORDS);
        args[nargs++] = blank != NULL ? bytes_make(p, (size_t)(blank - p)) : bytes_of(p);
        p = blank != NULL ? blank + 1 : NULL;
    }
    return nargs;
}

/* Gives a copy of the words, so that a test sees who keeps pointers into a batch that went home. */
static inline const char *core_ask(struct session *s, const char *line)
{
    struct bytes args[CORE_WORDS];
    char *lent = strdup(line);
    assert_non_null(lent);
    uint32_t nargs = core_split(lent, args);
    struct command cmd = core_command(args, nargs);
    core.reply.len = 0;
    run(s, &cmd, &core.reply);
    memset(lent, '#', strlen(lent));
    free(lent);
    return core_show();
}

/* Runs what is ready, as execute does at the end of a turn; the replies of all in their order. */
static inline const char *core_run_held(void)
{
    struct session *s;
    core.reply.len = 0;
    while ((s = run_next_ready()) != NULL) run_held(s, &core.reply);
    return core_show();
}

/* Serves those who waited, as execute does after each command; the replies of all in their order.
 */
static inline const char *core_run_woken(void)
{
    enum blocking_wake how;
    struct session *s;
    core.reply.len = 0;
    while ((s = blocking_next(&how)) != NULL) run_woken(s, how, &core.reply);
    return core_show();
}

#define core_expect(session, line, answer) assert_string_equal(core_ask(session, line), answer)
#define core_test(name) cmocka_unit_test_setup_teardown(name, core_open, core_close)

#endif
