/*
 * The options of option_special.h, one block each, and the own rules of string options. A set
 * function leaves its member whole even when it fails: everything in it may be released.
 */
#include "catalog/option_special.h"

#include "base/must.h"
#include "codec/words.h"
#include "codec/number.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>

char *option_string(struct bytes b)
{
    char *s = malloc(b.len + 1);
    must(s != NULL);
    if (b.len > 0) memcpy(s, b.ptr, b.len);
    s[b.len] = 0;
    return s;
}

int option_fail(char *error, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(error, OPTION_ERROR_MAX, fmt, args);
    va_end(args);
    return -EINVAL;
}

/* ---- bind ---- */

static void bind_release(void *member)
{
    struct setting_bind *b = member;
    while (b->count > 0) free(b->addr[--b->count]);
}

static void bind_reset(void *member)
{
    struct setting_bind *b = member;
    b->addr[0] = option_string(bytes_of("*"));
    b->addr[1] = option_string(bytes_of("-::*"));
    b->count = 2;
}

static int bind_set(void *member, const struct bytes *words, uint32_t count,
                    enum option_source source, char *error)
{
    struct setting_bind *b = member;
    (void)source;
    if (count > BIND_MAX) return option_fail(error, "Too many bind addresses specified.");
    bind_release(b);
    /* bind "": do not listen on TCP at all. */
    if (count == 1 && words[0].len == 0) return 0;
    for (uint32_t i = 0; i < count; i++) b->addr[b->count++] = option_string(words[i]);
    return 0;
}

static void bind_print(const void *member, FILE *out)
{
    const struct setting_bind *b = member;
    for (int i = 0; i < b->count; i++) fprintf(out, "%s%s", i == 0 ? "" : " ", b->addr[i]);
}

static void bind_lines(const void *member, const char *name, FILE *out)
{
    const struct setting_bind *b = member;
    fputs(name, out);
    for (int i = 0; i < b->count; i++) {
        fputc(' ', out);
        words_quote(bytes_of(b->addr[i]), out);
    }
    fputs(b->count == 0 ? " \"\"\n" : "\n", out);
}

static void bind_copy(void *to, const void *from)
{
    const struct setting_bind *a = from;
    struct setting_bind *b = to;
    b->count = a->count;
    for (int i = 0; i < a->count; i++) b->addr[i] = option_string(bytes_of(a->addr[i]));
}

const struct option_special special_bind = {
    .reset = bind_reset,
    .set = bind_set,
    .print = bind_print,
    .lines = bind_lines,
    .copy = bind_copy,
    .release = bind_release,
};

/* ---- dir: a string; boot and CONFIG SET go there and store where that is ---- */

static void dir_reset(void *member) { *(char **)member = option_string(bytes_of(".")); }

static int dir_set(void *member, const struct bytes *words, uint32_t count,
                   enum option_source source, char *error)
{
    char **dir = member;
    (void)source;
    if (count != 1) return option_fail(error, "wrong number of arguments");
    free(*dir);
    *dir = option_string(words[0]);
    return 0;
}

static void dir_print(const void *member, FILE *out) { fputs(*(char *const *)member, out); }

static void dir_lines(const void *member, const char *name, FILE *out)
{
    fprintf(out, "%s ", name);
    words_quote(bytes_of(*(char *const *)member), out);
    fputc('\n', out);
}

static void dir_copy(void *to, const void *from)
{
    *(char **)to = option_string(bytes_of(*(char *const *)from));
}

static void dir_release(void *member)
{
    free(*(char **)member);
    *(char **)member = NULL;
}

const struct option_special special_dir = {
    .reset = dir_reset,
    .set = dir_set,
    .print = dir_print,
    .lines = dir_lines,
    .copy = dir_copy,
    .release = dir_release,
};

/* ---- oom-score-adj-values ---- */

static void oom_values_reset(void *member)
{
    *(struct setting_oom_values *)member = (struct setting_oom_values){{0, 200, 800}};
}

static int oom_values_set(void *member, const struct bytes *words, uint32_t count,
                          enum option_source source, char *error)
{
    struct setting_oom_values *v = member;
    (void)source;
    if (count != 3) return option_fail(error, "wrong number of arguments");
    for (int i = 0; i < 3; i++) {
        int64_t n;
        if (!number_int(words[i], &n) || n < -2000 || n > 2000)
            return option_fail(error, "Invalid oom-score-adj-values, elements must be between "
                                      "-2000 and 2000.");
        v->of[i] = (int)n;
    }
    return 0;
}

static void oom_values_print(const void *member, FILE *out)
{
    const struct setting_oom_values *v = member;
    fprintf(out, "%d %d %d", v->of[0], v->of[1], v->of[2]);
}

static void oom_values_copy(void *to, const void *from)
{
    memcpy(to, from, sizeof(struct setting_oom_values));
}

const struct option_special special_oom_values = {
    .reset = oom_values_reset,
    .set = oom_values_set,
    .print = oom_values_print,
    .copy = oom_values_copy,
};

/* ---- client-output-buffer-limit: any number of classes at a time ---- */

static const char *const class_names[CLIENT_CLASSES] = {"normal", "slave", "pubsub"};

static void output_limits_reset(void *member)
{
    *(struct setting_output_limits *)member = (struct setting_output_limits){{
        [CLIENT_REPLICA] = {256 << 20, 64 << 20, 60},
        [CLIENT_PUBSUB] = {32 << 20, 8 << 20, 60},
    }};
}

static int output_limits_class(struct bytes word)
{
    for (int i = 0; i < CLIENT_CLASSES; i++)
        if (bytes_is_word(word, class_names[i])) return i;
    return bytes_is_word(word, "replica") ? CLIENT_REPLICA : -1;
}

static int output_limits_set(void *member, const struct bytes *words, uint32_t count,
                             enum option_source source, char *error)
{
    struct setting_output_limits *limits = member;
    (void)source;
    if (count % 4 != 0)
        return option_fail(error, "Wrong number of arguments in buffer limit configuration.");
    for (uint32_t i = 0; i < count; i += 4) {
        struct setting_output_limit l;
        int class = output_limits_class(words[i]);
        if (class < 0)
            return option_fail(error,
                               "Invalid client class specified in buffer limit configuration.");
        if (!number_memory(words[i + 1], &l.hard) || !number_memory(words[i + 2], &l.soft) ||
            !number_int(words[i + 3], &l.soft_seconds) || l.hard < 0 || l.soft < 0 ||
            l.soft_seconds < 0)
            return option_fail(error, "Error in hard, soft or soft_seconds setting in buffer limit "
                                      "configuration.");
        limits->of[class] = l;
    }
    return 0;
}

static void output_limit_print(const struct setting_output_limit *l, const char *class, FILE *out)
{
    fprintf(out, "%s %" PRId64 " %" PRId64 " %" PRId64, class, l->hard, l->soft, l->soft_seconds);
}

static void output_limits_print(const void *member, FILE *out)
{
    const struct setting_output_limits *limits = member;
    for (int i = 0; i < CLIENT_CLASSES; i++) {
        if (i > 0) fputc(' ', out);
        output_limit_print(&limits->of[i], class_names[i], out);
    }
}

/* The classes that are not at their defaults. */
static void output_limits_lines(const void *member, const char *name, FILE *out)
{
    const struct setting_output_limits *limits = member;
    struct setting_output_limits usual;
    output_limits_reset(&usual);
    for (int i = 0; i < CLIENT_CLASSES; i++) {
        const struct setting_output_limit *a = &limits->of[i], *b = &usual.of[i];
        if (a->hard == b->hard && a->soft == b->soft && a->soft_seconds == b->soft_seconds)
            continue;
        fprintf(out, "%s ", name);
        output_limit_print(&limits->of[i], i == CLIENT_REPLICA ? "replica" : class_names[i], out);
        fputc('\n', out);
    }
}

static void output_limits_copy(void *to, const void *from)
{
    memcpy(to, from, sizeof(struct setting_output_limits));
}

const struct option_special special_output_limits = {
    .reset = output_limits_reset,
    .set = output_limits_set,
    .print = output_limits_print,
    .lines = output_limits_lines,
    .copy = output_limits_copy,
};

/* ---- notify-keyspace-events ---- */

/* In the order of enum notify_class. */
static const char notify_letters[] = "g$lshzxetdnKEm";

static void notify_reset(void *member) { *(uint32_t *)member = 0; }

static int notify_set(void *member, const struct bytes *words, uint32_t count,
                      enum option_source source, char *error)
{
    uint32_t classes = 0;
    (void)source;
    if (count != 1) return option_fail(error, "wrong number of arguments");
    for (size_t i = 0; i < words[0].len; i++) {
        char c = words[0].ptr[i];
        const char *at = memchr(notify_letters, c, sizeof notify_letters - 1);
        if (c == 'A') {
            classes |= NOTIFY_ALL;
        } else if (at != NULL) {
            classes |= 1U << (at - notify_letters);
        } else {
            return option_fail(error, "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
        }
    }
    *(uint32_t *)member = classes;
    return 0;
}

static void notify_print(const void *member, FILE *out)
{
    uint32_t classes = *(const uint32_t *)member;
    bool all = (classes & NOTIFY_ALL) == NOTIFY_ALL;
    if (all) fputc('A', out);
    for (unsigned i = 0; notify_letters[i] != 0; i++) {
        bool covered = all && (NOTIFY_ALL >> i & 1) != 0;
        /* "A" is followed by the channels at once, as Redis prints it. */
        if ((all && 1U << i == NOTIFY_NEW) || covered) continue;
        if ((classes >> i & 1) != 0) fputc(notify_letters[i], out);
    }
    if (all && (classes & NOTIFY_NEW) != 0) fputc('n', out);
}

static void notify_lines(const void *member, const char *name, FILE *out)
{
    if (*(const uint32_t *)member == 0) {
        fprintf(out, "%s \"\"\n", name);
        return;
    }
    fprintf(out, "%s ", name);
    notify_print(member, out);
    fputc('\n', out);
}

static void notify_copy(void *to, const void *from) { *(uint32_t *)to = *(const uint32_t *)from; }

const struct option_special special_notify = {
    .reset = notify_reset,
    .set = notify_set,
    .print = notify_print,
    .lines = notify_lines,
    .copy = notify_copy,
};

/* ---- save ---- */

static void save_reset(void *member)
{
    *(struct setting_save *)member =
        (struct setting_save){.point = {{3600, 1}, {300, 100}, {60, 10000}}, .count = 3};
}

static int save_set(void *member, const struct bytes *words, uint32_t count,
                    enum option_source source, char *error)
{
    struct setting_save *save = member;
    bool clear = count == 0 || (count == 1 && words[0].len == 0);
    if (!clear && count % 2 != 0) return option_fail(error, "Invalid save parameters");
    if (clear || source == OPTION_FROM_CLIENT || !save->given) save->count = 0;
    if (source == OPTION_FROM_FILE) save->given = true;
    for (uint32_t i = 0; !clear && i < count; i += 2) {
        int64_t seconds, changes;
        if (!number_int(words[i], &seconds) || !number_int(words[i + 1], &changes) || seconds < 1 ||
            changes < 0)
            return option_fail(error, "Invalid save parameters");
        if (save->count == SAVE_POINTS_MAX)
            return option_fail(error, "Invalid save parameters: more than %d points",
                               SAVE_POINTS_MAX);
        save->point[save->count].seconds = seconds;
        save->point[save->count++].changes = changes;
    }
    return 0;
}

static void save_print(const void *member, FILE *out)
{
    const struct setting_save *save = member;
    for (int i = 0; i < save->count; i++)
        fprintf(out, "%s%" PRId64 " %" PRId64, i == 0 ? "" : " ", save->point[i].seconds,
                save->point[i].changes);
}

static void save_lines(const void *member, const char *name, FILE *out)
{
    const struct setting_save *save = member;
    if (save->count == 0) fprintf(out, "%s \"\"\n", name);
    for (int i = 0; i < save->count; i++)
        fprintf(out, "%s %" PRId64 " %" PRId64 "\n", name, save->point[i].seconds,
                save->point[i].changes);
}

static void save_copy(void *to, const void *from) { memcpy(to, from, sizeof(struct setting_save)); }

const struct option_special special_save = {
    .reset = save_reset,
    .set = save_set,
    .print = save_print,
    .lines = save_lines,
    .copy = save_copy,
};

/* ---- requirepass and the other passwords ---- */

static void secret_reset(void *member)
{
    *(struct setting_secret *)member = (struct setting_secret){option_string(bytes_of("")), 0};
}

static int secret_set(void *member, const struct bytes *words, uint32_t count,
                      enum option_source source, char *error)
{
    struct setting_secret *s = member;
    (void)source;
    if (count != 1) return option_fail(error, "wrong number of arguments");
    free(s->ptr);
    *s = (struct setting_secret){option_string(words[0]), words[0].len};
    return 0;
}

static void secret_print(const void *member, FILE *out)
{
    const struct setting_secret *s = member;
    fwrite(s->ptr, 1, s->len, out);
}

static void secret_lines(const void *member, const char *name, FILE *out)
{
    fprintf(out, "%s ", name);
    words_quote(secret_bytes(member), out);
    fputc('\n', out);
}

static void secret_copy(void *to, const void *from)
{
    const struct setting_secret *s = from;
    *(struct setting_secret *)to = (struct setting_secret){option_string(secret_bytes(s)), s->len};
}

static void secret_release(void *member)
{
    struct setting_secret *s = member;
    free(s->ptr);
    *s = (struct setting_secret){NULL, 0};
}

const struct option_special special_secret = {
    .reset = secret_reset,
    .set = secret_set,
    .print = secret_print,
    .lines = secret_lines,
    .copy = secret_copy,
    .release = secret_release,
    .is_binary = true,
};

/* ---- replicaof ---- */

static void replicaof_reset(void *member)
{
    *(struct setting_replicaof *)member =
        (struct setting_replicaof){option_string(bytes_of("")), 0};
}

static int replicaof_set(void *member, const struct bytes *words, uint32_t count,
                         enum option_source source, char *error)
{
    struct setting_replicaof *r = member;
    int64_t port;
    (void)source;
    if (count != 2) return option_fail(error, "wrong number of arguments");
    bool master = bytes_is_word(words[0], "no") && bytes_is_word(words[1], "one");
    if (!master && (!number_int(words[1], &port) || port < 0 || port > 65535))
        return option_fail(error, "Invalid master port");
    free(r->host);
    r->host = option_string(master ? bytes_of("") : words[0]);
    r->port = master ? 0 : (int)port;
    return 0;
}

static void replicaof_print(const void *member, FILE *out)
{
    const struct setting_replicaof *r = member;
    if (r->host[0] != 0) fprintf(out, "%s %d", r->host, r->port);
}

static void replicaof_lines(const void *member, const char *name, FILE *out)
{
    const struct setting_replicaof *r = member;
    if (r->host[0] == 0) return;
    fprintf(out, "%s ", name);
    words_quote(bytes_of(r->host), out);
    fprintf(out, " %d\n", r->port);
}

static void replicaof_copy(void *to, const void *from)
{
    const struct setting_replicaof *a = from;
    *(struct setting_replicaof *)to =
        (struct setting_replicaof){option_string(bytes_of(a->host)), a->port};
}

static void replicaof_release(void *member)
{
    struct setting_replicaof *r = member;
    free(r->host);
    r->host = NULL;
}

const struct option_special special_replicaof = {
    .reset = replicaof_reset,
    .set = replicaof_set,
    .print = replicaof_print,
    .lines = replicaof_lines,
    .copy = replicaof_copy,
    .release = replicaof_release,
};

/* ---- latency-tracking-info-percentiles ---- */

static void percentiles_reset(void *member)
{
    *(struct setting_percentiles *)member =
        (struct setting_percentiles){.at = {50.0, 99.0, 99.9}, .count = 3};
}

static int percentiles_set(void *member, const struct bytes *words, uint32_t count,
                           enum option_source source, char *error)
{
    struct setting_percentiles *p = member;
    (void)source;
    if (count > PERCENTILES_MAX)
        return option_fail(error,
                           "Invalid latency-tracking-info-percentiles parameters: more than "
                           "%d",
                           PERCENTILES_MAX);
    p->count = 0;
    if (count == 1 && words[0].len == 0) return 0;
    for (uint32_t i = 0; i < count; i++) {
        double d;
        if (!number_double(words[i], &d))
            return option_fail(error, "Invalid latency-tracking-info-percentiles parameters");
        if (d < 0.0 || d > 100.0)
            return option_fail(error, "latency-tracking-info-percentiles parameters should sit "
                                      "between [0.0,100.0]");
        p->at[p->count++] = d;
    }
    return 0;
}

static void percentiles_print(const void *member, FILE *out)
{
    const struct setting_percentiles *p = member;
    for (int i = 0; i < p->count; i++) {
        char text[32];
        int len = snprintf(text, sizeof text, "%.10f", p->at[i]);
        while (len > 0 && text[len - 1] == '0') len--;
        if (len > 0 && text[len - 1] == '.') len--;
        fprintf(out, "%s%.*s", i == 0 ? "" : " ", len, text);
    }
}

static void percentiles_lines(const void *member, const char *name, FILE *out)
{
    const struct setting_percentiles *p = member;
    fprintf(out, "%s ", name);
    if (p->count == 0) fputs("\"\"", out);
    for (int i = 0; i < p->count; i++) fprintf(out, "%s%.17g", i == 0 ? "" : " ", p->at[i]);
    fputc('\n', out);
}

static void percentiles_copy(void *to, const void *from)
{
    memcpy(to, from, sizeof(struct setting_percentiles));
}

const struct option_special special_percentiles = {
    .reset = percentiles_reset,
    .set = percentiles_set,
    .print = percentiles_print,
    .lines = percentiles_lines,
    .copy = percentiles_copy,
};
