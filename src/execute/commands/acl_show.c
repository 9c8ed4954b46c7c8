/*
 * ACL USERS, LIST, GETUSER and LOG.
 */
#include "base/clock.h"
#include "execute/commands/table.h"
#include "execute/core/acl_log.h"
#include "execute/core/acl_user.h"

enum { LOG_ENTRIES = 10 };

enum run_result cmd_ACL_USERS(struct call *c)
{
    reply_array(c, acl_user_count());
    for (uint32_t i = 0; i < acl_user_count(); i++) reply_text(c, acl_user_at(i)->name);
    return RUN_OK;
}

enum run_result cmd_ACL_LIST(struct call *c)
{
    struct reply text = {0};
    reply_array(c, acl_user_count());
    for (uint32_t i = 0; i < acl_user_count(); i++) {
        text.len = 0;
        acl_user_print(acl_user_at(i), &text);
        reply_bulk(c, bytes_make(text.buf, text.len));
    }
    reply_release(&text);
    return RUN_OK;
}

/* ---- GETUSER ---- */

static void show_flags(struct call *c, const struct user *u)
{
    reply_text(c, "flags");
    reply_set(c, 2 + (u->nopass ? 1 : 0));
    reply_text(c, u->on ? "on" : "off");
    if (u->nopass) reply_text(c, "nopass");
    reply_text(c, u->skips_sanitize ? "skip-sanitize-payload" : "sanitize-payload");
}

static void show_passwords(struct call *c, const struct user *u)
{
    reply_text(c, "passwords");
    reply_array(c, u->password_count);
    for (uint32_t i = 0; i < u->password_count; i++) {
        char hex[SHA256_HEX_CHARS + 1];
        sha256_print(u->passwords[i], hex);
        reply_text(c, hex);
    }
}

/* Three pairs. */
static void show_selector(struct call *c, const struct acl_selector *s)
{
    static const struct {
        const char *name;
        void (*print)(const struct acl_selector *s, struct reply *out);
    } parts[] = {
        {"commands", acl_selector_print_commands},
        {"keys", acl_selector_print_keys},
        {"channels", acl_selector_print_channels},
    };
    struct reply text = {0};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        text.len = 0;
        parts[i].print(s, &text);
        reply_text(c, parts[i].name);
        reply_bulk(c, bytes_make(text.buf, text.len));
    }
    reply_release(&text);
}

enum run_result cmd_ACL_GETUSER(struct call *c)
{
    const struct user *u = acl_find(arg(c, 2));
    if (u == NULL) return reply_null(c);
    reply_map(c, 6);
    show_flags(c, u);
    show_passwords(c, u);
    show_selector(c, u->selectors[0]);
    reply_text(c, "selectors");
    reply_array(c, u->selector_count - 1);
    for (uint32_t i = 1; i < u->selector_count; i++) {
        reply_map(c, 3);
        show_selector(c, u->selectors[i]);
    }
    return RUN_OK;
}

/* ---- LOG ---- */

static void show_entry(struct call *c, const struct acl_log_entry *e, int64_t now_ms)
{
    static const char *const reasons[] = {"command", "key", "channel", "auth"};
    static const char *const contexts[] = {"toplevel", "multi", "lua"};
    reply_map(c, 10);
    reply_text(c, "count");
    reply_int(c, (int64_t)e->count);
    reply_key_value_text(c, "reason", reasons[e->reason]);
    reply_key_value_text(c, "context", contexts[e->context]);
    reply_text(c, "object");
    reply_bulk(c, e->object);
    reply_text(c, "username");
    reply_bulk(c, e->user);
    reply_text(c, "age-seconds");
    reply_double(c, (double)(now_ms - e->updated_ms) / 1000);
    reply_text(c, "client-info");
    reply_bulk(c, e->client);
    reply_text(c, "entry-id");
    reply_int(c, (int64_t)e->id);
    reply_text(c, "timestamp-created");
    reply_int(c, e->created_ms);
    reply_text(c, "timestamp-last-updated");
    reply_int(c, e->updated_ms);
}

enum run_result cmd_ACL_LOG(struct call *c)
{
    int64_t wanted = LOG_ENTRIES;
    if (c->nargs > 3) return reply_subcommand(c);
    if (c->nargs == 3 && call_arg_is(c, 2, "reset")) {
        acl_log_clear();
        return reply_ok(c);
    }
    if (c->nargs == 3 && !call_int(c, 2, &wanted)) return RUN_ERROR;
    uint64_t count = acl_log_count();
    if (wanted < 0) wanted = 0;
    if (count > (uint64_t)wanted) count = (uint64_t)wanted;
    int64_t now_ms = clock_wall_ms();
    const struct acl_log_entry *e = acl_log_first();
    reply_array(c, count);
    for (uint64_t i = 0; i < count; i++, e = e->older) show_entry(c, e, now_ms);
    return RUN_OK;
}
