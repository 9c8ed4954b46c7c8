/*
 * Reading the configuration; see config_file.h.
 *
 * A line is an option of the table, or one of the few directives below, which are no options
 * because CONFIG does not know them. The first error ends the reading.
 */
#include "boot/config_file.h"

#include "base/log.h"
#include "base/must.h"
#include "catalog/command.h"
#include "catalog/config_text.h"
#include "codec/words.h"
#include "catalog/config_users.h"
#include "version.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INCLUDE_DEPTH_MAX 16

/* A line's words, the name first. */
struct directive {
    const char *name;
    uint32_t min, max; /* words, the name included */
    int (*read)(struct config_reading *r, const struct bytes *words, uint32_t count);
};

static int config_fail(struct config_reading *r, const char *reason)
{
    snprintf(r->reason, sizeof r->reason, "%s", reason);
    return -EINVAL;
}

/* Gives the word as a C string. */
static char *config_string(struct bytes word)
{
    char *s = strndup(word.ptr, word.len);
    must(s != NULL);
    return s;
}

/* Reads to the end. Gives memory of malloc(), or NULL with errno. */
static char *config_slurp(FILE *in, size_t *len)
{
    size_t cap = 4096, got;
    char *text = malloc(cap);
    must(text != NULL);
    *len = 0;
    while ((got = fread(text + *len, 1, cap - *len, in)) > 0) {
        *len += got;
        if (*len < cap) continue;
        cap *= 2;
        text = realloc(text, cap);
        must(text != NULL);
    }
    if (!ferror(in)) return text;
    int error = errno;
    free(text);
    errno = error;
    return NULL;
}

static char *config_slurp_file(const char *path, size_t *len)
{
    FILE *in = fopen(path, "re");
    if (in == NULL) return NULL;
    char *text = config_slurp(in, len);
    int error = errno;
    fclose(in);
    errno = error;
    return text;
}

/* ---- Directives that are no options ---- */

static int config_include_file(struct config_reading *r, const char *path)
{
    size_t len;
    char *text = config_slurp_file(path, &len);
    if (text == NULL) {
        snprintf(r->reason, sizeof r->reason, "Fatal error, can't open config file '%.120s': %s",
                 path, strerrordesc_np(errno));
        return -EINVAL;
    }
    r->depth++;
    int result = config_read(r, bytes_make(text, len));
    r->depth--;
    free(text);
    if (result != 0 && r->line != NULL && r->file == NULL) {
        r->file = strdup(path);
        must(r->file != NULL);
    }
    return result;
}

static int config_include(struct config_reading *r, const struct bytes *words, uint32_t count)
{
    (void)count;
    if (r->dry) return 0;
    if (r->depth >= INCLUDE_DEPTH_MAX) return config_fail(r, "too many include files in a row");
    char *path = config_string(words[1]);
    int result = 0;
    if (strpbrk(path, "*?[") == NULL) {
        result = config_include_file(r, path);
    } else {
        glob_t found = {0};
        if (glob(path, 0, NULL, &found) == 0)
            for (size_t i = 0; result == 0 && i < found.gl_pathc; i++)
                result = config_include_file(r, found.gl_pathv[i]);
        globfree(&found);
    }
    free(path);
    return result;
}

static int config_rename(struct config_reading *r, const struct bytes *words, uint32_t count)
{
    (void)count;
    if (r->dry) return 0;
    char *from = config_string(words[1]), *to = config_string(words[2]);
    int result = command_rename(from, to);
    free(from);
    free(to);
    if (result == -ENOENT) return config_fail(r, "No such command in rename-command");
    if (result != 0) return config_fail(r, "Target command name already exists");
    return 0;
}

/* Execute makes the users, once it is there. */
static int config_user(struct config_reading *r, const struct bytes *words, uint32_t count)
{
    char *name = config_string(words[1]);
    for (unsigned i = 0; i < r->user_count; i++) {
        if (strcmp(r->users[i], name) != 0) continue;
        snprintf(r->reason, sizeof r->reason,
                 "Error in user declaration '%.64s': Duplicate user found. A user can only be "
                 "defined once in config files",
                 name);
        free(name);
        return -EINVAL;
    }
    r->users = realloc(r->users, (r->user_count + 1) * sizeof *r->users);
    must(r->users != NULL);
    r->users[r->user_count++] = name;
    if (!r->dry) config_users_add(words + 1, count - 1);
    return 0;
}

static int config_load_module(struct config_reading *r, const struct bytes *words, uint32_t count)
{
    (void)words, (void)count;
    return config_fail(r, "Baton does not load modules");
}

static int config_sentinel(struct config_reading *r, const struct bytes *words, uint32_t count)
{
    (void)words, (void)count;
    return config_fail(r, "sentinel directive while not in sentinel mode");
}

/* Options that old files hold and that mean nothing any more, in Redis either. */
static int config_ignore(struct config_reading *r, const struct bytes *words, uint32_t count)
{
    (void)r, (void)words, (void)count;
    return 0;
}

static const struct directive directives[] = {
    {"include", 2, 2, config_include},
    {"rename-command", 3, 3, config_rename},
    {"user", 2, UINT32_MAX, config_user},
    {"loadmodule", 2, UINT32_MAX, config_load_module},
    {"sentinel", 1, UINT32_MAX, config_sentinel},
    {"list-max-ziplist-entries", 2, 2, config_ignore},
    {"list-max-ziplist-value", 2, 2, config_ignore},
};

/* ---- Lines ---- */

/* `dir` takes effect where it stands: a relative path after it starts there. */
static int config_go(struct config_reading *r)
{
    if (r->dry || chdir(r->settings->dir) == 0) return 0;
    return config_fail(r, strerrordesc_np(errno));
}

static int config_read_words(struct config_reading *r, const struct bytes *words, uint32_t count)
{
    const struct option *o = option_find(words[0]);
    if (o != NULL) {
        int result =
            option_set_text(r->settings, o, words + 1, count - 1, OPTION_FROM_FILE, r->reason);
        bool is_dir = strcmp(o->name, "dir") == 0;
        return result == 0 && is_dir ? config_go(r) : result;
    }
    for (size_t i = 0; i < sizeof directives / sizeof directives[0]; i++) {
        const struct directive *d = &directives[i];
        if (!bytes_is_word(words[0], d->name) || count < d->min || count > d->max) continue;
        return d->read(r, words, count);
    }
    return config_fail(r, "Bad directive or wrong number of arguments");
}

static bool config_has_any(struct bytes text, const char *marks)
{
    for (; *marks != 0; marks++)
        if (memchr(text.ptr, *marks, text.len) != NULL) return true;
    return false;
}

/* Keeps the line to blame, without control bytes and without what must stay secret. */
static void config_blame(struct config_reading *r, struct bytes line, size_t number)
{
    if (r->line != NULL) return; /* an included file's line */
    size_t name = 0;
    while (name < line.len && !isspace((unsigned char)line.ptr[name])) name++;
    struct bytes word = bytes_make(line.ptr, name);
    const struct option *o = option_find(word);
    bool secret = (o != NULL && (o->flags & OPTION_SENSITIVE) != 0) || bytes_is_word(word, "user");
    /* A user's name may be shown, passwords and hashes may not. */
    if (secret && o == NULL) secret = config_has_any(line, "><#!");
    r->line_number = number;
    r->line = malloc(line.len + sizeof " (redacted)");
    must(r->line != NULL);
    size_t len = secret ? name : line.len;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line.ptr[i];
        r->line[i] = c < ' ' && c != '\t' ? '?' : (char)c;
    }
    memcpy(r->line + len, secret ? " (redacted)" : "", secret ? sizeof " (redacted)" : 1);
}

static int config_read_line(struct config_reading *r, struct bytes line)
{
    struct words w;
    if (words_split(line, &w) != 0)
        return config_fail(r, "Unbalanced quotes in configuration line");
    int result = w.count == 0 ? 0 : config_read_words(r, w.word, w.count);
    words_free(&w);
    return result;
}

int config_read(struct config_reading *r, struct bytes text)
{
    for (size_t number = 1; text.len > 0; number++) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);
        struct bytes line = words_trim(bytes_make(text.ptr, len));
        size_t used = end == NULL ? len : len + 1;
        text = bytes_make(text.ptr + used, text.len - used);
        if (line.len == 0 || line.ptr[0] == '#') continue;
        int result = config_read_line(r, line);
        if (result == 0) continue;
        config_blame(r, line, number);
        return result;
    }
    return 0;
}

void config_reading_free(struct config_reading *r)
{
    while (r->user_count > 0) free(r->users[--r->user_count]);
    free(r->users);
    free(r->line);
    free(r->file);
    settings_free(r->settings);
    *r = (struct config_reading){0};
}

/* ---- The start ---- */

/* One line; its parts are worded as tools that start redis-server look for them. */
static void config_say(const struct config_reading *r)
{
    fprintf(stderr, "*** FATAL CONFIG FILE ERROR (Baton %s, Redis %s compatible) *** ",
            BATON_VERSION, BATON_REDIS_VERSION);
    if (r->line != NULL)
        fprintf(stderr,
                "Reading the configuration file, at line %zu%s%s >>> '%s': ", r->line_number,
                r->file == NULL ? "" : " of ", r->file == NULL ? "" : r->file, r->line);
    fprintf(stderr, "%s\n", r->reason);
}

static int config_absolute(const char *path, char out[4096])
{
    char cwd[2048];
    if (path[0] == '/') return snprintf(out, 4096, "%s", path) < 4096 ? 0 : -ENAMETOOLONG;
    if (getcwd(cwd, sizeof cwd) == NULL) return -errno;
    return snprintf(out, 4096, "%s/%s", cwd, path) < 4096 ? 0 : -ENAMETOOLONG;
}

/* Collects file, standard input and command line in `all`. */
static int config_collect(int argc, char **argv, struct config_source *out, FILE *all)
{
    int first = 1;
    if (argc > 1 && argv[1][0] != '-') {
        size_t len;
        int r = config_absolute(argv[1], out->path);
        char *text = r == 0 ? config_slurp_file(out->path, &len) : NULL;
        if (text == NULL) {
            fprintf(stderr, "Fatal error, can't open config file '%s': %s\n", argv[1],
                    strerrordesc_np(r == 0 ? errno : -r));
            return -EINVAL;
        }
        fwrite(text, 1, len, all);
        if (len > 0 && text[len - 1] != '\n') fputc('\n', all);
        free(text);
        first = 2;
    }
    char *args = NULL;
    size_t args_len;
    FILE *lines = open_memstream(&args, &args_len);
    must(lines != NULL);
    config_args_write(argc, argv, first, lines, &out->from_stdin);
    must(fclose(lines) == 0);
    if (out->from_stdin) {
        size_t len;
        char *text = config_slurp(stdin, &len);
        if (text != NULL) fwrite(text, 1, len, all);
        free(text);
    }
    fwrite(args, 1, args_len, all);
    free(args);
    return 0;
}

/* `dir` as CONFIG GET shows it: where the server is. */
static void config_settle_dir(struct settings *s)
{
    char *cwd = getcwd(NULL, 0);
    if (cwd == NULL) return;
    free(s->dir);
    s->dir = cwd;
}

int config_load(int argc, char **argv, struct config_source *out)
{
    int result;
    memset(out, 0, sizeof *out);
    if (config_answer(argc, argv, &result)) return result;
    ssize_t n = readlink("/proc/self/exe", out->executable, sizeof out->executable - 1);
    if (n < 0 && config_absolute(argv[0], out->executable) != 0) out->executable[0] = 0;

    char *text = NULL;
    size_t len;
    FILE *all = open_memstream(&text, &len);
    must(all != NULL);
    result = config_collect(argc, argv, out, all);
    must(fclose(all) == 0);

    struct config_reading r = {.settings = settings_default()};
    if (result == 0) {
        result = config_read(&r, bytes_make(text, len));
        if (result != 0) config_say(&r);
    }
    free(text);
    if (result == 0) {
        config_settle_dir(r.settings);
        config_set_path(out->path);
        settings_publish(r.settings);
        r.settings = NULL;
    }
    config_reading_free(&r);
    return result == 0 ? CONFIG_READY : CONFIG_BAD;
}

void config_log_pending(void)
{
    char *names = NULL;
    size_t len;
    FILE *out = open_memstream(&names, &len);
    must(out != NULL);
    struct settings *defaults = settings_default();
    for (size_t i = 0; i < option_count(); i++) {
        const struct option *o = option_at(i);
        if ((o->flags & OPTION_PENDING) == 0) continue;
        if (!option_is_equal(defaults, settings_now(), o)) fprintf(out, " %s", o->name);
    }
    settings_free(defaults);
    must(fclose(out) == 0);
    if (len > 0) log_note("Options that are not in effect yet in this version:%s", names);
    free(names);
}
