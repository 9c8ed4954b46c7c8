/*
 * Users from lines of text and back: aclfile, and the `user` lines of the configuration.
 *
 * A file is read to the end before anything changes, so that all that is wrong is told at once.
 * Texts of errors hold no rule but names of commands: rules may be passwords.
 */
#include "execute/core/acl.h"
#include "execute/core/acl_registry.h"

#include "base/log.h"
#include "base/must.h"
#include "codec/words.h"
#include "catalog/config_users.h"
#include "catalog/settings.h"
#include "execute/core/file_text.h"
#include "execute/core/session.h"
#include "execute/types/heap.h"

#include <errno.h>
#include <stdlib.h>

/* A file being read. */
struct reading {
    const char *path;
    uint32_t line;
    struct acl_list users;
    struct reply *error;
};

/* Of what is wrong with its rules all unknown commands are told, and the first of the rest, which
 * may follow from it. */
static void reading_apply(struct reading *r, struct user *u, const struct acl_rules *rules)
{
    bool told = false;
    for (uint32_t i = 0; i < rules->count; i++) {
        enum acl_error e = acl_user_apply(u, rules->at[i]);
        if (e == ACL_FINE) continue;
        if (e == ACL_NO_SUCH_COMMAND) {
            reply_printf(r->error, "%s:%u: Error in applying operation '", r->path, r->line);
            reply_raw(r->error, rules->at[i].ptr, rules->at[i].len);
            reply_printf(r->error, "': %s. ", acl_error_text(e));
        } else if (!told) {
            reply_printf(r->error, "%s:%u: %s. ", r->path, r->line, acl_error_text(e));
            told = true;
        }
    }
}

/* The words of a line: user, name, rules. */
static void reading_take(struct reading *r, const struct bytes *words, uint32_t count)
{
    struct acl_rules rules;
    uint32_t unmatched;
    if (count < 2 || !bytes_equal(words[0], bytes_of("user"))) {
        reply_printf(r->error, "%s:%u should start with user keyword followed by the username. ",
                     r->path, r->line);
        return;
    }
    if (!acl_name_is_valid(words[1])) {
        reply_printf(r->error, "'%s:%u: username '%.*s' contains invalid characters. ", r->path,
                     r->line, (int)words[1].len, words[1].ptr);
        return;
    }
    if (acl_list_find(&r->users, words[1]) != NULL) {
        reply_printf(r->error, "WARNING: Duplicate user '%.*s' found on line %u. ",
                     (int)words[1].len, words[1].ptr, r->line);
        return;
    }
    struct user *u = acl_user_make(words[1]);
    acl_list_add(&r->users, u);
    if (acl_rules_join(words + 2, count - 2, &rules, &unmatched)) {
        reading_apply(r, u, &rules);
        acl_rules_free(&rules);
    } else {
        reply_printf(r->error, "%s:%u: Unmatched parenthesis in selector definition. ", r->path,
                     r->line);
    }
}

static void reading_lines(struct reading *r, struct bytes text)
{
    while (text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);
        size_t used = end == NULL ? len : len + 1;
        struct bytes line = words_trim(bytes_make(text.ptr, len));
        text = bytes_make(text.ptr + used, text.len - used);
        r->line++;
        struct words w;
        if (line.len == 0) continue;
        if (words_split(line, &w) != 0) {
            reply_printf(r->error, "%s:%u: unbalanced quotes in acl line. ", r->path, r->line);
            continue;
        }
        reading_take(r, w.word, w.count);
        words_free(&w);
    }
}

bool acl_load(struct session *current, struct reply *error)
{
    struct reading r = {.path = settings_now()->aclfile, .error = error};
    struct stat st;
    char *text;
    size_t len;
    int failed = file_text_read(r.path, &text, &len, &st);
    if (failed != 0) {
        reply_printf(error, "Error loading ACLs, opening file '%s': %s", r.path,
                     strerrordesc_np(-failed));
        return false;
    }
    size_t before = error->len;
    reading_lines(&r, bytes_make(text, len));
    explicit_bzero(text, len);
    free(text);
    bool is_fine = error->len == before;
    if (is_fine)
        acl_replace_all(&r.users, current);
    else
        reply_printf(error, "WARNING: ACL errors detected, no change to the previously active ACL "
                            "rules was performed");
    acl_list_free(&r.users);
    return is_fine;
}

/* ---- The configuration ---- */

/* A `user` line. Users that are there, which is the default one, start anew. */
static int take_config_user(const struct config_user *line, struct reply *error)
{
    struct bytes reset = bytes_of("reset");
    struct reply reason = {0};
    bool is_fine = acl_set_user(line->words[0], &reset, 1, NULL, &reason) &&
                   acl_set_user(line->words[0], line->words + 1, line->count - 1, NULL, &reason);
    if (!is_fine)
        reply_printf(error, "Error in user declaration '%s': %.*s", line->words[0].ptr,
                     (int)reason.len, reason.buf);
    reply_release(&reason);
    return is_fine ? 0 : -EINVAL;
}

int acl_load_at_start(struct reply *error)
{
    bool has_file = settings_now()->aclfile[0] != '\0';
    int result = 0;
    if (has_file && config_users_count() > 0) {
        reply_printf(error,
                     "Configuring users with the lines `user` of the configuration and an aclfile "
                     "at the same time is invalid: please use one of the two, not both");
        result = -EINVAL;
    }
    for (uint32_t i = 0; result == 0 && i < config_users_count(); i++)
        result = take_config_user(config_users_at(i), error);
    config_users_forget();
    if (result == 0 && has_file) {
        reply_printf(error, "Aborting startup because of ACL errors: ");
        result = acl_load(NULL, error) ? 0 : -EINVAL;
    }
    return result;
}

/* ---- In lines ---- */

/* Words are quoted where they would not be read back, but for hashes, which begin as a comment
 * does. */
static void print_line(const struct user *u, FILE *out)
{
    struct reply text = {0};
    acl_user_print(u, &text);
    struct bytes rest = bytes_make(text.buf, text.len);
    while (rest.ptr != NULL) {
        const char *blank = memchr(rest.ptr, ' ', rest.len);
        size_t len = blank == NULL ? rest.len : (size_t)(blank - rest.ptr);
        if (rest.ptr != text.buf) fputc(' ', out);
        if (len > 0 && rest.ptr[0] == '#')
            fwrite(rest.ptr, 1, len, out);
        else
            words_quote(bytes_make(rest.ptr, len), out);
        rest = blank == NULL ? bytes_make(NULL, 0) : bytes_make(blank + 1, rest.len - len - 1);
    }
    fputc('\n', out);
    reply_release(&text);
}

/* Is the default user what requirepass alone makes of it? */
static bool default_needs_no_line(void)
{
    const struct user *def = acl_default_user();
    const struct setting_secret *secret = &settings_now()->requirepass;
    if (!def->on || !def->selectors[0]->all_keys || !def->selectors[0]->all_channels ||
        !def->selectors[0]->new_commands || def->selectors[0]->rule_count > 0 ||
        def->selector_count > 1 || def->skips_sanitize)
        return false;
    return secret->len == 0
               ? def->nopass
               : def->password_count == 1 && acl_user_accepts(def, secret_bytes(secret));
}

static void print_users(bool all, struct reply *to)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    must(out != NULL);
    for (uint32_t i = 0; i < acl_user_count(); i++)
        if (all || acl_user_at(i) != acl_default_user() || !default_needs_no_line())
            print_line(acl_user_at(i), out);
    must(fclose(out) == 0);
    reply_raw(to, text, len);
    free(text);
}

void acl_print_lines(struct reply *out)
{
    reply_grow(out, 1); /* lines of users are ours even when there are none */
    if (settings_now()->aclfile[0] == '\0') print_users(false, out);
}

int acl_save(void)
{
    struct stat st = {.st_mode = 0600, .st_uid = (uid_t)-1, .st_gid = (gid_t)-1};
    struct reply text = {0};
    print_users(true, &text);
    int r = file_text_replace(settings_now()->aclfile, bytes_make(text.buf, text.len), &st);
    reply_release(&text);
    return r;
}
