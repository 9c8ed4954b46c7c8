/*
 * Fuzzes rules of users: whatever the words, each is taken whole or refused without a trace, what
 * is printed makes the same user, and checks of commands with any arguments end.
 */
#ifndef BATON_ROOM_EXECUTE
#define BATON_ROOM_EXECUTE
#endif
#include "codec/words.h"
#include "catalog/settings.h"
#include "execute/core/acl.h"
#include "execute/core/acl_user.h"
#include "execute/core/redact.h"
#include "execute/core/session.h"
#include "execute/types/heap.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) abort();
}

static void start(void)
{
    static bool is_started;
    if (is_started) return;
    is_started = true;
    heap_use(arena_open("fuzz"));
    command_open();
    settings_publish(settings_default());
    sessions_open();
}

static struct reply print(const struct user *u)
{
    struct reply text = {0};
    acl_user_print(u, &text);
    return text;
}

/* False: a rule is wrong, and left no trace. */
static bool apply(struct user *u, const struct bytes *words, uint32_t count)
{
    struct acl_rules rules;
    uint32_t unmatched;
    if (!acl_rules_join(words, count, &rules, &unmatched)) return false;
    bool is_fine = true;
    for (uint32_t i = 0; i < rules.count && is_fine; i++) {
        struct reply before = print(u);
        is_fine = acl_user_apply(u, rules.at[i]) == ACL_FINE;
        struct reply after = print(u);
        if (!is_fine)
            check(before.len == after.len && memcmp(before.buf, after.buf, after.len) == 0);
        reply_release(&before);
        reply_release(&after);
    }
    acl_rules_free(&rules);
    acl_user_settle(u);
    return is_fine;
}

/* Its own words, each between single blanks, make it again. */
static void check_round(const struct user *u)
{
    struct bytes words[4096];
    uint32_t count = 0;
    struct reply text = print(u);
    for (char *p = text.buf, *end = text.buf + text.len; p < end && count < 4096; p++) {
        char *from = p;
        while (p < end && *p != ' ') p++;
        words[count++] = bytes_make(from, (size_t)(p - from));
    }
    if (count < 4096) {
        struct user *again = acl_user_make(words[1]);
        check(apply(again, words + 2, count - 2));
        struct reply same = print(again);
        check(same.len == text.len && memcmp(same.buf, text.buf, text.len) == 0);
        check(again->unlimited == u->unlimited);
        reply_release(&same);
        acl_user_free(again);
    }
    reply_release(&text);
}

/* The words as arguments of every command. */
static void check_commands(const struct user *u, struct bytes *args, uint32_t nargs)
{
    for (unsigned id = 0; id < CMD_COUNT; id++) {
        const struct command_spec *spec = command_by_id((enum command_id)id);
        if (!command_arity_fits(spec, nargs)) continue;
        struct acl_verdict v = acl_check(u, spec, args, nargs);
        check(v.arg < nargs);
        check(!u->unlimited || v.denied == ACL_ALLOWED);
        for (uint32_t i = 0; i < nargs; i++) redact_hides(spec, args, nargs, i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct words w;
    start();
    if (size > 4096 || words_split(bytes_make((const char *)data, size), &w) != 0) return 0;
    struct user *u = acl_user_make(bytes_of("u"));
    if (w.count > 0) {
        if (apply(u, w.word, w.count)) check_round(u);
        check_commands(u, w.word, w.count);
    }
    acl_user_free(u);
    words_free(&w);
    return 0;
}
