/*
 * The errors that clients match, each once. The text is the whole line after '-', code first.
 */
#ifndef CATALOG_ERROR_H
#define CATALOG_ERROR_H

#define ERR_SYNTAX "ERR syntax error"
#define ERR_WRONG_TYPE "WRONGTYPE Operation against a key holding the wrong kind of value"
#define ERR_NOT_INT "ERR value is not an integer or out of range"
#define ERR_NOT_FLOAT "ERR value is not a valid float"
#define ERR_OUT_OF_RANGE "ERR value is out of range"
#define ERR_MUST_BE_POSITIVE "ERR value is out of range, must be positive"
#define ERR_NO_KEY "ERR no such key"
#define ERR_DB_INDEX "ERR DB index is out of range"
#define ERR_SAME_OBJECT "ERR source and destination objects are the same"
#define ERR_OVERFLOW "ERR increment or decrement would overflow"
#define ERR_STRING_TOO_LONG "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
#define ERR_NAN_OR_INF "ERR increment would produce NaN or Infinity"
#define ERR_OFFSET "ERR offset is out of range"
#define ERR_BIT_OFFSET "ERR bit offset is not an integer or out of range"
#define ERR_NOAUTH "NOAUTH Authentication required."
#define ERR_OOM "OOM command not allowed when used memory > 'maxmemory'."
#define ERR_WRONGPASS "WRONGPASS invalid username-password pair or user is disabled."
#define ERR_NO_PASSWORD_SET                                                                     \
    "ERR AUTH <password> called without any password configured for the default user. Are you " \
    "sure your configuration is correct?"
#define ERR_NOPROTO "NOPROTO unsupported protocol version"
#define ERR_MAX_CLIENTS "ERR max number of clients reached"
#define ERR_INVALID_CURSOR "ERR invalid cursor"
#define ERR_BUSY_SCRIPT \
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
#define ERR_BUSY_FUNCTION \
    "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
#define ERR_NOT_BUSY "NOTBUSY No scripts in execution right now."
#define ERR_UNKILLABLE                                                                          \
    "UNKILLABLE Sorry the script already executed write commands against the dataset. You can " \
    "either wait the script termination or kill the server in a hard way using the SHUTDOWN "   \
    "NOSAVE command."
#define ERR_MISCONF_SAVE                                                                           \
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to "  \
    "disk. Commands that may modify the data set are disabled, because this instance is "          \
    "configured to report errors during writes if RDB snapshotting fails "                         \
    "(stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB " \
    "error."
#define ERR_LOADING "LOADING Redis is loading the dataset in memory"

#endif
