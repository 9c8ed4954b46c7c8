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

static inline void resp_next(struct resp_parser *p) { *p = (struct resp_parser){.bulk_len = -1}; }

#endif
