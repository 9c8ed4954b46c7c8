/*
 * Invariants: a user that is not gone has a root selector; one with `nopass` has no passwords; no
 * password is there twice.
 */
#include "execute/core/acl_user.h"

#include "base/must.h"
#include "catalog/settings.h"
#include "execute/types/heap.h"

#include <ctype.h>

/* ---- Life ---- */

static bool new_users_have_channels(void) { return settings_now()->acl_pubsub_default != 0; }

static void user_add_selector(struct user *u, struct acl_selector *s)
{
    u->selectors = heap_realloc(u->selectors, (u->selector_count + 1) * sizeof(void *));
    u->selectors[u->selector_count++] = s;
}

/* Those from `first` on. */
static void user_drop_selectors(struct user *u, uint32_t first)
{
    while (u->selector_count > first) acl_selector_free(u->selectors[--u->selector_count]);
}

static void user_drop_passwords(struct user *u)
{
    heap_free(u->passwords);
    u->passwords = NULL;
    u->password_count = 0;
}

struct user *acl_user_make(struct bytes name)
{
    struct user *u = heap_zalloc(sizeof *u);
    u->name = heap_alloc(name.len + 1);
    if (name.len > 0) memcpy(u->name, name.ptr, name.len);
    u->name[name.len] = '\0';
    user_add_selector(u, acl_selector_make(new_users_have_channels()));
    return u;
}

void acl_user_revoke(struct user *u)
{
    user_drop_selectors(u, 0);
    user_drop_passwords(u);
    u->on = u->nopass = u->unlimited = false;
    u->gone = true;
}

void acl_user_free(struct user *u)
{
    acl_user_revoke(u);
    heap_free(u->selectors);
    heap_free(u->name);
    heap_free(u);
}

void acl_user_copy(struct user *to, const struct user *from)
{
    user_drop_selectors(to, 0);
    user_drop_passwords(to);
    to->on = from->on;
    to->nopass = from->nopass;
    to->skips_sanitize = from->skips_sanitize;
    to->unlimited = from->unlimited;
    for (uint32_t i = 0; i < from->selector_count; i++)
        user_add_selector(to, acl_selector_copy(from->selectors[i]));
    if (from->password_count == 0) return;
    to->password_count = from->password_count;
    to->passwords = heap_alloc(from->password_count * sizeof to->passwords[0]);
    memcpy(to->passwords, from->passwords, from->password_count * sizeof to->passwords[0]);
}

void acl_user_swap(struct user *a, struct user *b)
{
    struct user old = *a;
    *a = *b;
    *b = old;
    b->name = a->name;
    a->name = old.name;
    b->sessions = a->sessions;
    a->sessions = old.sessions;
}

void acl_user_settle(struct user *u)
{
    u->unlimited = false;
    for (uint32_t i = 0; i < u->selector_count; i++) {
        const struct acl_selector *s = u->selectors[i];
        if (s->all_commands && s->all_keys && s->all_channels) u->unlimited = true;
    }
}

/* ---- Passwords ---- */

/* All of it is compared, whatever differs. */
static bool sums_equal(const uint8_t *a, const uint8_t *b)
{
    volatile uint8_t difference = 0;
    for (unsigned i = 0; i < SHA256_BYTES; i++) difference |= a[i] ^ b[i];
    return difference == 0;
}

bool acl_user_accepts(const struct user *u, struct bytes password)
{
    static const uint8_t nothing[SHA256_BYTES];
    bool has_some = u != NULL && u->password_count > 0;
    uint32_t count = has_some ? u->password_count : 1;
    uint8_t sum[SHA256_BYTES];
    sha256(password, sum);
    volatile unsigned right = 0;
    for (uint32_t i = 0; i < count; i++)
        right += sums_equal(sum, has_some ? u->passwords[i] : nothing);
    if (u == NULL || !u->on) return false;
    return u->nopass || (has_some && right > 0);
}

static uint8_t *user_find_password(struct user *u, const uint8_t *sum)
{
    for (uint32_t i = 0; i < u->password_count; i++)
        if (memcmp(u->passwords[i], sum, SHA256_BYTES) == 0) return u->passwords[i];
    return NULL;
}

static void user_add_password(struct user *u, const uint8_t *sum)
{
    u->nopass = false;
    if (user_find_password(u, sum) != NULL) return;
    u->passwords = heap_realloc(u->passwords, (u->password_count + 1) * sizeof u->passwords[0]);
    memcpy(u->passwords[u->password_count++], sum, SHA256_BYTES);
}

static enum acl_error user_remove_password(struct user *u, const uint8_t *sum)
{
    uint8_t *at = user_find_password(u, sum);
    if (at == NULL) return ACL_NO_SUCH_PASSWORD;
    u->password_count--;
    memmove(at, at + SHA256_BYTES, (size_t)((uint8_t *)(u->passwords + u->password_count) - at));
    return ACL_FINE;
}

/* >password <password #hash !hash. */
static enum acl_error user_apply_password(struct user *u, struct bytes rule)
{
    uint8_t sum[SHA256_BYTES];
    struct bytes text = bytes_make(rule.ptr + 1, rule.len - 1);
    char sign = rule.ptr[0];
    if (sign == '>' || sign == '<')
        sha256(text, sum);
    else if (!sha256_read(text, sum))
        return ACL_BAD_HASH;
    if (sign == '<' || sign == '!') return user_remove_password(u, sum);
    user_add_password(u, sum);
    return ACL_FINE;
}

/* ---- Rules ---- */

/* (...): rules of commands, keys and channels, between blanks. */
static enum acl_error user_apply_selector(struct user *u, struct bytes rule)
{
    struct acl_selector *s = acl_selector_make(new_users_have_channels());
    enum acl_error e = ACL_FINE;
    const char *p = rule.ptr + 1, *end = rule.ptr + rule.len - 1;
    while (e == ACL_FINE) {
        while (p < end && *p == ' ') p++;
        if (p == end) break;
        const char *from = p;
        while (p < end && *p != ' ') p++;
        e = acl_selector_apply(s, bytes_make(from, (size_t)(p - from)));
    }
    if (e == ACL_FINE)
        user_add_selector(u, s);
    else
        acl_selector_free(s);
    return e;
}

static void user_reset(struct user *u)
{
    user_drop_selectors(u, 0);
    user_drop_passwords(u);
    user_add_selector(u, acl_selector_make(new_users_have_channels()));
    u->on = u->nopass = u->skips_sanitize = false;
}

static bool user_apply_word(struct user *u, struct bytes rule)
{
    if (bytes_is_word(rule, "on")) {
        u->on = true;
    } else if (bytes_is_word(rule, "off")) {
        u->on = false;
    } else if (bytes_is_word(rule, "nopass")) {
        user_drop_passwords(u);
        u->nopass = true;
    } else if (bytes_is_word(rule, "resetpass")) {
        user_drop_passwords(u);
        u->nopass = false;
    } else if (bytes_is_word(rule, "skip-sanitize-payload")) {
        u->skips_sanitize = true;
    } else if (bytes_is_word(rule, "sanitize-payload")) {
        u->skips_sanitize = false;
    } else if (bytes_is_word(rule, "clearselectors")) {
        user_drop_selectors(u, 1);
    } else if (bytes_is_word(rule, "reset")) {
        user_reset(u);
    } else {
        return false;
    }
    return true;
}

enum acl_error acl_user_apply(struct user *u, struct bytes rule)
{
    if (rule.len == 0 || user_apply_word(u, rule)) return ACL_FINE;
    if (strchr("><#!", rule.ptr[0]) != NULL && rule.ptr[0] != '\0')
        return user_apply_password(u, rule);
    if (rule.len >= 2 && rule.ptr[0] == '(' && rule.ptr[rule.len - 1] == ')')
        return user_apply_selector(u, rule);
    return acl_selector_apply(u->selectors[0], rule);
}

bool acl_rules_join(const struct bytes *words, uint32_t count, struct acl_rules *out,
                    uint32_t *unmatched)
{
    size_t room = 1;
    for (uint32_t i = 0; i < count; i++) room += words[i].len + 1;
    *out = (struct acl_rules){.at = heap_alloc((count + 1) * sizeof out->at[0]),
                              .memory = heap_alloc(room)};
    char *to = out->memory;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes w = words[i];
        bool opens = w.len > 0 && w.ptr[0] == '(' && w.ptr[w.len - 1] != ')';
        if (!opens) {
            out->at[out->count++] = w;
            continue;
        }
        const char *from = to;
        for (bool closed = false; !closed; i++) {
            if (i == count) {
                acl_rules_free(out);
                return false;
            }
            if (words[i].len > 0 && words[i].ptr[0] == '(') *unmatched = i; /* the innermost */
            if (to > from) *to++ = ' ';
            if (words[i].len > 0) memcpy(to, words[i].ptr, words[i].len);
            to += words[i].len;
            closed = words[i].len > 0 && words[i].ptr[words[i].len - 1] == ')';
        }
        i--;
        out->at[out->count++] = bytes_make(from, (size_t)(to - from));
    }
    return true;
}

void acl_rules_free(struct acl_rules *r)
{
    heap_free(r->at);
    heap_free(r->memory);
    *r = (struct acl_rules){0};
}

bool acl_name_is_valid(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if (isspace((unsigned char)name.ptr[i]) || name.ptr[i] == '\0') return false;
    return name.len > 0;
}

/* ---- In words ---- */

void acl_user_print(const struct user *u, struct reply *out)
{
    reply_printf(out, "user %s %s", u->name, u->on ? "on" : "off");
    if (u->nopass) reply_printf(out, " nopass");
    reply_printf(out, u->skips_sanitize ? " skip-sanitize-payload" : " sanitize-payload");
    for (uint32_t i = 0; i < u->password_count; i++) {
        char hex[SHA256_HEX_CHARS + 1];
        sha256_print(u->passwords[i], hex);
        reply_printf(out, " #%s", hex);
    }
    for (uint32_t i = 0; i < u->selector_count; i++) {
        reply_printf(out, i == 0 ? " " : " (");
        acl_selector_print(u->selectors[i], out);
        if (i > 0) reply_printf(out, ")");
    }
}
