/*
 * The table of commands and the index of its names.
 *
 * The index is one open-addressing table for top-level names and subcommands. A slot holds the
 * first eight bytes of its name in lower case, the length and the container, so that a lookup of a
 * short name is one probe and one comparison of words, without touching the row. Everything here is
 * written by command_rename() and command_open() only, before other threads start; afterwards all
 * stages read it.
 */
#include "catalog/command.h"

#include "base/must.h"
#include "catalog/command_docs.h"
#include "codec/number.h"

#include <errno.h>
#include <stdlib.h>

#define TOP(name_) name_, NULL, name_
#define SUB(parent_, name_) name_, parent_, parent_ "|" name_
#define TIPS(text) .tips = (text)
#define ELEMENT(index_) .element = (index_)
#define DEPRECATED(text) .deprecated = (text)
#define KEYS(...)                                   \
    .keys = (const struct key_spec[]){__VA_ARGS__}, \
    .key_count = sizeof((const struct key_spec[]){__VA_ARGS__}) / sizeof(struct key_spec)
#define KEYS_FROM(first_, last_, step_, flags_)                               \
    {                                                                         \
        .flags = (flags_), .begin = KEY_BEGIN_INDEX, .begin_index = (first_), \
        .find = KEY_FIND_RANGE, .last = (last_), .step = (step_)              \
    }
#define KEYS_AFTER(word_, from_, last_, step_, limit_, flags_)                              \
    {                                                                                       \
        .flags = (flags_), .begin = KEY_BEGIN_KEYWORD, .begin_index = (from_),              \
        .begin_keyword = (word_), .find = KEY_FIND_RANGE, .last = (last_), .step = (step_), \
        .limit = (limit_)                                                                   \
    }
#define KEYS_UNKNOWN(flags_, notes_)                                                               \
    {                                                                                              \
        .flags = (flags_), .begin = KEY_BEGIN_UNKNOWN, .find = KEY_FIND_UNKNOWN, .notes = (notes_) \
    }
#define KEY_AT(index_, flags_) KEYS_FROM(index_, 0, 1, flags_)
/* A count at `index_`, then so many keys. */
#define KEYS_COUNTED(index_, flags_)                                          \
    {                                                                         \
        .flags = (flags_), .begin = KEY_BEGIN_INDEX, .begin_index = (index_), \
        .find = KEY_FIND_KEYNUM, .keynum_index = 0, .first = 1, .step = 1     \
    }
#define KEY_AT_NOTED(index_, flags_, notes_)                                  \
    {                                                                         \
        .flags = (flags_), .begin = KEY_BEGIN_INDEX, .begin_index = (index_), \
        .find = KEY_FIND_RANGE, .step = 1, .notes = (notes_)                  \
    }
/* A script that only reads is not among the commands that read: it calls those. */
#define IMPLIED(flags_, categories_)                                                      \
    ((((flags_)&CF_WRITE) != 0 ? CAT_WRITE : 0) |                                         \
     (((flags_)&CF_READONLY) != 0 && ((categories_)&CAT_SCRIPTING) == 0 ? CAT_READ : 0) | \
     (((flags_)&CF_ADMIN) != 0 ? CAT_ADMIN | CAT_DANGEROUS : 0) |                         \
     (((flags_)&CF_PUBSUB) != 0 ? CAT_PUBSUB : 0) |                                       \
     (((flags_)&CF_BLOCKING) != 0 ? CAT_BLOCKING : 0) |                                   \
     (((flags_)&CF_FAST) != 0 ? CAT_FAST : CAT_SLOW))
#define ROW(id_, name_, parent_, full_, group_, since_, arity_, flags_, categories_, syntax_,  \
            summary_, complexity_, ...)                                                        \
    {                                                                                          \
        .id = (id_), .name = (name_), .parent = (parent_), .full = (full_), .arity = (arity_), \
        .flags = (flags_), .categories = (categories_) | IMPLIED(flags_, categories_),         \
        .group = (group_), .since = (since_), .syntax = (syntax_), .summary = (summary_),      \
        .complexity = (complexity_), ##__VA_ARGS__                                             \
    }

static struct command_spec rows[CMD_COUNT] = {
#define COMMAND(id, ...) [CMD_##id] = ROW(CMD_##id, __VA_ARGS__),
#include "catalog/commands.def"
#undef COMMAND
};

/* The name that users type now: the row's own, another after a rename, NULL when it was taken away.
 */
static const char *typed_name[CMD_COUNT];
static bool is_renamed[CMD_COUNT];

#define NO_PARENT 0
#define SLOT_BITS 10
#define SLOT_COUNT (1u << SLOT_BITS)
_Static_assert(CMD_COUNT * 2 < SLOT_COUNT, "the index of names is at most half full");

struct slot {
    uint64_t head;     /* command_head() of the name */
    uint16_t id_1;     /* row + 1, 0: empty */
    uint16_t parent_1; /* the container's row + 1 */
    uint8_t len;
    bool head_says_all; /* equal heads and lengths mean equal names */
    bool has_subs;
};

static struct slot slots[SLOT_COUNT];

/* The first eight bytes, or all of a shorter name, with the case bit set. */
static inline uint64_t command_head(const char *p, size_t len)
{
    uint64_t head = 0;
    if (len >= 8) {
        memcpy(&head, p, 8);
    } else if (len >= 4) {
        uint32_t low, high;
        memcpy(&low, p, 4);
        memcpy(&high, p + len - 4, 4);
        head = (uint64_t)low | (uint64_t)high << 32;
    } else if (len > 0) {
        head = (uint64_t)(uint8_t)p[0] | (uint64_t)(uint8_t)p[len >> 1] << 8 |
               (uint64_t)(uint8_t)p[len - 1] << 16;
    }
    return head | UINT64_C(0x2020202020202020);
}

static inline uint32_t command_slot_of(uint64_t head, size_t len, uint32_t parent_1)
{
    uint64_t mixed = (head ^ (uint64_t)len << 56 ^ (uint64_t)parent_1 << 40);
    return (uint32_t)((mixed * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - SLOT_BITS));
}

static inline const struct slot *command_lookup(uint32_t parent_1, struct bytes name)
{
    if (unlikely(name.len > UINT8_MAX)) return NULL;
    uint64_t head = command_head(name.ptr, name.len);
    uint32_t at = command_slot_of(head, name.len, parent_1);
    for (; slots[at].id_1 != 0; at = (at + 1) & (SLOT_COUNT - 1)) {
        const struct slot *s = &slots[at];
        if (s->head != head || s->len != name.len || s->parent_1 != parent_1) continue;
        if (s->head_says_all || bytes_is_word(name, typed_name[s->id_1 - 1])) return s;
    }
    return NULL;
}

static bool command_is_letters(const char *name)
{
    for (; *name != '\0'; name++) {
        if (*name < 'a' || *name > 'z') return false;
    }
    return true;
}

static uint32_t command_parent_1(const struct command_spec *c)
{
    if (c->parent == NULL) return NO_PARENT;
    uint32_t i = c->id;
    while (i > 0 && rows[i - 1].parent != NULL) i--;
    must(i > 0 &&
         strcmp(rows[i - 1].name, c->parent) == 0); /* subcommands follow their container */
    return i;
}

static void command_index(const struct command_spec *c)
{
    const char *name = typed_name[c->id];
    size_t len = strlen(name);
    must(len > 0 && len <= UINT8_MAX);
    uint32_t parent_1 = command_parent_1(c);
    uint64_t head = command_head(name, len);
    uint32_t at = command_slot_of(head, len, parent_1);
    while (slots[at].id_1 != 0) at = (at + 1) & (SLOT_COUNT - 1);
    slots[at] = (struct slot){
        .head = head,
        .id_1 = (uint16_t)(c->id + 1),
        .parent_1 = (uint16_t)parent_1,
        .len = (uint8_t)len,
        .head_says_all = len <= 8 && command_is_letters(name),
        .has_subs = c->is_container,
    };
}

static bool command_keys_move(const struct command_spec *c)
{
    for (uint32_t i = 0; i < c->key_count; i++) {
        const struct key_spec *k = &c->keys[i];
        if (k->begin != KEY_BEGIN_INDEX || k->find != KEY_FIND_RANGE) return true;
        if ((k->flags & KEY_INCOMPLETE) != 0) return true;
    }
    return false;
}

static const char *command_name_now(const struct command_spec *c)
{
    return is_renamed[c->id] ? typed_name[c->id] : c->name;
}

void command_open(void)
{
    memset(slots, 0, sizeof(slots));
    for (uint32_t i = 0; i < CMD_COUNT; i++) {
        if (rows[i].parent != NULL) rows[command_parent_1(&rows[i]) - 1].is_container = true;
    }
    for (uint32_t i = 0; i < CMD_COUNT; i++) {
        struct command_spec *c = &rows[i];
        if (c->tips == NULL) c->tips = "";
        if (command_keys_move(c)) c->flags |= CF_MOVABLE_KEYS;
        if (c->key_count > 0 && c->keys[0].begin == KEY_BEGIN_INDEX &&
            c->keys[0].find == KEY_FIND_RANGE)
            c->first_key = (int16_t)c->keys[0].begin_index;
        typed_name[i] = command_name_now(c);
        if (typed_name[i] != NULL) command_index(c);
    }
}

int command_rename(const char *from, const char *to)
{
    struct command_spec *found = NULL;
    for (uint32_t i = 0; i < CMD_COUNT; i++) {
        if (rows[i].parent != NULL) continue;
        const char *name = command_name_now(&rows[i]);
        if (name == NULL) continue;
        if (strcasecmp(name, from) == 0)
            found = &rows[i];
        else if (strcasecmp(name, to) == 0)
            return -EEXIST;
    }
    if (found == NULL) return -ENOENT;
    if (strlen(to) > UINT8_MAX) return -EINVAL;
    if (is_renamed[found->id]) free((char *)(uintptr_t)typed_name[found->id]);
    is_renamed[found->id] = true;
    typed_name[found->id] = NULL;
    if (*to == '\0') return 0;
    char *kept = strdup(to);
    must(kept != NULL);
    typed_name[found->id] = kept;
    return 0;
}

const struct command_spec *command_by_id(enum command_id id)
{
    dcheck(id < CMD_COUNT);
    return &rows[id];
}

bool command_is_typed(const struct command_spec *c)
{
    return typed_name[c->parent == NULL ? c->id : command_parent_1(c) - 1] != NULL;
}

/* The row that a request means whose first word has this slot, NULL when it has none. */
static inline const struct command_spec *command_of_slot(const struct slot *s,
                                                         const struct bytes *args, uint32_t nargs,
                                                         bool *no_such_sub)
{
    *no_such_sub = false;
    if (s == NULL) return NULL;
    const struct command_spec *c = &rows[s->id_1 - 1];
    if (likely(!s->has_subs || nargs == 1)) return c;
    const struct slot *sub = command_lookup(s->id_1, args[1]);
    if (sub != NULL) return &rows[sub->id_1 - 1];
    *no_such_sub = true;
    return c;
}

const struct command_spec *command_find(const struct bytes *args, uint32_t nargs, bool *no_such_sub)
{
    return command_of_slot(command_lookup(NO_PARENT, args[0]), args, nargs, no_such_sub);
}

const struct command_spec *command_find_again(struct command_memo *memo, const struct bytes *args,
                                              uint32_t nargs, bool *no_such_sub)
{
    uint64_t head = command_head(args[0].ptr, args[0].len);
    if (likely(head == memo->head && args[0].len == memo->len)) {
        *no_such_sub = false;
        return memo->spec;
    }
    const struct slot *s = command_lookup(NO_PARENT, args[0]);
    const struct command_spec *c = command_of_slot(s, args, nargs, no_such_sub);
    /* Only a name that its head tells wholly, and that needs no second word. */
    if (s != NULL && s->head_says_all && !s->has_subs)
        *memo = (struct command_memo){head, args[0].len, c};
    return c;
}

const struct command_spec *command_named(struct bytes name)
{
    const char *bar = name.len == 0 ? NULL : memchr(name.ptr, '|', name.len);
    size_t top_len = bar == NULL ? name.len : (size_t)(bar - name.ptr);
    const struct slot *s = command_lookup(NO_PARENT, bytes_make(name.ptr, top_len));
    if (s == NULL || bar == NULL) return s == NULL ? NULL : &rows[s->id_1 - 1];
    s = command_lookup(s->id_1, bytes_make(bar + 1, name.len - top_len - 1));
    return s == NULL ? NULL : &rows[s->id_1 - 1];
}

/* ---- Keys ---- */

struct key_sink {
    struct key_use *out;
    uint32_t max;
    int64_t count;
};

static void key_sink_add(struct key_sink *sink, uint32_t index, uint32_t flags)
{
    if (sink->count < sink->max) sink->out[sink->count] = (struct key_use){index, flags};
    sink->count++;
}

/* Where a specification begins: an index of args, 0 when its keyword is not there. */
static uint32_t key_spec_begin(const struct key_spec *k, const struct bytes *args, uint32_t nargs)
{
    if (k->begin == KEY_BEGIN_INDEX) return (uint32_t)k->begin_index;
    if (k->begin != KEY_BEGIN_KEYWORD) return 0;
    int64_t at = k->begin_index > 0 ? k->begin_index : (int64_t)nargs + k->begin_index;
    int64_t step = k->begin_index > 0 ? 1 : -1;
    for (; at > 0 && at < nargs; at += step) {
        if (bytes_is_word(args[at], k->begin_keyword)) return (uint32_t)at + 1;
    }
    return 0;
}

/* The last key's index of a range that begins at `first`; may lie outside of the request. */
static int64_t key_spec_range_end(const struct key_spec *k, uint32_t first, uint32_t nargs)
{
    if (k->last >= 0) return (int64_t)first + k->last;
    if (k->limit <= 1) return (int64_t)nargs + k->last;
    return (int64_t)first + ((int64_t)nargs - first) / k->limit + k->last;
}

static bool key_spec_collect(const struct key_spec *k, const struct bytes *args, uint32_t nargs,
                             uint32_t flags, struct key_sink *sink)
{
    uint32_t begin = key_spec_begin(k, args, nargs);
    if (begin == 0 || k->find == KEY_FIND_UNKNOWN) return true;
    int64_t first = begin;
    int64_t last;
    if (k->find == KEY_FIND_RANGE) {
        last = key_spec_range_end(k, begin, nargs);
    } else {
        int64_t count_at = first + k->keynum_index;
        int64_t count;
        if (count_at >= nargs || !number_int(args[count_at], &count)) return false;
        if (count < 0 || count > nargs) return false;
        first += k->first;
        last = first + (count - 1) * k->step;
    }
    if (last >= nargs) return false;
    for (int64_t i = first; i <= last; i += k->step) key_sink_add(sink, (uint32_t)i, flags);
    return true;
}

static uint32_t set_key_flags(const struct bytes *args, uint32_t nargs)
{
    for (uint32_t i = 3; i < nargs; i++) {
        if (bytes_is_word(args[i], "get")) return KEY_RW | KEY_ACCESS | KEY_UPDATE;
    }
    return KEY_OW | KEY_UPDATE;
}

/* Whatever is not plainly a GET or an OVERFLOW counts as a write. */
static uint32_t bitfield_key_flags(const struct bytes *args, uint32_t nargs)
{
    uint32_t i = 2;
    while (i < nargs) {
        uint32_t left = nargs - i - 1;
        if (left >= 2 && bytes_is_word(args[i], "get"))
            i += 3;
        else if (left >= 1 && bytes_is_word(args[i], "overflow"))
            i += 2;
        else
            return KEY_RW | KEY_ACCESS | KEY_UPDATE;
    }
    return KEY_RO | KEY_ACCESS;
}

/* Where SORT stores: the last STORE counts; 0 without. */
static uint32_t sort_store_key(const struct bytes *args, uint32_t nargs)
{
    uint32_t at = 0;
    for (uint32_t i = 2; i + 1 < nargs; i++) {
        if (bytes_is_word(args[i], "store"))
            at = ++i;
        else if (bytes_is_word(args[i], "by") || bytes_is_word(args[i], "get"))
            i++;
        else if (bytes_is_word(args[i], "limit"))
            i += 2;
    }
    return at;
}

/* Where the keys of MIGRATE stand: behind KEYS, which a password may be, too. 0 without. */
static uint32_t migrate_keys(const struct bytes *args, uint32_t nargs)
{
    for (uint32_t i = 6; i < nargs; i++) {
        if (bytes_is_word(args[i], "keys")) return i + 1;
        if (bytes_is_word(args[i], "auth")) i++;
        if (bytes_is_word(args[i], "auth2")) i += 2;
    }
    return 0;
}

/* The flags of a key whose use depends on the other arguments. */
static uint32_t command_variable_flags(const struct command_spec *c, const struct key_spec *k,
                                       const struct bytes *args, uint32_t nargs)
{
    if (c->id == CMD_SET) return set_key_flags(args, nargs);
    if (c->id == CMD_BITFIELD) return bitfield_key_flags(args, nargs);
    return k->flags & ~(uint32_t)KEY_VARIABLE_FLAGS;
}

/* False when some of the arguments make no sense. */
static bool command_collect_keys(const struct command_spec *c, const struct bytes *args,
                                 uint32_t nargs, struct key_sink *sink)
{
    bool makes_sense = true;
    uint32_t migrated = c->id == CMD_MIGRATE ? migrate_keys(args, nargs) : 0;
    for (uint32_t i = migrated; i < nargs && migrated != 0; i++)
        key_sink_add(sink, i, c->keys[0].flags);
    for (uint32_t i = 0; i < c->key_count; i++) {
        const struct key_spec *k = &c->keys[i];
        if (c->id == CMD_MIGRATE && (migrated != 0 || i > 0)) continue; /* one or the other */
        if ((k->flags & KEY_NOT_KEY) != 0) continue;
        uint32_t flags = k->flags;
        if ((flags & KEY_VARIABLE_FLAGS) != 0) flags = command_variable_flags(c, k, args, nargs);
        if (!key_spec_collect(k, args, nargs, flags, sink)) makes_sense = false;
    }
    uint32_t store_at = c->id == CMD_SORT ? sort_store_key(args, nargs) : 0;
    if (store_at != 0) key_sink_add(sink, store_at, KEY_OW | KEY_UPDATE);
    return makes_sense;
}

int64_t command_keys(const struct command_spec *c, const struct bytes *args, uint32_t nargs,
                     struct key_use *out, uint32_t max)
{
    struct key_sink sink = {out, max, 0};
    return command_collect_keys(c, args, nargs, &sink) ? sink.count : -1;
}

int64_t command_keys_found(const struct command_spec *c, const struct bytes *args, uint32_t nargs,
                           struct key_use *out, uint32_t max)
{
    struct key_sink sink = {out, max, 0};
    command_collect_keys(c, args, nargs, &sink);
    return sink.count;
}

/* ---- Names of bits ---- */

const char *command_flag_name(unsigned bit)
{
    static const char *const names[] = {
        "write",
        "readonly",
        "denyoom",
        "admin",
        "pubsub",
        "noscript",
        "blocking",
        "loading",
        "stale",
        "skip_monitor",
        "skip_slowlog",
        "asking",
        "fast",
        "no_auth",
        "may_replicate",
        "no_async_loading",
        "no_multi",
        "allow_busy",
        "movablekeys",
        "sentinel",
        "protected",
        "touches_arbitrary_keys",
        "no_mandatory_keys",
    };
    return bit < sizeof(names) / sizeof(names[0]) ? names[bit] : NULL;
}

const char *command_category_name(unsigned bit)
{
    static const char *const names[] = {
        "keyspace", "read",   "write",       "set",       "sortedset",  "list",        "hash",
        "string",   "bitmap", "hyperloglog", "geo",       "stream",     "pubsub",      "admin",
        "fast",     "slow",   "blocking",    "dangerous", "connection", "transaction", "scripting",
    };
    return bit < sizeof(names) / sizeof(names[0]) ? names[bit] : NULL;
}

uint32_t command_category_named(struct bytes name)
{
    for (unsigned bit = 0; command_category_name(bit) != NULL; bit++)
        if (bytes_is_word(name, command_category_name(bit))) return UINT32_C(1) << bit;
    return 0;
}

const char *key_flag_name(unsigned bit)
{
    static const char *const names[] = {
        "RO",     "RW",     "OW",      "RM",         "access",         "update",
        "insert", "delete", "not_key", "incomplete", "variable_flags",
    };
    return bit < sizeof(names) / sizeof(names[0]) ? names[bit] : NULL;
}
