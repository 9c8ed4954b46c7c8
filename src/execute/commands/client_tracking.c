/*
 * CLIENT TRACKING and its relatives: how this connection is told that keys which it may have cached
 * were changed (core/tracking.h).
 */
#include "execute/commands/table.h"
#include "execute/core/tracking.h"
#include "execute/core/tracking_prefix.h"
#include "execute/types/heap.h"

#include <stdlib.h>

struct tracking_args {
    uint8_t options;
    uint64_t redirect;
    uint32_t *prefixes; /* indexes of arguments; heap */
    uint32_t prefix_count;
};

static bool tracking_parse_redirect(struct call *c, uint32_t i, struct tracking_args *out)
{
    int64_t id;
    if (out->redirect != 0) {
        reply_error(c, "ERR A client can only redirect to a single other client");
        return false;
    }
    if (!call_int(c, i, &id)) return false;
    if (id <= 0 || session_by_id((uint64_t)id) == NULL) {
        reply_error(c, "ERR The client ID you want redirect to does not exist");
        return false;
    }
    out->redirect = (uint64_t)id;
    return true;
}

static uint8_t tracking_option_named(const struct call *c, uint32_t i)
{
    static const struct {
        const char *word;
        uint8_t option;
    } words[] = {
        {"bcast", TRACKING_BROADCAST},
        {"optin", TRACKING_OPTIN},
        {"optout", TRACKING_OPTOUT},
        {"noloop", TRACKING_NOLOOP},
    };
    for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
        if (call_arg_is(c, i, words[w].word)) return words[w].option;
    return 0;
}

static bool tracking_parse(struct call *c, struct tracking_args *out)
{
    for (uint32_t i = 3; i < c->nargs; i++) {
        bool more = i + 1 < c->nargs;
        uint8_t option = tracking_option_named(c, i);
        if (option != 0) {
            out->options |= option;
        } else if (more && call_arg_is(c, i, "redirect")) {
            if (!tracking_parse_redirect(c, ++i, out)) return false;
        } else if (more && call_arg_is(c, i, "prefix")) {
            out->prefixes[out->prefix_count++] = ++i;
        } else {
            reply_syntax(c);
            return false;
        }
    }
    return true;
}

/* What is wrong with the options, alone or with those that the session has; NULL: nothing. */
static const char *tracking_judge_options(const struct session *s, const struct tracking_args *a)
{
    const uint8_t had = s->tracking == NULL ? 0 : s->tracking->options;
    const uint8_t either = TRACKING_OPTIN | TRACKING_OPTOUT;
    if (!(a->options & TRACKING_BROADCAST) && a->prefix_count > 0)
        return "ERR PREFIX option requires BCAST mode to be enabled";
    if (s->tracking != NULL && ((had ^ a->options) & TRACKING_BROADCAST))
        return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    if ((a->options & TRACKING_BROADCAST) && (a->options & either))
        return "ERR OPTIN and OPTOUT are not compatible with BCAST";
    if ((a->options & either) == either)
        return "ERR You can't specify both OPTIN mode and OPTOUT mode";
    if ((a->options & either) && (had & either) == (~a->options & either))
        return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, "
               "and then re-enabling it with a different mode.";
    return NULL;
}

/* ---- Prefixes ---- */

static bool is_prefix_of(struct bytes a, struct bytes b)
{
    return a.len <= b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static int prefix_order(const void *a, const void *b, void *args)
{
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    const struct bytes *names = args;
    int order = bytes_compare(names[i], names[j]);
    return order != 0 ? order : i < j ? -1 : i > j;
}

static enum run_result prefix_refuse(struct call *c, struct bytes new, const char *which,
                                     struct bytes other)
{
    return reply_errorf(c,
                        "ERR Prefix '%.*s' overlaps with %s prefix '%.*s'. Prefixes for a single "
                        "client must not overlap.",
                        REPLY_WORD(new), which, REPLY_WORD(other));
}

/* In their order, only neighbours can overlap if none of them did before. */
static bool tracking_judge_prefixes(struct call *c, struct tracking_args *a)
{
    struct bytes other;
    for (uint32_t i = 0; i < a->prefix_count; i++) {
        struct bytes prefix = arg(c, a->prefixes[i]);
        if (!tracking_prefix_overlap(c->session, prefix, &other)) continue;
        prefix_refuse(c, prefix, "an existing", other);
        return false;
    }
    qsort_r(a->prefixes, a->prefix_count, sizeof(*a->prefixes), prefix_order,
            (void *)(uintptr_t)c->args);
    for (uint32_t i = 1; i < a->prefix_count; i++) {
        uint32_t x = a->prefixes[i - 1], y = a->prefixes[i];
        if (!is_prefix_of(arg(c, x), arg(c, y))) continue;
        prefix_refuse(c, arg(c, x < y ? x : y), "another provided", arg(c, x < y ? y : x));
        return false;
    }
    return true;
}

/* ---- CLIENT TRACKING ---- */

static enum run_result tracking_on(struct call *c, struct tracking_args *a)
{
    struct session *s = c->session;
    const char *error = tracking_judge_options(s, a);
    if (error != NULL) return reply_error(c, error);
    if (!tracking_judge_prefixes(c, a)) return RUN_ERROR;
    tracking_begin(s, a->options, a->redirect);
    for (uint32_t i = 0; i < a->prefix_count; i++) tracking_prefix_add(s, arg(c, a->prefixes[i]));
    if ((a->options & TRACKING_BROADCAST) && a->prefix_count == 0)
        tracking_prefix_add(s, bytes_of("")); /* every key */
    return reply_ok(c);
}

static enum run_result tracking_switch(struct call *c, struct tracking_args *a)
{
    if (!tracking_parse(c, a)) return RUN_ERROR;
    if (call_arg_is(c, 2, "on")) return tracking_on(c, a);
    if (!call_arg_is(c, 2, "off")) return reply_syntax(c);
    tracking_end(c->session);
    return reply_ok(c);
}

enum run_result cmd_CLIENT_TRACKING(struct call *c)
{
    struct tracking_args a = {.prefixes = heap_alloc(c->nargs * sizeof(*a.prefixes))};
    enum run_result result = tracking_switch(c, &a);
    heap_free(a.prefixes);
    return result;
}

/* ---- Its relatives ---- */

enum run_result cmd_CLIENT_CACHING(struct call *c)
{
    uint8_t options = c->session->tracking == NULL ? 0 : c->session->tracking->options;
    if (!(options & (TRACKING_OPTIN | TRACKING_OPTOUT)))
        return reply_error(c, "ERR CLIENT CACHING can be called only when the client is in "
                              "tracking mode with OPTIN or OPTOUT mode enabled");
    bool yes = call_arg_is(c, 2, "yes");
    if (!yes && !call_arg_is(c, 2, "no")) return reply_syntax(c);
    if (yes && !(options & TRACKING_OPTIN))
        return reply_error(c, "ERR CLIENT CACHING YES is only valid when tracking is enabled in "
                              "OPTIN mode.");
    if (!yes && !(options & TRACKING_OPTOUT))
        return reply_error(c, "ERR CLIENT CACHING NO is only valid when tracking is enabled in "
                              "OPTOUT mode.");
    tracking_set_caching(c->session);
    return reply_ok(c);
}

enum run_result cmd_CLIENT_GETREDIR(struct call *c)
{
    const struct tracking *t = c->session->tracking;
    return reply_int(c, t == NULL ? -1 : (int64_t)t->redirect);
}

static uint64_t trackinginfo_flag(struct call *c, bool is_on, const char *name)
{
    if (is_on) reply_text(c, name);
    return is_on;
}

static void trackinginfo_flags(struct call *c)
{
    const struct tracking *t = c->session->tracking;
    bool caching = tracking_is_caching(c->session);
    uint8_t options = t == NULL ? 0 : t->options;
    size_t mark = reply_defer(c);
    uint64_t n = trackinginfo_flag(c, true, t == NULL ? "off" : "on");
    n += trackinginfo_flag(c, options & TRACKING_BROADCAST, "bcast");
    n += trackinginfo_flag(c, options & TRACKING_OPTIN, "optin");
    n += trackinginfo_flag(c, (options & TRACKING_OPTIN) && caching, "caching-yes");
    n += trackinginfo_flag(c, options & TRACKING_OPTOUT, "optout");
    n += trackinginfo_flag(c, (options & TRACKING_OPTOUT) && caching, "caching-no");
    n += trackinginfo_flag(c, options & TRACKING_NOLOOP, "noloop");
    n += trackinginfo_flag(c, options & TRACKING_BROKEN, "broken_redirect");
    reply_defer_set(c, mark, n);
}

enum run_result cmd_CLIENT_TRACKINGINFO(struct call *c)
{
    const struct tracking *t = c->session->tracking;
    reply_map(c, 3);
    reply_text(c, "flags");
    trackinginfo_flags(c);
    reply_text(c, "redirect");
    cmd_CLIENT_GETREDIR(c);
    reply_text(c, "prefixes");
    uint32_t count = t == NULL ? 0 : t->prefix_count;
    reply_array(c, count);
    for (uint32_t i = 0; i < count; i++) reply_bulk(c, tracking_prefix_at(c->session, i));
    return RUN_OK;
}
