/*
 * The command line: questions that are answered at once, and options turned into lines of a
 * configuration.
 *
 * The rules are redis-server's. "--name" opens a line; what follows are its values, up to the next
 * argument that starts with "--". The argument right behind a name is its value whatever it looks
 * like, but for --save, which may stand alone. An argument that is a name with its values, as in
 * "--maxmemory 700mb", is taken as written.
 */
#include "boot/config_file.h"

#include "codec/words.h"
#include "release.h"
#include "version.h"

#include <string.h>
#if !defined(BATON_LIBC_MALLOC)
#include <jemalloc/jemalloc.h>
#define DIGITS_(n) #n
#define DIGITS(n) DIGITS_(n)
#define MALLOC_NAME                                                                           \
    "jemalloc-" DIGITS(JEMALLOC_VERSION_MAJOR) "." DIGITS(JEMALLOC_VERSION_MINOR) "." DIGITS( \
        JEMALLOC_VERSION_BUGFIX)
#else
#define MALLOC_NAME "libc"
#endif

static const char usage[] =
    "Usage: baton-server [/path/to/baton.conf] [options] [-]\n"
    "\n"
    "  -                    reads (more) configuration from standard input\n"
    "  -v, --version        says which version this is\n"
    "  -h, --help           says this\n"
    "  --options            lists all options with their defaults\n"
    "  --options pending    lists the options that are accepted but not in effect yet\n"
    "\n"
    "Options of the command line are those of the configuration file and win over it:\n"
    "  baton-server                                  listens on port 6379 with the defaults\n"
    "  baton-server /etc/baton/baton.conf\n"
    "  baton-server --port 7777 --bind 127.0.0.1 ::1\n"
    "  baton-server my.conf --loglevel verbose --maxmemory 700mb\n"
    "  echo 'maxclients 128' | baton-server -\n";

static bool config_is_either(const char *arg, const char *a, const char *b)
{
    return strcmp(arg, a) == 0 || strcmp(arg, b) == 0;
}

bool config_answer(int argc, char **argv, int *result)
{
    *result = CONFIG_ANSWER;
    if (argc < 2) return false;
    if (strcmp(argv[1], "--options") == 0 && argc <= 3) {
        if (argc == 3 && strcmp(argv[2], "pending") == 0) {
            option_print_pending(stdout);
        } else {
            option_print_all(stdout);
        }
        return true;
    }
    if (strcmp(argv[1], "--test-memory") == 0 || strcmp(argv[1], "--check-system") == 0) {
        fprintf(stderr, "Baton has no %s: use the tools of the system, such as memtester.\n",
                argv[1]);
        *result = CONFIG_BAD;
        return true;
    }
    if (argc != 2) return false;
    if (config_is_either(argv[1], "-v", "--version")) {
        printf("Baton server v=%s (Redis %s compatible) sha=%s:%d malloc=%s bits=%zu build=%s\n",
               BATON_VERSION, BATON_REDIS_VERSION, BATON_GIT_SHA1, BATON_GIT_DIRTY, MALLOC_NAME,
               sizeof(void *) * 8, BATON_BUILD_ID);
        return true;
    }
    if (config_is_either(argv[1], "-h", "--help")) {
        fputs(usage, stdout);
        return true;
    }
    return false;
}

static bool config_is_name(const char *arg) { return arg[0] == '-' && arg[1] == '-'; }

/* How many words the argument is; one that does not split counts as one, and fails as a line later.
 */
static uint32_t config_words_in(const char *arg)
{
    struct words w;
    if (words_split(bytes_of(arg), &w) != 0) return 1;
    uint32_t n = w.count;
    words_free(&w);
    return n;
}

void config_args_write(int argc, char **argv, int first, FILE *out, bool *from_stdin)
{
    bool wants_value = false, open = false;
    *from_stdin = false;
    fputc('\n', out);
    for (int i = first; i < argc; i++) {
        const char *arg = argv[i];
        if (strcmp(arg, "-") == 0 && (i == 1 || i == argc - 1)) {
            *from_stdin = true;
        } else if (config_is_name(arg) && !wants_value) {
            fprintf(out, "%s%s ", open ? "\n" : "", arg + 2);
            open = true;
            wants_value = config_words_in(arg) == 1;
            bool alone = i == argc - 1 || config_is_name(argv[i + 1]);
            if (alone && bytes_is_word(words_trim(bytes_of(arg)), "--save")) {
                fputs("\"\"", out);
                wants_value = false;
            }
        } else {
            words_quote_always(bytes_of(arg), out);
            fputc(' ', out);
            open = true;
            wants_value = false;
        }
    }
    fputc('\n', out);
}
