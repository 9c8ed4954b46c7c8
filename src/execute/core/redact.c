/* A command with secrets among its arguments has a line in redact_hides(): there is no other place.
 */
#include "execute/core/redact.h"

#include "catalog/option.h"

/* HELLO 3 AUTH user password SETNAME x: the two words after AUTH. */
static bool hello_hides(const struct bytes *args, uint32_t nargs, uint32_t i)
{
    for (uint32_t j = 2; j + 2 < nargs; j++) {
        if (bytes_is_word(args[j], "setname")) {
            j++;
        } else if (bytes_is_word(args[j], "auth")) {
            if (i == j + 1 || i == j + 2) return true;
            j += 2;
        }
    }
    return false;
}

/* MIGRATE host port key db timeout [COPY] [REPLACE] [AUTH password | AUTH2 user password] [KEYS
 * ...]: what follows AUTH and AUTH2, wherever it stands before KEYS. */
static bool migrate_hides(const struct bytes *args, uint32_t nargs, uint32_t i)
{
    for (uint32_t j = 1; j < nargs && !bytes_is_word(args[j], "keys"); j++) {
        uint32_t secrets = bytes_is_word(args[j], "auth")    ? 1
                           : bytes_is_word(args[j], "auth2") ? 2
                                                             : 0;
        if (i > j && i <= j + secrets) return true;
        j += secrets;
    }
    return false;
}

/* CONFIG SET name value [name value ...]. */
static bool config_set_hides(const struct bytes *args, uint32_t i)
{
    if (i < 3 || i % 2 == 0) return false;
    const struct option *o = option_find(args[i - 1]);
    return o != NULL && (o->flags & OPTION_SENSITIVE) != 0;
}

/* The argument from which on a whole other command follows, 0: none does. */
static uint32_t inner_command(const struct command_spec *spec)
{
    switch ((int)spec->id) {
    case CMD_COMMAND_GETKEYS:
    case CMD_COMMAND_GETKEYSANDFLAGS: return 2;
    case CMD_ACL_DRYRUN: return 3;
    default: return 0;
    }
}

/* When the inner command holds one in turn, all of it is hidden. */
static bool inner_hides(const struct bytes *args, uint32_t nargs, uint32_t i, uint32_t first)
{
    bool no_such_sub;
    if (i <= first) return false;
    const struct command_spec *inner = command_find(args + first, nargs - first, &no_such_sub);
    if (inner == NULL) return false;
    return inner_command(inner) != 0 || redact_hides(inner, args + first, nargs - first, i - first);
}

bool redact_hides(const struct command_spec *spec, const struct bytes *args, uint32_t nargs,
                  uint32_t i)
{
    uint32_t inner = inner_command(spec);
    if (inner != 0) return inner_hides(args, nargs, i, inner);
    switch ((int)spec->id) {
    case CMD_AUTH: return i >= 1;
    case CMD_MIGRATE: return migrate_hides(args, nargs, i);
    case CMD_HELLO: return hello_hides(args, nargs, i);
    case CMD_ACL_SETUSER:
    case CMD_ACL_DELUSER:
    case CMD_ACL_GETUSER: return i >= 2;
    case CMD_CONFIG_SET: return config_set_hides(args, i);
    default: return false;
    }
}
