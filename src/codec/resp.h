/*
 * The request side of RESP: bytes in, commands out, whatever way the bytes are split.
 *
 * resp_parse() continues where it stopped: it never looks at a byte twice but for a line that had
 * no end yet. Arguments are given as offsets from the start of the buffer, which may move between
 * calls. Nothing is allocated here; the caller gives room for arguments and grows it when asked.
 * Source: the RESP specification (redis.io/docs/reference/protocol-spec) and, for inline commands,
 * Redis's documented quoting rules: "..." with \n \r \t \b \a \\ \" \xHH, '...' with \'.
 */
#ifndef CODEC_RESP_H
#define CODEC_RESP_H

#include "base/bytes.h"

/* Where an argument lies: bytes from the start of the command's buffer. */
struct resp_span {
    size_t at, len;
};

struct resp_limits {
    int64_t max_args;   /* 10 before authentication, else 1024*1024 ... INT32_MAX as Redis */
    int64_t max_bulk;   /* 16384 before authentication, else proto-max-bulk-len */
    size_t max_inline;  /* 65536 */
    bool authenticated; /* chooses the error's text */
};

/* One connection's parser between calls. Zeroed: at the start of a command. */
struct resp_parser {
    uint8_t state;
    int64_t args_left; /* of a multibulk */
    int64_t bulk_len;  /* of the bulk being read, -1: its head is not read yet */
    size_t pos;        /* first byte not consumed */
    size_t line_from;  /* how far a line without end was searched */
    uint32_t nargs;    /* spans written so far */
};

enum resp_result {
    RESP_COMMAND, /* a whole command: nargs spans; nargs 0 for an empty line or *0 and *-1, which
                     ask for nothing */
    RESP_MORE, /* bytes are missing; p->bulk_len - have tells a big bulk's need, see resp_wants() */
    RESP_ROOM, /* more than `span_max` spans: give more room (the first nargs are kept) and call
                  again */
    RESP_ERROR, /* error names it, without "-ERR "; the connection cannot go on */
};

/* What one call is given. */
struct resp_input {
    char *buf; /* from the start of the command */
    size_t len;
    struct resp_span *spans;
    uint32_t span_max;
};

#define RESP_NO_CRLF "Protocol error: expected CRLF after bulk"

/* What RESP_ERROR says: static text, or text in `buf`. */
#define RESP_ERROR_LEN 64
struct resp_error {
    const char *text;
    char buf[RESP_ERROR_LEN];
};

/*
 * Parses one command, continuing at p->pos. After RESP_COMMAND the command is buf[0..p->pos) and
 * the caller starts the next with resp_next() on the rest. An inline command with quotes is
 * unescaped in place, so the buffer is written to.
 */
enum resp_result resp_parse(struct resp_parser *p, const struct resp_limits *limits,
                            const struct resp_input *in, struct resp_error *error);

/* How many bytes from the start of the buffer the bulk being read needs at least in all; 0 when not
 * known. */
size_t resp_wants(const struct resp_parser *p);

/*
 * After RESP_MORE: how long the bulk is whose head was read and whose bytes are missing, -1 without
 * one. The caller may then read it elsewhere, with the CR LF behind it, of which the parser sees
 * nothing: resp_skip_bulk() makes it an argument at no place in the buffer (there is room for its
 * span), and the buffer goes on with what comes after it.
 */
static inline int64_t resp_open_bulk(const struct resp_parser *p) { return p->bulk_len; }
void resp_skip_bulk(struct resp_parser *p, struct resp_span *spans);
/* True when nothing but a call of resp_parse() is missing to a command. */
static inline bool resp_is_whole(const struct resp_parser *p) { return p->args_left == 0; }

static inline void resp_next(struct resp_parser *p) { *p = (struct resp_parser){.bulk_len = -1}; }

#endif
