/*
 * Runs command handlers on a keyspace of their own, without sessions and sockets: a line of words
 * in, the raw reply out.
 *
 * Words are separated by single blanks; the word "" is an empty one. In replies each CR LF is shown
 * as a blank, the last one not at all: "GET key" may give "$5 value". The time stands still unless
 * a test moves it.
 */
#ifndef TESTS_UNIT_EXECUTE_COMMANDS_HARNESS_H
#define TESTS_UNIT_EXECUTE_COMMANDS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "execute/commands/table.h"
#include "execute/core/call.h"
#include "execute/core/session.h"
#include "execute/types/heap.h"

enum { HARNESS_WORDS = 64 };
#define HARNESS_NOW_MS INT64_C(1700000000000)

static struct {
    struct settings *settings;
    struct reply reply;
    struct db *db;
    int64_t now_ms;
    uint64_t changes; /* of the last command */
} harness;

static inline int harness_open(void **state)
{
    (void)state;
    static bool is_open;
    if (!is_open) {
        heap_use(arena_open("test"));
        command_open();
        settings_publish(settings_default()); /* what is not asked of a call */
        is_open = true;
    }
    keyspace_open(16);
    harness.settings = settings_default();
    harness.db = keyspace_db(0);
    harness.now_ms = HARNESS_NOW_MS;
    harness.reply.resp = 2;
    keyspace_tick(harness.now_ms);
    return 0;
}

static inline int harness_close(void **state)
{
    (void)state;
    settings_free(harness.settings);
    reply_release(&harness.reply);
    keyspace_close();
    return 0;
}

static inline void harness_set_time(int64_t now_ms)
{
    harness.now_ms = now_ms;
    keyspace_tick(now_ms);
}

/* The reply stays in harness.reply until the next command. */
static inline struct bytes harness_run(const struct bytes *args, uint32_t nargs)
{
    bool no_such_sub = false;
    const struct command_spec *spec = command_find(args, nargs, &no_such_sub);
    assert_non_null(spec);
    assert_true(command_arity_fits(spec, nargs));
    static struct session nobody; /* one without rules */
    struct call c = {
        .session = &nobody,
        .db = harness.db,
        .spec = spec,
        .args = args,
        .nargs = nargs,
        .reply = &harness.reply,
        .settings = harness.settings,
        .now_ms = harness.now_ms,
        .due_ms = harness.now_ms,
    };
    harness.reply.len = 0;
    enum run_result result = command_handler_of(spec->id)(&c);
    assert_int_equal(result == RUN_ERROR, c.failed);
    harness.changes = c.changes;
    return bytes_make(harness.reply.buf, harness.reply.len);
}

/* Runs a line; the reply is good until the next one. */
static inline const char *ask(const char *line)
{
    struct bytes args[HARNESS_WORDS];
    uint32_t nargs = 0;
    for (const char *p = line; p != NULL;) {
        const char *blank = strchr(p, ' ');
        struct bytes word = blank != NULL ? bytes_make(p, (size_t)(blank - p)) : bytes_of(p);
        if (bytes_equal(word, bytes_of("\"\""))) word = bytes_make("", 0);
        assert_true(nargs < HARNESS_WORDS);
        args[nargs++] = word;
        p = blank != NULL ? blank + 1 : NULL;
    }
    struct bytes raw = harness_run(args, nargs);

    static char *shown;
    shown = realloc(shown, raw.len + 1);
    assert_non_null(shown);
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        if (raw.ptr[i] == '\r') continue;
        shown[len++] = raw.ptr[i] == '\n' ? ' ' : raw.ptr[i];
    }
    shown[len - 1] = '\0';
    return shown;
}

/* A line and what it must answer. */
#define expect(line, reply) assert_string_equal(ask(line), reply)
/* ... and by how much the counter of changes must grow. */
#define expect_change(line, reply, count)         \
    do {                                          \
        assert_string_equal(ask(line), reply);    \
        assert_int_equal(harness.changes, count); \
    } while (0)

#define harness_test(name) cmocka_unit_test_setup_teardown(name, harness_open, harness_close)

#endif
