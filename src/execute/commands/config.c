/*
 * CONFIG: reading and changing the options while the server runs.
 *
 * CONFIG SET is all or nothing: the words are set in a copy of the settings, then what the changes
 * do to the server is done (core/config_apply.h), and only then is the copy published.
 */
#include "base/log.h"
#include "base/must.h"
#include "catalog/option.h"
#include "codec/glob.h"
#include "execute/commands/info.h"
#include "execute/commands/table.h"
#include "execute/core/call.h"
#include "execute/core/config_apply.h"
#include "execute/core/config_rewrite.h"
#include "execute/core/loading.h"
#include "execute/core/session.h"
#include "execute/core/stats.h"
#include "msg/conn.h"

#include <errno.h>
#include <stdlib.h>

#define NAME_SHOWN 128 /* bytes of an argument that an error shows */

/* ---- GET ---- */

/* Which names were answered: a pattern shows each once. */
struct shown {
    bool name, alias;
};

static void config_show(struct call *c, const struct option *o, struct bytes key)
{
    size_t len;
    char *text = option_get_text(settings_now(), o, &len);
    reply_bulk(c, key);
    reply_bulk(c, bytes_make(text, len));
    free(text);
}

/* A whole name: shown as it was typed, and even when it is hidden. */
static uint64_t config_show_named(struct call *c, struct bytes name, struct shown *shown)
{
    const struct option *o = option_find(name);
    if (o == NULL) return 0;
    struct shown *s = &shown[o - option_at(0)];
    bool *which = bytes_is_word(name, o->name) ? &s->name : &s->alias;
    if (*which) return 0;
    *which = true;
    config_show(c, o, name);
    return 1;
}

static uint64_t config_show_matching(struct call *c, struct bytes pattern, struct shown *shown)
{
    uint64_t n = 0;
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        if ((o->flags & OPTION_HIDDEN) != 0) continue;
        if (!shown[i].name && glob_match(pattern, bytes_of(o->name), true)) {
            shown[i].name = true;
            config_show(c, o, bytes_of(o->name));
            n++;
        }
        if (o->alias == NULL || shown[i].alias) continue;
        if (!glob_match(pattern, bytes_of(o->alias), true)) continue;
        shown[i].alias = true;
        config_show(c, o, bytes_of(o->alias));
        n++;
    }
    return n;
}

enum run_result cmd_CONFIG_GET(struct call *c)
{
    struct shown *shown = calloc(option_count(), sizeof *shown);
    must(shown != NULL);
    uint64_t n = 0;
    size_t mark = reply_defer(c);
    for (uint32_t i = 2; i < c->nargs; i++)
        n += glob_is_plain(arg(c, i)) ? config_show_named(c, arg(c, i), shown)
                                      : config_show_matching(c, arg(c, i), shown);
    free(shown);
    return reply_defer_map(c, mark, n);
}

/* ---- SET ---- */

static enum run_result config_refuse(struct call *c, struct bytes name, const char *why)
{
    return reply_errorf(c, "ERR CONFIG SET failed (possibly related to argument '%.*s') - %s",
                        (int)(name.len < NAME_SHOWN ? name.len : NAME_SHOWN), name.ptr, why);
}

static bool config_may_protected(const struct call *c)
{
    int allowed = settings_now()->enable_protected_configs;
    if (allowed == ALLOWED_LOCAL) return conn_card(c->session->conn.slot)->is_local;
    return allowed == ALLOWED_YES;
}

static const char config_immutable[] = "can't set immutable config";

/* Finds the options of all pairs. NULL when one may not be set: then the error was answered. */
static const struct option **config_choose(struct call *c, uint32_t *count)
{
    const struct option **chosen = calloc(option_count(), sizeof(void *));
    must(chosen != NULL);
    *count = 0;
    for (uint32_t i = 2; i < c->nargs; i += 2) {
        struct bytes name = arg(c, i);
        const struct option *o = option_find(name);
        const char *why = NULL;
        for (uint32_t j = 0; j < *count; j++)
            if (chosen[j] == o) why = "duplicate parameter";
        if (o == NULL) {
            reply_errorf(c, "ERR Unknown option or number of arguments for CONFIG SET - '%.*s'",
                         (int)(name.len < NAME_SHOWN ? name.len : NAME_SHOWN), name.ptr);
        } else if ((o->flags & (OPTION_IMMUTABLE | OPTION_SAME)) == OPTION_IMMUTABLE) {
            why = config_immutable;
        } else if ((o->flags & OPTION_PROTECTED) != 0 && !config_may_protected(c)) {
            why = "can't set protected config";
        }
        if (why != NULL) config_refuse(c, name, why);
        if (why != NULL || o == NULL) {
            free(chosen);
            return NULL;
        }
        chosen[(*count)++] = o;
    }
    return chosen;
}

/* Which argument named the option. */
static struct bytes config_name_of(const struct call *c, const struct option *o)
{
    for (uint32_t i = 2; i < c->nargs; i += 2)
        if (option_find(arg(c, i)) == o) return arg(c, i);
    return bytes_of(o->name);
}

/* Sets the pairs in a copy of the settings. NULL when a value does not hold: then the error was
 * answered. Gives. */
static struct settings *config_set_all(struct call *c, const struct option **chosen, uint32_t count)
{
    char error[OPTION_ERROR_MAX];
    struct settings *next = settings_copy(settings_now());
    for (uint32_t i = 0; i < count; i++) {
        struct bytes value = arg(c, 3 + 2 * i);
        const struct option *o = chosen[i];
        const char *why = NULL;
        if (option_set_text(next, o, &value, 1, OPTION_FROM_CLIENT, error) != 0) {
            why = error;
        } else if ((o->flags & OPTION_IMMUTABLE) && !option_is_equal(settings_now(), next, o)) {
            why = config_immutable;
        }
        if (why == NULL) continue;
        settings_free(next);
        config_refuse(c, arg(c, 2 + 2 * i), why);
        return NULL;
    }
    return next;
}

enum run_result cmd_CONFIG_SET(struct call *c)
{
    uint32_t count, changed = 0;
    if (c->nargs % 2 != 0) return reply_syntax(c);
    const struct option **chosen = config_choose(c, &count);
    if (chosen == NULL) return RUN_ERROR;
    for (uint32_t i = 0; i < count && loading_is_on(); i++) {
        if (!(chosen[i]->flags & OPTION_DENY_LOADING)) continue;
        free(chosen);
        return reply_error(c, ERR_LOADING);
    }
    struct settings *next = config_set_all(c, chosen, count);
    if (next == NULL) {
        free(chosen);
        return RUN_ERROR;
    }
    for (uint32_t i = 0; i < count; i++)
        if (!option_is_equal(settings_now(), next, chosen[i])) chosen[changed++] = chosen[i];

    char error[OPTION_ERROR_MAX] = "";
    const struct option *failed = NULL;
    int r = config_change(next, chosen, changed, &failed, error);
    free(chosen);
    if (r != 0) return config_refuse(c, config_name_of(c, failed), error);
    return reply_ok(c);
}

/* ---- The others ---- */

enum run_result cmd_CONFIG_REWRITE(struct call *c)
{
    int r = config_rewrite(false);
    if (r == -ENOTSUP) return reply_error(c, "ERR The server is running without a config file");
    if (r != 0) {
        log_warn("CONFIG REWRITE failed: %s", strerrordesc_np(-r));
        return reply_errorf(c, "ERR Rewriting config file: %s", strerrordesc_np(-r));
    }
    log_note("CONFIG REWRITE executed with success.");
    return reply_ok(c);
}

enum run_result cmd_CONFIG_RESETSTAT(struct call *c)
{
    stats_reset();
    info_reset_stats();
    return reply_ok(c);
}

enum run_result cmd_CONFIG_HELP(struct call *c)
{
    static const char *const lines[] = {
        "GET <pattern> [<pattern> ...]",
        "    Shows the options whose names match a glob-style pattern, with their values.",
        "SET <option> <value> [<option> <value> ...]",
        "    Changes options while the server runs: all of them or, on an error, none.",
        "REWRITE",
        "    Writes the options as they are now into the configuration file.",
        "RESETSTAT",
        "    Sets the counters that INFO shows to zero.",
        NULL,
    };
    return reply_help(c, lines);
}
