/*
 * Invariants: patterns of keys are there only while not all keys are allowed, and the same of
 * channels. A command whose bit is set has no first arguments, unless they were allowed afterwards.
 * No rule about commands is said twice.
 */
#include "execute/core/acl_selector.h"

#include "base/must.h"
#include "codec/glob.h"
#include "execute/types/heap.h"

#include <ctype.h>

const char *acl_error_text(enum acl_error e)
{
    switch (e) {
    case ACL_FINE: break;
    case ACL_SYNTAX: return "Syntax error";
    case ACL_NO_SUCH_COMMAND: return "Unknown command or category name in ACL";
    case ACL_FIRST_ARG_OF_SUBCOMMAND: return "Allowing first-arg of a subcommand is not supported";
    case ACL_KEY_AFTER_ALL:
        return "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does "
               "not have any effect. Try 'resetkeys' to start with an empty list of patterns";
    case ACL_CHANNEL_AFTER_ALL:
        return "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and "
               "does not have any effect. Try 'resetchannels' to start with an empty list of "
               "channels";
    case ACL_NO_SUCH_PASSWORD:
        return "The password you are trying to remove from the user does not exist";
    case ACL_BAD_HASH:
        return "The password hash must be exactly 64 characters and contain only lowercase "
               "hexadecimal characters";
    }
    return "";
}

static struct bytes text_copy(struct bytes from)
{
    char *p = heap_alloc(from.len + 1);
    if (from.len > 0) memcpy(p, from.ptr, from.len);
    p[from.len] = '\0';
    return bytes_make(p, from.len);
}

static void text_free(struct bytes text) { heap_free((char *)(uintptr_t)text.ptr); }

/* ---- Patterns ---- */

static void patterns_clear(struct acl_patterns *p)
{
    for (uint32_t i = 0; i < p->count; i++) text_free(p->at[i].text);
    heap_free(p->at);
    *p = (struct acl_patterns){0};
}

static uint8_t pattern_form(struct bytes text)
{
    if (glob_is_plain(text)) return ACL_LITERAL;
    bool is_prefix =
        text.ptr[text.len - 1] == '*' && glob_is_plain(bytes_make(text.ptr, text.len - 1));
    return is_prefix ? ACL_PREFIX : ACL_GLOB;
}

static struct acl_pattern *patterns_find(struct acl_patterns *p, struct bytes text)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (bytes_equal(p->at[i].text, text)) return &p->at[i];
    return NULL;
}

/* One that is there already may more from now on. Gives what it may. */
static uint8_t patterns_add(struct acl_patterns *p, struct bytes text, uint8_t may)
{
    struct acl_pattern *known = patterns_find(p, text);
    if (known != NULL) return known->may |= may;
    p->at = heap_realloc(p->at, (p->count + 1) * sizeof p->at[0]);
    struct acl_pattern *new = &p->at[p->count++];
    *new = (struct acl_pattern){.text = text_copy(text), .may = may, .form = pattern_form(text)};
    size_t plain = new->form == ACL_LITERAL ? text.len : new->form == ACL_PREFIX ? text.len - 1 : 0;
    if (plain > sizeof new->head) plain = sizeof new->head;
    for (size_t i = plain; i-- > 0;) new->mask = new->mask << 8 | 0xff;
    new->head = acl_head(bytes_make(new->text.ptr, plain));
    return may;
}

static void patterns_copy(struct acl_patterns *to, const struct acl_patterns *from)
{
    for (uint32_t i = 0; i < from->count; i++) patterns_add(to, from->at[i].text, from->at[i].may);
}

static bool has_blanks(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (isspace((unsigned char)text.ptr[i]) || text.ptr[i] == '\0') return true;
    return false;
}

/* ---- Commands ---- */

const struct command_spec *acl_command(struct bytes name)
{
    for (unsigned id = 0; id < CMD_COUNT; id++) {
        const struct command_spec *spec = command_by_id((enum command_id)id);
        if (bytes_is_word(name, spec->full)) return spec;
    }
    return NULL;
}

static void selector_forget_first_args(struct acl_selector *s, enum command_id id)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->first_arg_count; i++) {
        if (s->first_args[i].id == id)
            text_free(s->first_args[i].word);
        else
            s->first_args[kept++] = s->first_args[i];
    }
    s->first_arg_count = kept;
}

static void selector_forget_all_first_args(struct acl_selector *s)
{
    while (s->first_arg_count > 0) text_free(s->first_args[--s->first_arg_count].word);
    heap_free(s->first_args);
    s->first_args = NULL;
}

static void selector_allow_first_arg(struct acl_selector *s, enum command_id id, struct bytes word)
{
    for (uint32_t i = 0; i < s->first_arg_count; i++)
        if (s->first_args[i].id == id && bytes_is_word(word, s->first_args[i].word.ptr)) return;
    s->first_args = heap_realloc(s->first_args, (s->first_arg_count + 1) * sizeof s->first_args[0]);
    s->first_args[s->first_arg_count++] = (struct acl_first_arg){id, text_copy(word)};
}

static void selector_set_bit(struct acl_selector *s, enum command_id id, bool allow)
{
    uint64_t bit = UINT64_C(1) << (id % 64);
    if (allow)
        s->allowed[id / 64] |= bit;
    else
        s->allowed[id / 64] &= ~bit;
    selector_forget_first_args(s, id);
}

static void selector_note_all(struct acl_selector *s)
{
    s->all_commands = true;
    for (unsigned id = 0; id < CMD_COUNT; id++)
        s->all_commands = s->all_commands && acl_selector_has(s, (enum command_id)id);
}

/* A container brings its subcommands along. */
static void selector_set_command(struct acl_selector *s, const struct command_spec *spec,
                                 bool allow)
{
    selector_set_bit(s, spec->id, allow);
    for (unsigned id = spec->id + 1; spec->is_container && id < CMD_COUNT; id++) {
        if (command_by_id((enum command_id)id)->parent == NULL) break;
        selector_set_bit(s, (enum command_id)id, allow);
    }
    selector_note_all(s);
}

static void selector_set_category(struct acl_selector *s, uint32_t category, bool allow)
{
    for (unsigned id = 0; id < CMD_COUNT; id++)
        if ((command_by_id((enum command_id)id)->categories & category) != 0)
            selector_set_bit(s, (enum command_id)id, allow);
    selector_note_all(s);
}

static void selector_forget_rules(struct acl_selector *s)
{
    while (s->rule_count > 0) text_free(s->rules[--s->rule_count]);
    heap_free(s->rules);
    s->rules = NULL;
}

static void selector_set_all(struct acl_selector *s, bool allow)
{
    memset(s->allowed, 0, sizeof s->allowed);
    for (unsigned id = 0; allow && id < CMD_COUNT; id++)
        s->allowed[id / 64] |= UINT64_C(1) << (id % 64);
    s->all_commands = s->new_commands = allow;
    selector_forget_all_first_args(s);
    selector_forget_rules(s);
}

/* Is `old` without effect once `rule` has been said? They come with their signs. */
static bool rule_replaces(struct bytes rule, struct bytes old)
{
    if (old.len < rule.len || memcmp(rule.ptr + 1, old.ptr + 1, rule.len - 1) != 0) return false;
    if (old.len == rule.len) return true;
    return rule.ptr[1] != '@' && old.ptr[rule.len] == '|'; /* of a command about its parts */
}

static void selector_note_rule(struct acl_selector *s, struct bytes rule)
{
    struct bytes kept_rule = text_copy(rule);
    for (size_t i = 0; i < rule.len; i++)
        ((char *)(uintptr_t)kept_rule.ptr)[i] = (char)tolower((unsigned char)rule.ptr[i]);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->rule_count; i++) {
        if (rule_replaces(kept_rule, s->rules[i]))
            text_free(s->rules[i]);
        else
            s->rules[kept++] = s->rules[i];
    }
    s->rules = heap_realloc(s->rules, (kept + 1) * sizeof s->rules[0]);
    s->rules[kept] = kept_rule;
    s->rule_count = kept + 1;
}

/* "+select|0": no subcommand, so the first argument. */
static enum acl_error selector_apply_first_arg(struct acl_selector *s, struct bytes name)
{
    const char *bar = memrchr(name.ptr, '|', name.len);
    size_t len = (size_t)(bar - name.ptr);
    const struct command_spec *spec = acl_command(bytes_make(name.ptr, len));
    struct bytes word = bytes_make(bar + 1, name.len - len - 1);
    if (spec == NULL || spec->is_container) return ACL_NO_SUCH_COMMAND;
    if (spec->parent != NULL) return ACL_FIRST_ARG_OF_SUBCOMMAND;
    if (word.len == 0 || has_blanks(word)) return ACL_SYNTAX;
    selector_allow_first_arg(s, spec->id, word);
    return ACL_FINE;
}

static enum acl_error selector_apply_command(struct acl_selector *s, struct bytes rule)
{
    bool allow = rule.ptr[0] == '+';
    struct bytes name = bytes_make(rule.ptr + 1, rule.len - 1);
    if (bytes_is_word(name, "@all")) {
        selector_set_all(s, allow);
        return ACL_FINE;
    }
    if (name.len > 0 && name.ptr[0] == '@') {
        uint32_t category = command_category_named(bytes_make(name.ptr + 1, name.len - 1));
        if (category == 0) return ACL_NO_SUCH_COMMAND;
        selector_set_category(s, category, allow);
    } else {
        const struct command_spec *spec = acl_command(name);
        bool has_bar = name.len > 0 && memchr(name.ptr, '|', name.len) != NULL;
        if (spec != NULL) {
            selector_set_command(s, spec, allow);
        } else if (allow && has_bar) {
            enum acl_error e = selector_apply_first_arg(s, name);
            if (e != ACL_FINE) return e;
        } else {
            return ACL_NO_SUCH_COMMAND;
        }
    }
    selector_note_rule(s, rule);
    return ACL_FINE;
}

/* ---- Rules ---- */

static void selector_all_keys(struct acl_selector *s)
{
    patterns_clear(&s->keys);
    s->all_keys = true;
}

static void selector_all_channels(struct acl_selector *s)
{
    patterns_clear(&s->channels);
    s->all_channels = true;
}

/* ~pattern and %RW~pattern. */
static enum acl_error selector_apply_key(struct acl_selector *s, struct bytes rule)
{
    uint8_t may = rule.ptr[0] == '~' ? ACL_READ_WRITE : 0;
    size_t i = 1;
    if (may == 0) {
        for (; i < rule.len && rule.ptr[i] != '~'; i++) {
            int c = toupper((unsigned char)rule.ptr[i]);
            if (c == 'R' && (may & ACL_READ) == 0)
                may |= ACL_READ;
            else if (c == 'W' && (may & ACL_WRITE) == 0)
                may |= ACL_WRITE;
            else
                return ACL_SYNTAX;
        }
        if (may == 0 || i == rule.len) return ACL_SYNTAX;
        i++;
    }
    struct bytes pattern = bytes_make(rule.ptr + i, rule.len - i);
    bool is_all = bytes_equal(pattern, bytes_of("*"));
    if (is_all && may == ACL_READ_WRITE) {
        selector_all_keys(s);
        return ACL_FINE;
    }
    if (s->all_keys) return ACL_KEY_AFTER_ALL;
    if (has_blanks(pattern)) return ACL_SYNTAX;
    if (patterns_add(&s->keys, pattern, may) == ACL_READ_WRITE && is_all) selector_all_keys(s);
    return ACL_FINE;
}

static enum acl_error selector_apply_channel(struct acl_selector *s, struct bytes rule)
{
    struct bytes pattern = bytes_make(rule.ptr + 1, rule.len - 1);
    if (bytes_equal(pattern, bytes_of("*"))) {
        selector_all_channels(s);
        return ACL_FINE;
    }
    if (s->all_channels) return ACL_CHANNEL_AFTER_ALL;
    if (has_blanks(pattern)) return ACL_SYNTAX;
    patterns_add(&s->channels, pattern, ACL_READ_WRITE);
    return ACL_FINE;
}

static bool selector_apply_word(struct acl_selector *s, struct bytes rule)
{
    if (bytes_is_word(rule, "allkeys")) {
        selector_all_keys(s);
    } else if (bytes_is_word(rule, "resetkeys")) {
        patterns_clear(&s->keys);
        s->all_keys = false;
    } else if (bytes_is_word(rule, "allchannels")) {
        selector_all_channels(s);
    } else if (bytes_is_word(rule, "resetchannels")) {
        patterns_clear(&s->channels);
        s->all_channels = false;
    } else if (bytes_is_word(rule, "allcommands")) {
        selector_set_all(s, true);
    } else if (bytes_is_word(rule, "nocommands")) {
        selector_set_all(s, false);
    } else {
        return false;
    }
    return true;
}

enum acl_error acl_selector_apply(struct acl_selector *s, struct bytes rule)
{
    if (selector_apply_word(s, rule)) return ACL_FINE;
    if (rule.len == 0) return ACL_SYNTAX;
    switch (rule.ptr[0]) {
    case '+':
    case '-': return selector_apply_command(s, rule);
    case '~':
    case '%': return selector_apply_key(s, rule);
    case '&': return selector_apply_channel(s, rule);
    default: return ACL_SYNTAX;
    }
}

/* ---- Life ---- */

struct acl_selector *acl_selector_make(bool all_channels)
{
    struct acl_selector *s = heap_zalloc(sizeof *s);
    s->all_channels = all_channels;
    return s;
}

struct acl_selector *acl_selector_copy(const struct acl_selector *from)
{
    struct acl_selector *s = acl_selector_make(from->all_channels);
    memcpy(s->allowed, from->allowed, sizeof s->allowed);
    s->all_commands = from->all_commands;
    s->all_keys = from->all_keys;
    s->new_commands = from->new_commands;
    patterns_copy(&s->keys, &from->keys);
    patterns_copy(&s->channels, &from->channels);
    for (uint32_t i = 0; i < from->first_arg_count; i++)
        selector_allow_first_arg(s, from->first_args[i].id, from->first_args[i].word);
    if (from->rule_count > 0) s->rules = heap_alloc(from->rule_count * sizeof s->rules[0]);
    for (; s->rule_count < from->rule_count; s->rule_count++)
        s->rules[s->rule_count] = text_copy(from->rules[s->rule_count]);
    return s;
}

void acl_selector_free(struct acl_selector *s)
{
    patterns_clear(&s->keys);
    patterns_clear(&s->channels);
    selector_forget_all_first_args(s);
    selector_forget_rules(s);
    heap_free(s);
}

/* ---- In words ---- */

static void print_text(struct bytes text, struct reply *out) { reply_raw(out, text.ptr, text.len); }

void acl_selector_print_commands(const struct acl_selector *s, struct reply *out)
{
    print_text(bytes_of(s->new_commands ? "+@all" : "-@all"), out);
    for (uint32_t i = 0; i < s->rule_count; i++) {
        print_text(bytes_of(" "), out);
        print_text(s->rules[i], out);
    }
}

void acl_selector_print_keys(const struct acl_selector *s, struct reply *out)
{
    if (s->all_keys) print_text(bytes_of("~*"), out);
    for (uint32_t i = 0; i < s->keys.count; i++) {
        const struct acl_pattern *p = &s->keys.at[i];
        if (i > 0) print_text(bytes_of(" "), out);
        if (p->may == ACL_READ) print_text(bytes_of("%R"), out);
        if (p->may == ACL_WRITE) print_text(bytes_of("%W"), out);
        print_text(bytes_of("~"), out);
        print_text(p->text, out);
    }
}

void acl_selector_print_channels(const struct acl_selector *s, struct reply *out)
{
    if (s->all_channels) print_text(bytes_of("&*"), out);
    for (uint32_t i = 0; i < s->channels.count; i++) {
        print_text(bytes_of(i > 0 ? " &" : "&"), out);
        print_text(s->channels.at[i].text, out);
    }
}

void acl_selector_print(const struct acl_selector *s, struct reply *out)
{
    acl_selector_print_keys(s, out);
    if (s->all_keys || s->keys.count > 0) print_text(bytes_of(" "), out);
    if (!s->all_channels) print_text(bytes_of("resetchannels "), out);
    acl_selector_print_channels(s, out);
    if (s->all_channels || s->channels.count > 0) print_text(bytes_of(" "), out);
    acl_selector_print_commands(s, out);
}
