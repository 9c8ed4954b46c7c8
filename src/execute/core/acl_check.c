/*
 * May a user run a command?
 *
 * A command is allowed when one selector allows its row (or its first argument), all of its keys
 * and all of its channels. What a row needs is worked out once, so that most checks are a bit, one
 * key and the user's patterns.
 */
#include "execute/core/acl.h"
#include "execute/core/acl_check.h"

#include "base/must.h"
#include "codec/glob.h"
#include "execute/core/acl_user.h"
#include "execute/core/key_uses.h"

enum need_keys {
    NEED_NO_KEYS,
    NEED_ONE_KEY, /* at a fixed place */
    NEED_KEYS,    /* command_keys_found() tells */
};

/* What a row of the command table needs. */
struct need {
    uint8_t keys;        /* enum need_keys */
    uint8_t key;         /* ONE_KEY: its argument */
    uint8_t may;         /* and what is done with it: enum acl_may */
    uint8_t channel;     /* argument of the first channel, 0: none */
    bool channel_is_one; /* and the only one */
    bool channel_is_pattern;
};

static struct need needs[CMD_COUNT];

/* Commands whose channels are checked: leaving one is always allowed. */
static const struct {
    const char *name;
    bool one, pattern;
} channel_commands[] = {
    {"publish", true, false},     {"spublish", true, false},   {"subscribe", false, false},
    {"ssubscribe", false, false}, {"psubscribe", false, true},
};

/* Looking whether a key or member is there may who reads or who writes. */
static uint8_t may_of_flags(uint32_t flags)
{
    uint8_t may = 0;
    if ((flags & KEY_ACCESS) != 0) may |= ACL_READ;
    if ((flags & (KEY_UPDATE | KEY_INSERT | KEY_DELETE)) != 0) may |= ACL_WRITE;
    return may;
}

static void need_work_out(const struct command_spec *spec, struct need *n)
{
    const struct key_spec *only = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < spec->key_count; i++) {
        if ((spec->keys[i].flags & KEY_NOT_KEY) != 0) continue;
        only = &spec->keys[i];
        count++;
    }
    if (count == 0) return;
    n->keys = NEED_KEYS;
    bool is_fixed = count == 1 && only->begin == KEY_BEGIN_INDEX && only->find == KEY_FIND_RANGE &&
                    only->last == 0 && (only->flags & (KEY_VARIABLE_FLAGS | KEY_INCOMPLETE)) == 0;
    int least_args = spec->arity < 0 ? -spec->arity : spec->arity;
    if (!is_fixed || only->begin_index <= 0 || only->begin_index >= least_args) return;
    n->keys = NEED_ONE_KEY;
    n->key = (uint8_t)only->begin_index;
    n->may = may_of_flags(only->flags);
}

void acl_check_open(void)
{
    memset(needs, 0, sizeof needs);
    for (unsigned id = 0; id < CMD_COUNT; id++) {
        const struct command_spec *spec = command_by_id((enum command_id)id);
        need_work_out(spec, &needs[id]);
        for (size_t i = 0; i < sizeof channel_commands / sizeof channel_commands[0]; i++) {
            if (strcmp(channel_commands[i].name, spec->full) != 0) continue;
            needs[id].channel = 1;
            needs[id].channel_is_one = channel_commands[i].one;
            needs[id].channel_is_pattern = channel_commands[i].pattern;
        }
    }
}

/* ---- One selector ---- */

/* The head is a start of the text that fits: most patterns fail there. */
static bool pattern_fits_whole(const struct acl_pattern *p, struct bytes text)
{
    switch ((enum acl_form)p->form) {
    case ACL_LITERAL: return bytes_equal(p->text, text);
    case ACL_PREFIX:
        return text.len >= p->text.len - 1 && memcmp(text.ptr, p->text.ptr, p->text.len - 1) == 0;
    case ACL_GLOB: break;
    }
    return glob_match(p->text, text, false);
}

static inline bool pattern_fits(const struct acl_pattern *p, struct bytes text, uint64_t head)
{
    if ((head & p->mask) != p->head) return false;
    bool head_is_all = p->form == ACL_PREFIX && p->text.len <= sizeof head;
    if (likely(head_is_all && text.len >= sizeof head)) return true;
    return pattern_fits_whole(p, text);
}

static inline bool selector_allows_key(const struct acl_selector *s, struct bytes key, uint8_t may)
{
    if (s->all_keys) return true;
    uint64_t head = acl_head(key);
    for (uint32_t i = 0; i < s->keys.count; i++) {
        const struct acl_pattern *p = &s->keys.at[i];
        if ((p->may & may) == may && pattern_fits(p, key, head)) return true;
    }
    return false;
}

static bool selector_allows_channel(const struct acl_selector *s, struct bytes channel,
                                    bool is_pattern)
{
    if (s->all_channels) return true;
    for (uint32_t i = 0; i < s->channels.count; i++) {
        const struct acl_pattern *p = &s->channels.at[i];
        if (is_pattern ? bytes_equal(p->text, channel) : pattern_fits_whole(p, channel))
            return true;
    }
    return false;
}

static bool selector_allows_command(const struct acl_selector *s, const struct command_spec *spec,
                                    const struct bytes *args, uint32_t nargs)
{
    if (acl_selector_has(s, spec->id) || (spec->flags & CF_NO_AUTH) != 0) return true;
    if (s->first_arg_count == 0 || nargs < 2) return false;
    for (uint32_t i = 0; i < s->first_arg_count; i++) {
        const struct acl_first_arg *f = &s->first_args[i];
        if (f->id != spec->id || f->word.len != args[1].len) continue;
        if (strncasecmp(f->word.ptr, args[1].ptr, args[1].len) == 0) return true;
    }
    return false;
}

/* The keys of one command, found when a selector first asks. */
struct keys {
    const struct command_spec *spec;
    const struct bytes *args;
    uint32_t nargs;
    bool are_found;
    struct key_uses uses;
};

static void keys_free(struct keys *k)
{
    if (k->are_found) key_uses_free(&k->uses);
}

static struct acl_verdict selector_judge_keys(const struct acl_selector *s, struct keys *k)
{
    if (!k->are_found) key_uses_find(&k->uses, command_keys_found, k->spec, k->args, k->nargs);
    k->are_found = true;
    for (int64_t i = 0; i < k->uses.count; i++) {
        uint32_t at = k->uses.at[i].index;
        if (!selector_allows_key(s, k->args[at], may_of_flags(k->uses.at[i].flags)))
            return (struct acl_verdict){ACL_DENIED_KEY, at};
    }
    return (struct acl_verdict){ACL_ALLOWED, 0};
}

static struct acl_verdict selector_judge(const struct acl_selector *s, struct keys *k)
{
    const struct need *n = &needs[k->spec->id];
    if (!selector_allows_command(s, k->spec, k->args, k->nargs))
        return (struct acl_verdict){ACL_DENIED_COMMAND, 0};
    if (!s->all_keys && n->keys == NEED_ONE_KEY) {
        if (!selector_allows_key(s, k->args[n->key], n->may))
            return (struct acl_verdict){ACL_DENIED_KEY, n->key};
    } else if (!s->all_keys && n->keys == NEED_KEYS) {
        struct acl_verdict v = selector_judge_keys(s, k);
        if (v.denied != ACL_ALLOWED) return v;
    }
    if (s->all_channels || n->channel == 0) return (struct acl_verdict){ACL_ALLOWED, 0};
    uint32_t end = n->channel_is_one ? n->channel + 1u : k->nargs;
    for (uint32_t i = n->channel; i < end && i < k->nargs; i++)
        if (!selector_allows_channel(s, k->args[i], n->channel_is_pattern))
            return (struct acl_verdict){ACL_DENIED_CHANNEL, i};
    return (struct acl_verdict){ACL_ALLOWED, 0};
}

/* ---- Users ---- */

/* What most commands of most users are: one of those that the root allows, with one key at most.
 * False: it may be allowed all the same. */
static inline bool root_allows_simple(const struct user *u, const struct command_spec *spec,
                                      const struct bytes *args)
{
    const struct need *n = &needs[spec->id];
    if (u->selector_count == 0 || !acl_selector_has(u->selectors[0], spec->id)) return false;
    if (n->channel != 0 || n->keys == NEED_KEYS) return false;
    return n->keys == NEED_NO_KEYS || selector_allows_key(u->selectors[0], args[n->key], n->may);
}

struct acl_verdict acl_check(const struct user *u, const struct command_spec *spec,
                             const struct bytes *args, uint32_t nargs)
{
    if (u->unlimited || likely(root_allows_simple(u, spec, args)))
        return (struct acl_verdict){ACL_ALLOWED, 0};
    struct acl_verdict worst = {ACL_DENIED_COMMAND, 0};
    struct keys k;
    k.spec = spec;
    k.args = args;
    k.nargs = nargs;
    k.are_found = false;
    for (uint32_t i = 0; i < u->selector_count; i++) {
        struct acl_verdict v = selector_judge(u->selectors[i], &k);
        if (v.denied == ACL_ALLOWED) {
            worst = v;
            break;
        }
        /* The selector that came nearest says what is missing. */
        if (v.denied > worst.denied || (v.denied == worst.denied && v.arg > worst.arg)) worst = v;
    }
    keys_free(&k);
    return worst;
}

static bool selector_reads_all_keys(const struct acl_selector *s)
{
    if (s->all_keys) return true;
    for (uint32_t i = 0; i < s->keys.count; i++) {
        const struct acl_pattern *p = &s->keys.at[i];
        if ((p->may & ACL_READ) != 0 && bytes_equal(p->text, bytes_of("*"))) return true;
    }
    return false;
}

bool acl_reads_all_keys(const struct user *u, const struct command_spec *spec,
                        const struct bytes *args, uint32_t nargs)
{
    if (u->unlimited) return true;
    struct keys k;
    k.spec = spec;
    k.args = args;
    k.nargs = nargs;
    k.are_found = false;
    bool may = false;
    for (uint32_t i = 0; i < u->selector_count && !may; i++)
        may = selector_reads_all_keys(u->selectors[i]) &&
              selector_judge(u->selectors[i], &k).denied == ACL_ALLOWED;
    keys_free(&k);
    return may;
}

bool acl_allows_channel(const struct user *u, struct bytes channel, bool is_pattern)
{
    for (uint32_t i = 0; i < u->selector_count; i++)
        if (selector_allows_channel(u->selectors[i], channel, is_pattern)) return true;
    return false;
}

/* ---- Refusals ---- */

void acl_print_denied(const struct user *u, const struct command_spec *spec,
                      const struct bytes *args, struct acl_verdict v, bool verbose,
                      struct reply *out)
{
    const char *what = v.denied == ACL_DENIED_KEY ? "key" : "channel";
    if (v.denied == ACL_DENIED_COMMAND) {
        reply_printf(out, "User %s has no permissions to run the '%s' command", u->name,
                     spec->full);
    } else if (!verbose) {
        reply_printf(out, "No permissions to access a %s", what);
    } else {
        reply_printf(out, "User %s has no permissions to access the '", u->name);
        reply_raw(out, args[v.arg].ptr, args[v.arg].len);
        reply_printf(out, "' %s", what);
    }
}
