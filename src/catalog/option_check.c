/* Rules that single string options have of their own. Each gives 0, or -EINVAL with the reason in
 * `error`. */
#include "catalog/option_special.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>

/* `at` is behind a '{': the length of a known variable with its '}', 0 when it is none. */
static size_t check_title_variable(const char *at)
{
    static const char *const known[] = {"title}",    "listen-addr}", "server-mode}", "port}",
                                        "tls-port}", "unixsocket}",  "config-file}"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strncmp(at, known[i], strlen(known[i])) == 0) return strlen(known[i]);
    return 0;
}

int check_title_template(const char *value, char *error)
{
    bool valid = value[0] != 0;
    while (valid && *value != 0) {
        if (*value++ != '{') continue;
        size_t len = check_title_variable(value);
        valid = len > 0;
        value += len;
    }
    if (valid) return 0;
    return option_fail(error, "template format is invalid or contains unknown variables");
}

int check_locale(const char *value, char *error)
{
    locale_t l = newlocale(LC_COLLATE_MASK, value, (locale_t)0);
    if (l == (locale_t)0) return option_fail(error, "Invalid locale name");
    freelocale(l);
    return 0;
}

static bool check_is_path(const char *value)
{
    return strchr(value, '/') != NULL || strcmp(value, ".") == 0 || strcmp(value, "..") == 0;
}

int check_dbfilename(const char *value, char *error)
{
    if (!check_is_path(value)) return 0;
    return option_fail(error, "dbfilename can't be a path, just a filename");
}

int check_appendfilename(const char *value, char *error)
{
    if (value[0] == 0) return option_fail(error, "appendfilename can't be empty");
    if (!check_is_path(value)) return 0;
    return option_fail(error, "appendfilename can't be a path, just a filename");
}

int check_appenddirname(const char *value, char *error)
{
    if (value[0] == 0) return option_fail(error, "appenddirname can't be empty");
    if (!check_is_path(value)) return 0;
    return option_fail(error, "appenddirname can't be a path, just a dirname");
}

int check_hostname(const char *value, char *error)
{
    if (strlen(value) >= 256)
        return option_fail(error, "Hostnames must be less than 256 characters");
    for (const char *p = value; *p != 0; p++)
        if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.')
            return option_fail(error, "Hostnames may only contain alphanumeric characters, "
                                      "hyphens or dots");
    return 0;
}

int check_nodename(const char *value, char *error)
{
    for (const char *p = value; *p != 0; p++)
        if (!isgraph((unsigned char)*p) || strchr("!#$%&()*+:;<>?@[]^{|}~,=\"'", *p) != NULL)
            return option_fail(error, "Announced human node name contained invalid character");
    return 0;
}
