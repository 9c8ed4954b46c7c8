/*
 * The table of options, made from options.def, and what is common to all options of a kind.
 *
 * Each kind has five things that it can do with its member (reset, set, print, copy, release); the
 * functions at the end dispatch.
 */
#include "catalog/option.h"

#include "base/must.h"
#include "codec/words.h"
#include "catalog/option_special.h"
#include "codec/number.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <syslog.h>

/* ---- The words of enums; the first of two with one value is printed ---- */

#define LOGLEVEL_NOTICE 2 /* as base/log.h counts its levels */
#define WORDS(name) static const struct option_word words_##name[]

WORDS(io_backend) = {{"auto", IO_BACKEND_AUTO},
                     {"io_uring", IO_BACKEND_URING},
                     {"epoll", IO_BACKEND_EPOLL},
                     {NULL, 0}};
WORDS(lending) = {{"no", LENDING_NO}, {"yes", LENDING_YES}, {"trial", LENDING_TRIAL}, {NULL, 0}};
WORDS(tls_auth) = {
    {"no", TLS_AUTH_NO}, {"yes", TLS_AUTH_YES}, {"optional", TLS_AUTH_OPTIONAL}, {NULL, 0}};
WORDS(supervised) = {{"upstart", SUPERVISED_UPSTART},
                     {"systemd", SUPERVISED_SYSTEMD},
                     {"auto", SUPERVISED_AUTO},
                     {"no", SUPERVISED_NO},
                     {NULL, 0}};
WORDS(loglevel) = {{"debug", 0},   {"verbose", 1}, {"notice", LOGLEVEL_NOTICE},
                   {"warning", 3}, {"nothing", 4}, {NULL, 0}};
WORDS(facility) = {{"user", LOG_USER},     {"local0", LOG_LOCAL0},
                   {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2},
                   {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4},
                   {"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6},
                   {"local7", LOG_LOCAL7}, {NULL, 0}};
WORDS(oom_adjust) = {{"no", OOM_ADJUST_NO},
                     {"yes", OOM_ADJUST_RELATIVE},
                     {"relative", OOM_ADJUST_RELATIVE},
                     {"absolute", OOM_ADJUST_ABSOLUTE},
                     {NULL, 0}};
WORDS(shutdown) = {{"default", 0},        {"save", SHUTDOWN_SAVE},   {"nosave", SHUTDOWN_NOSAVE},
                   {"now", SHUTDOWN_NOW}, {"force", SHUTDOWN_FORCE}, {NULL, 0}};
WORDS(acl_pubsub) = {{"allchannels", 1}, {"resetchannels", 0}, {NULL, 0}};
WORDS(allowed) = {{"no", ALLOWED_NO}, {"yes", ALLOWED_YES}, {"local", ALLOWED_LOCAL}, {NULL, 0}};
WORDS(policy) = {{"volatile-lru", POLICY_VOLATILE_LRU},
                 {"volatile-lfu", POLICY_VOLATILE_LFU},
                 {"volatile-random", POLICY_VOLATILE_RANDOM},
                 {"volatile-ttl", POLICY_VOLATILE_TTL},
                 {"allkeys-lru", POLICY_ALLKEYS_LRU},
                 {"allkeys-lfu", POLICY_ALLKEYS_LFU},
                 {"allkeys-random", POLICY_ALLKEYS_RANDOM},
                 {"noeviction", POLICY_NOEVICTION},
                 {NULL, 0}};
WORDS(sanitize) = {
    {"no", SANITIZE_NO}, {"yes", SANITIZE_YES}, {"clients", SANITIZE_CLIENTS}, {NULL, 0}};
WORDS(appendfsync) = {{"everysec", APPENDFSYNC_EVERYSEC},
                      {"always", APPENDFSYNC_ALWAYS},
                      {"no", APPENDFSYNC_NO},
                      {NULL, 0}};
WORDS(diskless_load) = {{"disabled", DISKLESS_LOAD_DISABLED},
                        {"on-empty-db", DISKLESS_LOAD_EMPTY_DB},
                        {"swapdb", DISKLESS_LOAD_SWAPDB},
                        {NULL, 0}};
WORDS(propagation) = {{"ignore", ON_PROPAGATION_IGNORE},
                      {"panic", ON_PROPAGATION_PANIC},
                      {"panic-on-replicas", ON_PROPAGATION_PANIC_REPLICAS},
                      {NULL, 0}};
WORDS(endpoint) = {{"ip", ENDPOINT_IP},
                   {"hostname", ENDPOINT_HOSTNAME},
                   {"unknown-endpoint", ENDPOINT_UNKNOWN},
                   {NULL, 0}};

/* ---- The table; flags stand in options.def without their prefix ---- */

enum {
    NONE = 0,
    IMMUTABLE = OPTION_IMMUTABLE,
    SENSITIVE = OPTION_SENSITIVE,
    HIDDEN = OPTION_HIDDEN,
    DENY_LOADING = OPTION_DENY_LOADING,
    PROTECTED = OPTION_PROTECTED,
    MULTI_ARG = OPTION_MULTI_ARG,
    MEMORY = OPTION_MEMORY,
    OCTAL = OPTION_OCTAL,
    PERCENT = OPTION_PERCENT,
    BITS = OPTION_BITS,
    PENDING = OPTION_PENDING,
    INERT = OPTION_INERT,
    SAME = OPTION_SAME,
};
#define MB (1024LL * 1024)

#define OPT_BOOL(member, NAME, ALIAS, DEFAULT, FLAGS, HELP) \
    {.name = NAME,                                          \
     .alias = ALIAS,                                        \
     .kind = OPTION_BOOL,                                   \
     .flags = FLAGS,                                        \
     .fallback = DEFAULT,                                   \
     .offset = offsetof(struct settings, member),           \
     .help = HELP},
#define OPT_INT(member, NAME, ALIAS, MIN, MAX, DEFAULT, FLAGS, HELP) \
    {.name = NAME,                                                   \
     .alias = ALIAS,                                                 \
     .kind = OPTION_INT,                                             \
     .flags = FLAGS,                                                 \
     .fallback = DEFAULT,                                            \
     .min = MIN,                                                     \
     .max = MAX,                                                     \
     .offset = offsetof(struct settings, member),                    \
     .help = HELP},
#define OPT_ENUM(member, NAME, ALIAS, WORD_LIST, DEFAULT, FLAGS, HELP) \
    {.name = NAME,                                                     \
     .alias = ALIAS,                                                   \
     .kind = OPTION_ENUM,                                              \
     .flags = FLAGS,                                                   \
     .fallback = DEFAULT,                                              \
     .words = WORD_LIST,                                               \
     .offset = offsetof(struct settings, member),                      \
     .help = HELP},
#define OPT_STRING(member, NAME, ALIAS, DEFAULT, CHECK, FLAGS, HELP) \
    {.name = NAME,                                                   \
     .alias = ALIAS,                                                 \
     .kind = OPTION_STRING,                                          \
     .flags = FLAGS,                                                 \
     .text = DEFAULT,                                                \
     .check = CHECK,                                                 \
     .offset = offsetof(struct settings, member),                    \
     .help = HELP},
#define OPT_SPECIAL(member, TYPE, NAME, ALIAS, OPS, FLAGS, HELP) \
    {.name = NAME,                                               \
     .alias = ALIAS,                                             \
     .kind = OPTION_SPECIAL,                                     \
     .flags = FLAGS,                                             \
     .special = &OPS,                                            \
     .offset = offsetof(struct settings, member),                \
     .help = HELP},

static const struct option table[] = {
#include "catalog/options.def"
};

size_t option_count(void) { return sizeof table / sizeof table[0]; }

const struct option *option_at(size_t i)
{
    must(i < option_count());
    return &table[i];
}

const struct option *option_find(struct bytes name)
{
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = &table[i];
        if (bytes_is_word(name, o->name)) return o;
        if (o->alias != NULL && bytes_is_word(name, o->alias)) return o;
    }
    return NULL;
}

/* ---- Ints ---- */

static int option_read_octal(const struct option *o, struct bytes text, int64_t *out, char *error)
{
    int64_t n = 0;
    bool valid = text.len > 0 && text.len <= 20;
    for (size_t i = 0; valid && i < text.len; i++) {
        valid = text.ptr[i] >= '0' && text.ptr[i] <= '7';
        n = n * 8 + (text.ptr[i] - '0');
    }
    if (!valid) return option_fail(error, "argument couldn't be parsed as an octal number");
    if (n < o->min || n > o->max)
        return option_fail(error, "argument must be between %" PRIo64 " and %" PRIo64 " inclusive",
                           (uint64_t)o->min, (uint64_t)o->max);
    *out = n;
    return 0;
}

/* "5%" becomes -5. */
static int option_read_percent(const struct option *o, struct bytes text, int64_t *out, char *error)
{
    int64_t n;
    if (!number_int(bytes_make(text.ptr, text.len - 1), &n) || n < 0)
        return option_fail(error, "argument must be a memory or percent value");
    if (n > -o->min)
        return option_fail(error, "percentage argument must be less or equal to %" PRId64, -o->min);
    *out = -n;
    return 0;
}

static int option_read_int(const struct option *o, struct bytes text, int64_t *out, char *error)
{
    int64_t n;
    if ((o->flags & OPTION_OCTAL) != 0) return option_read_octal(o, text, out, error);
    if ((o->flags & OPTION_PERCENT) != 0 && text.len > 1 && text.ptr[text.len - 1] == '%')
        return option_read_percent(o, text, out, error);
    if ((o->flags & OPTION_MEMORY) != 0) {
        if (!number_memory(text, &n) || n < 0)
            return option_fail(error, (o->flags & OPTION_PERCENT) != 0
                                          ? "argument must be a memory or percent value"
                                          : "argument must be a memory value");
    } else if (!number_int(text, &n)) {
        return option_fail(error, "argument couldn't be parsed into an integer");
    }
    if (n < o->min || n > o->max)
        return option_fail(error, "argument must be between %" PRId64 " and %" PRId64 " inclusive",
                           o->min, o->max);
    /* Redis takes any hz and runs with the nearest that it can. */
    if (o->offset == offsetof(struct settings, hz)) n = n < 1 ? 1 : n > 500 ? 500 : n;
    *out = n;
    return 0;
}

static void option_print_int(const struct option *o, int64_t n, FILE *out)
{
    if ((o->flags & OPTION_OCTAL) != 0) {
        fprintf(out, "%" PRIo64, (uint64_t)n);
    } else if ((o->flags & OPTION_PERCENT) != 0 && n < 0) {
        fprintf(out, "%" PRId64 "%%", -n);
    } else {
        fprintf(out, "%" PRId64, n);
    }
}

/* In the greatest unit that keeps it exact. */
static void option_print_memory(int64_t n, FILE *out)
{
    static const char *const units[] = {"", "kb", "mb", "gb"};
    int unit = 0;
    for (; unit < 3 && n != 0 && n % 1024 == 0; unit++) n /= 1024;
    fprintf(out, "%" PRId64 "%s", n, units[unit]);
}

/* ---- Enums ---- */

static int option_fail_words(const struct option *o, char *error)
{
    int at = snprintf(error, OPTION_ERROR_MAX, "argument(s) must be one of the following: ");
    for (const struct option_word *w = o->words; w->word != NULL; w++) {
        if (at < 0 || at >= OPTION_ERROR_MAX) break;
        at += snprintf(error + at, (size_t)(OPTION_ERROR_MAX - at), "%s%s",
                       w == o->words ? "" : ", ", w->word);
    }
    return -EINVAL;
}

static int option_read_enum(const struct option *o, const struct bytes *words, uint32_t count,
                            int *out, char *error)
{
    int value = 0;
    if (count == 0) return option_fail_words(o, error);
    for (uint32_t i = 0; i < count; i++) {
        const struct option_word *w = o->words;
        while (w->word != NULL && !bytes_is_word(words[i], w->word)) w++;
        if (w->word == NULL) return option_fail_words(o, error);
        value |= w->value;
    }
    if (o->words == words_shutdown && (value & SHUTDOWN_SAVE) && (value & SHUTDOWN_NOSAVE))
        return option_fail(error, "shutdown options SAVE and NOSAVE can't be used simultaneously");
    *out = value;
    return 0;
}

static void option_print_enum(const struct option *o, int value, FILE *out)
{
    bool bits = (o->flags & OPTION_BITS) != 0, any = false;
    for (const struct option_word *w = o->words; w->word != NULL; w++) {
        bool has = value == w->value || (bits && (value & w->value) != 0);
        if (!has || (any && !bits)) continue;
        fprintf(out, "%s%s", any ? " " : "", w->word);
        any = true;
    }
}

/* ---- Strings ---- */

static int option_set_string(const struct option *o, char **member, struct bytes text, char *error)
{
    char *value = option_string(text);
    int r = o->check == NULL ? 0 : o->check(value, error);
    if (r != 0) {
        free(value);
        return r;
    }
    free(*member);
    *member = value;
    return 0;
}

/* ---- All kinds: set ---- */

static int option_set_one(struct settings *s, const struct option *o, struct bytes text,
                          char *error)
{
    void *member = option_member(s, o);
    switch (o->kind) {
    case OPTION_BOOL:
        if (!bytes_is_word(text, "yes") && !bytes_is_word(text, "no"))
            return option_fail(error, "argument must be 'yes' or 'no'");
        *(bool *)member = bytes_is_word(text, "yes");
        return 0;
    case OPTION_INT: return option_read_int(o, text, member, error);
    case OPTION_ENUM: return option_read_enum(o, &text, 1, member, error);
    case OPTION_STRING: return option_set_string(o, member, text, error);
    case OPTION_SPECIAL: break; /* has its own set */
    }
    return option_fail(error, "wrong number of arguments");
}

static int option_set_words(struct settings *s, const struct option *o, const struct bytes *words,
                            uint32_t count, enum option_source source, char *error)
{
    void *member = option_member(s, o);
    if (o->kind == OPTION_SPECIAL) return o->special->set(member, words, count, source, error);
    if (o->kind == OPTION_ENUM && (o->flags & OPTION_BITS) != 0)
        return option_read_enum(o, words, count, member, error);
    if (count != 1) return option_fail(error, "wrong number of arguments");
    return option_set_one(s, o, words[0], error);
}

/* Splits the text at each blank: two in a row make an empty word, which most options refuse. Gives.
 */
static struct bytes *option_split(struct bytes text, uint32_t *count)
{
    uint32_t n = 1;
    for (size_t i = 0; i < text.len; i++) n += text.ptr[i] == ' ';
    struct bytes *words = calloc(n, sizeof *words);
    must(words != NULL);
    const char *from = text.ptr;
    for (uint32_t i = 0; i < n; i++) {
        size_t left = (size_t)(text.ptr + text.len - from);
        const char *to = left == 0 ? NULL : memchr(from, ' ', left);
        size_t len = to == NULL ? left : (size_t)(to - from);
        words[i] = bytes_make(from, len);
        from += len + 1;
    }
    *count = n;
    return words;
}

int option_set_text(struct settings *s, const struct option *o, const struct bytes *words,
                    uint32_t count, enum option_source source, char error[OPTION_ERROR_MAX])
{
    bool owned = o->kind == OPTION_STRING || (o->kind == OPTION_SPECIAL && !o->special->is_binary);
    for (uint32_t i = 0; owned && i < count; i++)
        if (words[i].len > 0 && memchr(words[i].ptr, 0, words[i].len) != NULL)
            return option_fail(error, "argument must not contain a zero byte");

    if ((o->flags & OPTION_MULTI_ARG) == 0 || count != 1)
        return option_set_words(s, o, words, count, source, error);
    if (words[0].len == 0) return option_set_words(s, o, words, 0, source, error);
    uint32_t n;
    struct bytes *split = option_split(words[0], &n);
    int r = option_set_words(s, o, split, n, source, error);
    free(split);
    return r;
}

/* ---- All kinds: print, compare, copy ---- */

static void option_print(const struct settings *s, const struct option *o, FILE *out)
{
    const void *member = option_member(s, o);
    switch (o->kind) {
    case OPTION_BOOL: fputs(*(const bool *)member ? "yes" : "no", out); break;
    case OPTION_INT: option_print_int(o, *(const int64_t *)member, out); break;
    case OPTION_ENUM: option_print_enum(o, *(const int *)member, out); break;
    case OPTION_STRING: fputs(*(char *const *)member, out); break;
    case OPTION_SPECIAL: o->special->print(member, out); break;
    }
}

static void option_print_lines(const struct settings *s, const struct option *o, FILE *out)
{
    const void *member = option_member(s, o);
    if (o->kind == OPTION_SPECIAL && o->special->lines != NULL) {
        o->special->lines(member, o->name, out);
        return;
    }
    fprintf(out, "%s ", o->name);
    if (o->kind == OPTION_STRING) {
        words_quote(bytes_of(*(char *const *)member), out);
    } else if ((o->flags & OPTION_MEMORY) != 0 && *(const int64_t *)member >= 0) {
        option_print_memory(*(const int64_t *)member, out);
    } else {
        option_print(s, o, out);
    }
    fputc('\n', out);
}

static char *option_text_by(const struct settings *s, const struct option *o,
                            void (*print)(const struct settings *, const struct option *, FILE *),
                            size_t *len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    must(out != NULL);
    print(s, o, out);
    must(fclose(out) == 0 && text != NULL);
    return text;
}

char *option_get_text(const struct settings *s, const struct option *o, size_t *len)
{
    size_t unasked;
    return option_text_by(s, o, option_print, len != NULL ? len : &unasked);
}

char *option_get_lines(const struct settings *s, const struct option *o)
{
    size_t len;
    return option_text_by(s, o, option_print_lines, &len);
}

bool option_is_equal(const struct settings *a, const struct settings *b, const struct option *o)
{
    size_t x_len, y_len;
    char *x = option_get_text(a, o, &x_len), *y = option_get_text(b, o, &y_len);
    bool equal = bytes_equal(bytes_make(x, x_len), bytes_make(y, y_len));
    free(x);
    free(y);
    return equal;
}

void option_reset(struct settings *s, const struct option *o)
{
    void *member = option_member(s, o);
    switch (o->kind) {
    case OPTION_BOOL: *(bool *)member = o->fallback != 0; break;
    case OPTION_INT: *(int64_t *)member = o->fallback; break;
    case OPTION_ENUM: *(int *)member = (int)o->fallback; break;
    case OPTION_STRING: *(char **)member = option_string(bytes_of(o->text)); break;
    case OPTION_SPECIAL: o->special->reset(member); break;
    }
}

void option_copy(struct settings *to, const struct settings *from, const struct option *o)
{
    void *a = option_member(to, o);
    const void *b = option_member(from, o);
    switch (o->kind) {
    case OPTION_BOOL: *(bool *)a = *(const bool *)b; break;
    case OPTION_INT: *(int64_t *)a = *(const int64_t *)b; break;
    case OPTION_ENUM: *(int *)a = *(const int *)b; break;
    case OPTION_STRING: *(char **)a = option_string(bytes_of(*(char *const *)b)); break;
    case OPTION_SPECIAL: o->special->copy(a, b); break;
    }
}

void option_release(struct settings *s, const struct option *o)
{
    void *member = option_member(s, o);
    if (o->kind == OPTION_STRING) {
        free(*(char **)member);
        *(char **)member = NULL;
    } else if (o->kind == OPTION_SPECIAL && o->special->release != NULL) {
        o->special->release(member);
    }
}
