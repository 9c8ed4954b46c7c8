/*
 * COMMAND: the command table as clients see it.
 *
 * Everything is printed from catalog/command.h and catalog/command_docs.h; nothing about a single
 * command is known here. Commands that `rename-command` took away are not shown; renamed ones are
 * shown under the name of their row, as Redis does.
 */
#include "execute/commands/table.h"
#include "execute/core/key_uses.h"

#include "catalog/command_docs.h"
#include "codec/glob.h"

#include <stdio.h>

/* The flags that are facts for the server and not for clients. */
#define HIDDEN_FLAGS (CF_MAY_REPLICATE | CF_SENTINEL | CF_PROTECTED | CF_TOUCHES_ARBITRARY_KEYS)

static bool command_is_top(const struct command_spec *spec)
{
    return spec->parent == NULL && command_is_typed(spec);
}

static uint64_t command_top_count(void)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < CMD_COUNT; i++) n += command_is_top(command_by_id(i));
    return n;
}

/* The row after `last` (NULL: the first) among the subcommands of `container`; NULL when there are
 * no more. */
static const struct command_spec *command_next_sub(const struct command_spec *container,
                                                   const struct command_spec *last)
{
    uint32_t i = (last == NULL ? container->id : last->id) + 1;
    if (i >= CMD_COUNT || !container->is_container) return NULL;
    const struct command_spec *next = command_by_id(i);
    return next->parent != NULL ? next : NULL; /* they follow their container without a gap */
}

static uint64_t command_sub_count(const struct command_spec *container)
{
    uint64_t n = 0;
    const struct command_spec *sub = NULL;
    while ((sub = command_next_sub(container, sub)) != NULL) n++;
    return n;
}

/* ---- COMMAND, COMMAND INFO ---- */

/* A set of statuses: the names of the bits of `bits`, each after `sign`. */
static void command_reply_bits(struct call *c, uint32_t bits, const char *(*name_of)(unsigned bit),
                               const char *sign)
{
    reply_set(c, (uint64_t)__builtin_popcount(bits));
    for (unsigned bit = 0; bit < 32; bit++) {
        if ((bits >> bit & 1) == 0) continue;
        char text[64];
        snprintf(text, sizeof(text), "%s%s", sign, name_of(bit));
        reply_status(c, text);
    }
}

static void command_reply_tips(struct call *c, const char *tips)
{
    uint64_t n = *tips != '\0';
    for (const char *p = tips; *p != '\0'; p++) n += *p == ' ';
    reply_set(c, n);
    while (*tips != '\0') {
        size_t len = strcspn(tips, " ");
        reply_bulk(c, bytes_make(tips, len));
        tips += len + (tips[len] == ' ');
    }
}

static void command_reply_number(struct call *c, const char *name, int value)
{
    reply_text(c, name);
    reply_int(c, value);
}

/* {type, spec}: the caller adds the pairs of the spec. */
static void command_reply_spec_head(struct call *c, const char *what, const char *type, uint64_t n)
{
    reply_text(c, what);
    reply_map(c, 2);
    reply_key_value_text(c, "type", type);
    reply_text(c, "spec");
    reply_map(c, n);
}

static void command_reply_begin(struct call *c, const struct key_spec *k)
{
    static const char what[] = "begin_search";
    if (k->begin == KEY_BEGIN_INDEX) {
        command_reply_spec_head(c, what, "index", 1);
        command_reply_number(c, "index", k->begin_index);
    } else if (k->begin == KEY_BEGIN_KEYWORD) {
        command_reply_spec_head(c, what, "keyword", 2);
        reply_key_value_text(c, "keyword", k->begin_keyword);
        command_reply_number(c, "startfrom", k->begin_index);
    } else {
        command_reply_spec_head(c, what, "unknown", 0);
    }
}

static void command_reply_find(struct call *c, const struct key_spec *k)
{
    static const char what[] = "find_keys";
    if (k->find == KEY_FIND_RANGE) {
        command_reply_spec_head(c, what, "range", 3);
        command_reply_number(c, "lastkey", k->last);
        command_reply_number(c, "keystep", k->step);
        command_reply_number(c, "limit", k->limit);
    } else if (k->find == KEY_FIND_KEYNUM) {
        command_reply_spec_head(c, what, "keynum", 3);
        command_reply_number(c, "keynumidx", k->keynum_index);
        command_reply_number(c, "firstkey", k->first);
        command_reply_number(c, "keystep", k->step);
    } else {
        command_reply_spec_head(c, what, "unknown", 0);
    }
}

static void command_reply_key_specs(struct call *c, const struct command_spec *spec)
{
    reply_set(c, spec->key_count);
    for (uint32_t i = 0; i < spec->key_count; i++) {
        const struct key_spec *k = &spec->keys[i];
        reply_map(c, k->notes != NULL ? 4 : 3);
        if (k->notes != NULL) reply_key_value_text(c, "notes", k->notes);
        reply_text(c, "flags");
        command_reply_bits(c, k->flags, key_flag_name, "");
        command_reply_begin(c, k);
        command_reply_find(c, k);
    }
}

/* The array of ten; its last element holds the same of each subcommand. Containers do not nest
 * deeper. */
static void command_reply_info(struct call *c, const struct command_spec *spec)
{
    struct command_key_range range = command_docs_key_range(spec);
    reply_array(c, 10);
    reply_text(c, spec->full);
    reply_int(c, spec->arity);
    command_reply_bits(c, spec->flags & ~(uint32_t)HIDDEN_FLAGS, command_flag_name, "");
    reply_int(c, range.first);
    reply_int(c, range.last);
    reply_int(c, range.step);
    command_reply_bits(c, spec->categories, command_category_name, "@");
    command_reply_tips(c, spec->tips);
    command_reply_key_specs(c, spec);

    uint64_t subs = command_sub_count(spec);
    if (subs == 0) {
        reply_set(c, 0);
        return;
    }
    reply_array(c, subs);
    const struct command_spec *sub = NULL;
    while ((sub = command_next_sub(spec, sub)) != NULL) command_reply_info(c, sub);
}

enum run_result cmd_COMMAND(struct call *c)
{
    reply_array(c, command_top_count());
    for (uint32_t i = 0; i < CMD_COUNT; i++) {
        if (command_is_top(command_by_id(i))) command_reply_info(c, command_by_id(i));
    }
    return RUN_OK;
}

enum run_result cmd_COMMAND_INFO(struct call *c)
{
    if (c->nargs == 2) return cmd_COMMAND(c);
    reply_array(c, c->nargs - 2);
    for (uint32_t i = 2; i < c->nargs; i++) {
        const struct command_spec *spec = command_named(arg(c, i));
        if (spec != NULL)
            command_reply_info(c, spec);
        else
            reply_null(c);
    }
    return RUN_OK;
}

enum run_result cmd_COMMAND_COUNT(struct call *c)
{
    return reply_int(c, (int64_t)command_top_count());
}

/* ---- COMMAND DOCS ---- */

static void command_reply_argument_flags(struct call *c, const struct doc_argument *a)
{
    reply_text(c, "flags");
    reply_set(c, (uint64_t)a->optional + a->multiple + a->multiple_token);
    if (a->optional) reply_status(c, "optional");
    if (a->multiple) reply_status(c, "multiple");
    if (a->multiple_token) reply_status(c, "multiple_token");
}

/* The arguments from `first` on, with what is inside of them. As deep as the syntax has brackets.
 */
static void command_reply_arguments(struct call *c, const struct doc_arguments *all, int16_t first)
{
    uint64_t n = 0;
    for (int16_t i = first; i >= 0; i = all->at[i].next) n++;
    reply_array(c, n);
    for (int16_t i = first; i >= 0; i = all->at[i].next) {
        const struct doc_argument *a = &all->at[i];
        bool leaf = a->first_child < 0;
        bool flagged = a->optional || a->multiple;
        reply_map(c, 3 + (uint64_t)(a->key_spec_index >= 0) + (a->token.len > 0) + flagged);
        reply_key_value_text(c, "name", a->name);
        reply_key_value_text(c, "type", doc_type_name(a->type));
        if (leaf) reply_key_value_text(c, "display_text", a->name);
        if (a->key_spec_index >= 0) command_reply_number(c, "key_spec_index", a->key_spec_index);
        if (a->token.len > 0) {
            reply_text(c, "token");
            reply_bulk(c, a->token);
        }
        if (flagged) command_reply_argument_flags(c, a);
        if (leaf) continue;
        reply_text(c, "arguments");
        command_reply_arguments(c, all, a->first_child);
    }
}

/* "6.2.0|`GETRANGE`": since when, and what to use instead. */
static void command_reply_deprecation(struct call *c, const char *deprecated)
{
    size_t since = strcspn(deprecated, "|");
    reply_text(c, "doc_flags");
    reply_set(c, 1);
    reply_status(c, "deprecated");
    reply_text(c, "deprecated_since");
    reply_bulk(c, bytes_make(deprecated, since));
    reply_key_value_text(c, "replaced_by", deprecated + since + 1);
}

static void command_reply_docs(struct call *c, const struct command_spec *spec)
{
    struct doc_arguments arguments;
    command_docs_arguments(spec, &arguments);
    uint64_t subs = command_sub_count(spec);

    reply_text(c, spec->full);
    reply_map(c, 4 + (spec->deprecated != NULL ? 3u : 0u) + (arguments.first >= 0) + (subs > 0));
    reply_key_value_text(c, "summary", spec->summary);
    reply_key_value_text(c, "since", spec->since);
    reply_key_value_text(c, "group", spec->group);
    reply_key_value_text(c, "complexity", spec->complexity);
    if (spec->deprecated != NULL) command_reply_deprecation(c, spec->deprecated);
    if (arguments.first >= 0) {
        reply_text(c, "arguments");
        command_reply_arguments(c, &arguments, arguments.first);
    }
    if (subs == 0) return;
    reply_text(c, "subcommands");
    reply_map(c, subs);
    const struct command_spec *sub = NULL;
    while ((sub = command_next_sub(spec, sub)) != NULL) command_reply_docs(c, sub);
}

enum run_result cmd_COMMAND_DOCS(struct call *c)
{
    size_t mark = reply_defer(c);
    uint64_t n = 0;
    for (uint32_t i = 2; i < c->nargs; i++) {
        const struct command_spec *spec = command_named(arg(c, i));
        if (spec == NULL) continue;
        command_reply_docs(c, spec);
        n++;
    }
    for (uint32_t i = 0; i < CMD_COUNT && c->nargs == 2; i++) {
        if (!command_is_top(command_by_id(i))) continue;
        command_reply_docs(c, command_by_id(i));
        n++;
    }
    return reply_defer_map(c, mark, n);
}

/* ---- COMMAND LIST ---- */

struct list_filter {
    enum { FILTER_NONE, FILTER_MODULE, FILTER_CATEGORY, FILTER_PATTERN } by;
    uint32_t category; /* a bit; 0: there is no such category */
    struct bytes text;
};

static bool command_parse_filter(const struct call *c, struct list_filter *f)
{
    *f = (struct list_filter){.by = FILTER_NONE};
    if (c->nargs == 2) return true;
    if (c->nargs != 5 || !call_arg_is(c, 2, "FILTERBY")) return false;
    f->text = arg(c, 4);
    if (call_arg_is(c, 3, "MODULE"))
        f->by = FILTER_MODULE;
    else if (call_arg_is(c, 3, "ACLCAT"))
        f->by = FILTER_CATEGORY;
    else if (call_arg_is(c, 3, "PATTERN"))
        f->by = FILTER_PATTERN;
    if (f->by == FILTER_CATEGORY) f->category = command_category_named(f->text);
    return f->by != FILTER_NONE;
}

static bool command_passes(const struct command_spec *spec, const struct list_filter *f)
{
    switch (f->by) {
    case FILTER_MODULE: return false; /* all commands are the server's own */
    case FILTER_CATEGORY: return (spec->categories & f->category) != 0;
    case FILTER_PATTERN: return glob_match(f->text, bytes_of(spec->full), true);
    case FILTER_NONE: break;
    }
    return true;
}

enum run_result cmd_COMMAND_LIST(struct call *c)
{
    struct list_filter filter;
    if (!command_parse_filter(c, &filter)) return reply_syntax(c);
    size_t mark = reply_defer(c);
    uint64_t n = 0;
    for (uint32_t i = 0; i < CMD_COUNT; i++) {
        const struct command_spec *spec = command_by_id(i);
        if (!command_is_typed(spec) || !command_passes(spec, &filter)) continue;
        reply_text(c, spec->full);
        n++;
    }
    return reply_defer_array(c, mark, n);
}

/* ---- COMMAND GETKEYS, COMMAND GETKEYSANDFLAGS ---- */

/* Channels of shards are placed as keys are, and are none. */
static bool command_has_keys(const struct command_spec *spec)
{
    for (uint8_t i = 0; i < spec->key_count; i++)
        if (!(spec->keys[i].flags & KEY_NOT_KEY)) return true;
    return false;
}

static enum run_result command_reply_keys(struct call *c, bool with_flags)
{
    const struct bytes *args = c->args + 2;
    uint32_t nargs = c->nargs - 2;
    bool no_such_sub;
    const struct command_spec *spec = command_find(args, nargs, &no_such_sub);
    if (spec == NULL || no_such_sub) return reply_error(c, "ERR Invalid command specified");
    if (!command_has_keys(spec)) return reply_error(c, "ERR The command has no key arguments");
    if (!command_arity_fits(spec, nargs))
        return reply_error(c, "ERR Invalid number of arguments specified for command");

    struct key_uses keys;
    key_uses_find(&keys, command_keys, spec, args, nargs);
    int64_t n = keys.count;
    if (n <= 0 && (spec->flags & CF_NO_MANDATORY_KEYS)) return reply_array(c, 0);
    if (n <= 0) return reply_error(c, "ERR Invalid arguments specified for command");
    reply_array(c, (uint64_t)n);
    for (int64_t i = 0; i < n; i++) {
        if (with_flags) reply_array(c, 2);
        reply_bulk(c, args[keys.at[i].index]);
        if (with_flags) command_reply_bits(c, keys.at[i].flags, key_flag_name, "");
    }
    key_uses_free(&keys);
    return RUN_OK;
}

enum run_result cmd_COMMAND_GETKEYS(struct call *c) { return command_reply_keys(c, false); }

enum run_result cmd_COMMAND_GETKEYSANDFLAGS(struct call *c) { return command_reply_keys(c, true); }

enum run_result cmd_COMMAND_HELP(struct call *c)
{
    static const char *const lines[] = {
        "(no subcommand)",
        "    Describe every command of this server.",
        "COUNT",
        "    Count the commands of this server.",
        "DOCS [<command-name> ...]",
        "    Document the named commands, or all of them.",
        "GETKEYS <full-command>",
        "    Name the keys of a whole command.",
        "GETKEYSANDFLAGS <full-command>",
        "    Name the keys of a whole command and what it does with each.",
        "INFO [<command-name> ...]",
        "    Describe the named commands, or all of them.",
        "LIST [FILTERBY MODULE <name> | ACLCAT <category> | PATTERN <pattern>]",
        "    List the names of commands, all or those that fit.",
        NULL,
    };
    return reply_help(c, lines);
}
