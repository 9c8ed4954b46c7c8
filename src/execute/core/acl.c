/*
 * The users, in the order of name, and what a change of one means for its sessions.
 *
 * Invariants: `default` is in the list from acl_open() to acl_close(), at one address. A user in
 * the list is settled. A session's user is in the list or gone.
 */
#include "execute/core/acl.h"

#include "base/must.h"
#include "catalog/settings.h"
#include "execute/core/acl_check.h"
#include "execute/core/acl_log.h"
#include "execute/core/acl_registry.h"
#include "execute/core/pubsub.h"
#include "execute/core/session.h"
#include "execute/core/stats.h"
#include "execute/types/heap.h"
#include "msg/conn.h"

static struct acl_list users;
static struct user *default_user;

/* ---- Lists ---- */

/* Where the name is, or would be. */
static uint32_t place_of(const struct acl_list *l, struct bytes name)
{
    uint32_t low = 0, high = l->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (bytes_compare(bytes_of(l->at[middle]->name), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct user *acl_list_find(const struct acl_list *l, struct bytes name)
{
    uint32_t i = place_of(l, name);
    return i < l->count && bytes_equal(bytes_of(l->at[i]->name), name) ? l->at[i] : NULL;
}

void acl_list_add(struct acl_list *l, struct user *u)
{
    uint32_t at = place_of(l, bytes_of(u->name));
    if (l->count == l->max) {
        l->max = l->max < 8 ? 8 : 2 * l->max;
        l->at = heap_realloc(l->at, l->max * sizeof(void *));
    }
    memmove(l->at + at + 1, l->at + at, (l->count - at) * sizeof(void *));
    l->at[at] = u;
    l->count++;
}

static void list_remove(struct acl_list *l, const struct user *u)
{
    uint32_t at = place_of(l, bytes_of(u->name));
    must(at < l->count && l->at[at] == u);
    l->count--;
    memmove(l->at + at, l->at + at + 1, (l->count - at) * sizeof(void *));
}

void acl_list_free(struct acl_list *l)
{
    for (uint32_t i = 0; i < l->count; i++) acl_user_free(l->at[i]);
    heap_free(l->at);
    *l = (struct acl_list){0};
}

/* ---- The users ---- */

struct user *acl_find(struct bytes name) { return acl_list_find(&users, name); }
struct user *acl_default_user(void) { return default_user; }
uint32_t acl_user_count(void) { return users.count; }
struct user *acl_user_at(uint32_t i) { return users.at[i]; }

const char *acl_name(const struct user *u) { return u->name; }
bool acl_is_unlimited(const struct user *u) { return u->unlimited; }
bool acl_needs_no_password(const struct user *u) { return u->nopass; }
bool acl_is_open(const struct user *u) { return u->on && u->nopass; }

/* As the default user is at first. Gives. */
static struct user *make_default(void)
{
    static const char *const rules[] = {"on", "nopass", "allkeys", "allchannels", "allcommands"};
    struct user *u = acl_user_make(bytes_of("default"));
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        must(acl_user_apply(u, bytes_of(rules[i])) == ACL_FINE);
    acl_user_settle(u);
    return u;
}

void acl_open(void)
{
    acl_check_open();
    default_user = make_default();
    acl_list_add(&users, default_user);
    acl_set_requirepass(secret_bytes(&settings_now()->requirepass));
}

void acl_close(void)
{
    acl_list_free(&users);
    default_user = NULL;
    acl_log_clear();
}

/* ---- Sessions ---- */

void acl_enter(struct user *u) { u->sessions++; }

void acl_leave(struct user *u)
{
    dcheck(u->sessions > 0);
    if (--u->sessions == 0 && u->gone) acl_user_free(u);
}

/* Who asked for it still reads the answer. */
static void end_session(struct session *s, const struct session *current)
{
    if (s == current)
        session_finish(s);
    else
        session_kill(s);
}

static void end_sessions(const struct user *u, struct session *current)
{
    struct session *next;
    for (struct session *s = u->sessions > 0 ? sessions_first() : NULL; s != NULL; s = next) {
        next = s->next;
        if (s->user != u) continue;
        session_set_care(s, CARE_RULES, true);
        end_session(s, current);
    }
}

/* What strangers are told and may, while they have not logged in. */
static void default_changed(void)
{
    bool open = acl_is_open(default_user);
    acl_user_settle(default_user);
    conn_set_open(open);
    for (struct session *s = sessions_first(); s != NULL; s = s->next)
        if (s->care & CARE_UNAUTHENTICATED) conn_card(s->conn.slot)->authenticated = open;
}

/* ---- Subscribers that lose a channel ---- */

static bool has_all_channels(const struct user *u)
{
    for (uint32_t i = 0; i < u->selector_count; i++)
        if (u->selectors[i]->all_channels) return true;
    return false;
}

/* Does it lack a channel or pattern that it had? */
static bool loses_channels(const struct user *before, const struct user *now)
{
    if (has_all_channels(now)) return false;
    if (has_all_channels(before)) return true;
    for (uint32_t i = 0; i < before->selector_count; i++) {
        const struct acl_patterns *had = &before->selectors[i]->channels;
        for (uint32_t j = 0; j < had->count; j++)
            if (!acl_allows_channel(now, had->at[j].text, true)) return true;
    }
    return false;
}

struct hearing {
    const struct user *user;
    enum pubsub_kind kind;
    bool is_denied;
};

static void hear(void *ctx, struct bytes name)
{
    struct hearing *h = ctx;
    if (!acl_allows_channel(h->user, name, h->kind == PUBSUB_PATTERN)) h->is_denied = true;
}

static bool hears_too_much(const struct session *s)
{
    struct hearing h = {.user = s->user};
    if (!pubsub_is_subscriber(s)) return false;
    for (unsigned kind = 0; kind < PUBSUB_KINDS && !h.is_denied; kind++) {
        h.kind = (enum pubsub_kind)kind;
        pubsub_each_of(s, h.kind, hear, &h);
    }
    return h.is_denied;
}

/* Its rules were those of `before`. Who is subscribed to what is not allowed any more is ended. */
static void user_changed(struct user *u, const struct user *before, struct session *current)
{
    acl_user_settle(u);
    bool loses = loses_channels(before, u);
    struct session *next;
    for (struct session *s = u->sessions > 0 ? sessions_first() : NULL; s != NULL; s = next) {
        next = s->next;
        if (s->user != u) continue;
        session_set_care(s, CARE_RULES, !u->unlimited);
        if (loses && hears_too_much(s)) end_session(s, current);
    }
    if (u == default_user) default_changed();
}

/* It is in no list any more. */
static void user_retire(struct user *u, struct session *current)
{
    end_sessions(u, current);
    acl_user_revoke(u);
    if (u->sessions == 0) acl_user_free(u);
}

void acl_delete(struct user *u, struct session *current)
{
    must(u != default_user);
    list_remove(&users, u);
    user_retire(u, current);
}

void acl_replace_all(struct acl_list *next, struct session *current)
{
    struct acl_list old = users;
    struct user *changed = acl_list_find(next, bytes_of(default_user->name));
    if (changed == NULL) {
        changed = make_default();
        acl_list_add(next, changed);
    }
    next->at[place_of(next, bytes_of(default_user->name))] = default_user;
    users = *next;
    *next = (struct acl_list){0};
    for (uint32_t i = 0; i < old.count; i++)
        if (old.at[i] != default_user) user_retire(old.at[i], current);
    heap_free(old.at);
    for (uint32_t i = 0; i < users.count; i++) acl_user_settle(users.at[i]);
    acl_user_swap(default_user, changed);
    user_changed(default_user, changed, current);
    acl_user_free(changed);
}

/* ---- Changes ---- */

static bool user_apply_all(struct user *u, const struct acl_rules *rules, struct reply *error)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        enum acl_error e = acl_user_apply(u, rules->at[i]);
        if (e == ACL_FINE) continue;
        reply_printf(error, "Error in ACL SETUSER modifier '");
        reply_raw(error, rules->at[i].ptr, rules->at[i].len);
        reply_printf(error, "': %s", acl_error_text(e));
        return false;
    }
    return true;
}

bool acl_set_user(struct bytes name, const struct bytes *words, uint32_t count,
                  struct session *current, struct reply *error)
{
    struct acl_rules rules;
    uint32_t unmatched;
    if (!acl_name_is_valid(name)) {
        reply_printf(error, "Usernames can't contain spaces or null characters");
        return false;
    }
    if (!acl_rules_join(words, count, &rules, &unmatched)) {
        reply_printf(error, "Unmatched parenthesis in acl selector starting at '");
        reply_raw(error, words[unmatched].ptr, words[unmatched].len);
        reply_printf(error, "'.");
        return false;
    }
    struct user *known = acl_find(name);
    struct user *changed = acl_user_make(name);
    if (known != NULL) acl_user_copy(changed, known);
    bool is_fine = user_apply_all(changed, &rules, error);
    acl_rules_free(&rules);
    if (is_fine && known == NULL) {
        acl_user_settle(changed);
        acl_list_add(&users, changed);
        return true;
    }
    if (is_fine) {
        acl_user_swap(known, changed);
        user_changed(known, changed, current);
    }
    acl_user_free(changed);
    return is_fine;
}

void acl_set_requirepass(struct bytes password)
{
    char *rule = heap_alloc(password.len + 1);
    rule[0] = '>';
    if (password.len > 0) memcpy(rule + 1, password.ptr, password.len);
    struct bytes set = password.len > 0 ? bytes_make(rule, password.len + 1) : bytes_of("nopass");
    must(acl_user_apply(default_user, bytes_of("resetpass")) == ACL_FINE);
    must(acl_user_apply(default_user, set) == ACL_FINE);
    heap_free(rule);
    default_changed();
}

/* ---- Logging in, and being refused ---- */

static uint64_t *denied_counter(enum acl_reason reason)
{
    switch (reason) {
    case ACL_REASON_COMMAND: return &stats()->acl_denied_command;
    case ACL_REASON_KEY: return &stats()->acl_denied_key;
    case ACL_REASON_CHANNEL: return &stats()->acl_denied_channel;
    case ACL_REASON_AUTH: break;
    }
    return &stats()->acl_denied_auth;
}

bool acl_log_in(struct session *s, struct bytes name, struct bytes password, struct bytes command)
{
    struct user *u = acl_find(name);
    if (acl_user_accepts(u, password)) {
        session_authenticate(s, u);
        return true;
    }
    (*denied_counter(ACL_REASON_AUTH))++;
    enum acl_context context = s->multi != NULL ? ACL_IN_MULTI : ACL_TOPLEVEL;
    acl_log_add(s, ACL_REASON_AUTH, context, name, command);
    return false;
}

void acl_note_denied(const struct session *s, const struct command_spec *spec,
                     const struct bytes *args, struct acl_verdict v, enum acl_context context)
{
    static const enum acl_reason reasons[] = {
        [ACL_DENIED_COMMAND] = ACL_REASON_COMMAND,
        [ACL_DENIED_KEY] = ACL_REASON_KEY,
        [ACL_DENIED_CHANNEL] = ACL_REASON_CHANNEL,
    };
    must(v.denied != ACL_ALLOWED);
    enum acl_reason reason = reasons[v.denied];
    bool is_command = reason == ACL_REASON_COMMAND;
    (*denied_counter(reason))++;
    acl_log_add(s, reason, context, bytes_of(s->user->name),
                is_command ? bytes_of(spec->full) : args[v.arg]);
}
