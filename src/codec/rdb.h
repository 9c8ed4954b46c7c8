/*
 * The elements of Redis's RDB format: what snapshots and the payloads of DUMP are made of. Lengths,
 * strings, doubles and times, and the footer of a payload; how they make up a value of some type is
 * told where such values live. Pure functions.
 *
 * A length is 1, 2, 5 or 9 bytes. The two top bits of its first byte say which; when both are set,
 * it is not a length but announces a string that is an integer or compressed by LZF.
 */
#ifndef CODEC_RDB_H
#define CODEC_RDB_H

#include "base/bytes.h"
#include "codec/number.h"

enum {
    RDB_VERSION_7_0 = 10,
    RDB_VERSION_7_2 = 11,
    RDB_VERSION_7_4 = 12, /* deadlines of hash fields */
    RDB_VERSION_MAX = 12, /* what is read */
    RDB_FOOTER = 10,      /* bytes: version, CRC-64 */
};

/* The byte before a value says what it is and how it is laid out. */
enum rdb_type {
    RDB_STRING = 0,
    RDB_LIST = 1,
    RDB_SET = 2,
    RDB_ZSET = 3, /* scores as text */
    RDB_HASH = 4,
    RDB_ZSET_2 = 5, /* scores as binary doubles */
    RDB_HASH_ZIPMAP = 9,
    RDB_LIST_ZIPLIST = 10,
    RDB_SET_INTSET = 11,
    RDB_ZSET_ZIPLIST = 12,
    RDB_HASH_ZIPLIST = 13,
    RDB_LIST_QUICKLIST = 14, /* of ziplists */
    RDB_STREAM_LISTPACKS = 15,
    RDB_HASH_LISTPACK = 16,
    RDB_ZSET_LISTPACK = 17,
    RDB_LIST_QUICKLIST_2 = 18, /* of listpacks and plain strings */
    RDB_STREAM_LISTPACKS_2 = 19,
    RDB_SET_LISTPACK = 20, /* from version 11 */
    RDB_STREAM_LISTPACKS_3 = 21,
    RDB_HASH_DEADLINES_OLD = 22, /* absolute; from pre-releases of 7.4 */
    RDB_HASH_LISTPACK_DEADLINES_OLD = 23,
    RDB_HASH_DEADLINES = 24, /* after the earliest one, relative to it */
    RDB_HASH_LISTPACK_DEADLINES = 25,
};

/* What stands in a file where a type might: what it announces follows. */
enum rdb_op {
    RDB_OP_SLOT_INFO = 244,      /* of 7.4's cluster mode: three lengths */
    RDB_OP_FUNCTION = 245,       /* the code of a library of functions, a string */
    RDB_OP_FUNCTION_OLD = 246,   /* of pre-releases of 7.0; refused */
    RDB_OP_MODULE_AUX = 247,     /* refused but where it can be skipped */
    RDB_OP_IDLE = 248,           /* a length: seconds since the next key was used */
    RDB_OP_FREQUENCY = 249,      /* a byte: its LFU counter */
    RDB_OP_AUX = 250,            /* two strings: a name and a value */
    RDB_OP_RESIZE = 251,         /* two lengths: keys of this database, and those with a deadline */
    RDB_OP_EXPIRE_MS = 252,      /* 8 bytes: the next key's deadline */
    RDB_OP_EXPIRE_SECONDS = 253, /* 4 bytes: the same */
    RDB_OP_SELECT = 254,         /* a length: the number of the database */
    RDB_OP_EOF = 255,            /* from version 5 on 8 bytes follow: CRC-64 of all before, or 0 */
};

/* ---- Writing ---- */

/*
 * Where bytes go. The owner embeds it and gives `room`, which makes cap - len at least `want`, by
 * moving the buffer or by sending away what is in it; it cannot fail.
 */
struct rdb_out {
    uint8_t *ptr;
    size_t len, cap;
    void (*room)(struct rdb_out *out, size_t want);
    bool compress; /* strings of more than 20 bytes, where it pays */
};

void rdb_put_byte(struct rdb_out *out, uint8_t byte);
void rdb_put_raw(struct rdb_out *out, struct bytes data);
void rdb_put_len(struct rdb_out *out, uint64_t n);
/* As an integer where it reads strictly as one of 32 bits, compressed where it pays, or as it is.
 */
void rdb_put_string(struct rdb_out *out, struct bytes text);
/* The string that is the number's text. */
void rdb_put_int(struct rdb_out *out, int64_t number);
void rdb_put_double(struct rdb_out *out, double d); /* 8 bytes */
void rdb_put_ms(struct rdb_out *out, int64_t ms);   /* 8 bytes */
/* Ends a payload of DUMP that lies in the buffer whole, from its start. */
void rdb_put_footer(struct rdb_out *out, uint16_t version);
/* ... or one of which CRC-64 is known. */
void rdb_put_footer_of(struct rdb_out *out, uint16_t version, uint64_t crc);

/* ---- Reading ---- */

/*
 * What is still to be read. Every reader returns false when the input ends too early or is not what
 * it should be; then the place is unknown, and reading is over.
 */
struct rdb_in {
    const uint8_t *at, *end;
    size_t max_string; /* bytes; longer strings are refused */
    uint64_t missing;  /* set by a reader that failed because the input ended: so many bytes more
                        * are needed at least. 0: more would not help */
};

static inline size_t rdb_left(const struct rdb_in *in) { return (size_t)(in->end - in->at); }

bool rdb_take_byte(struct rdb_in *in, uint8_t *byte);
bool rdb_take_len(struct rdb_in *in, uint64_t *n);
/* A length that counts things which take at least `each` bytes of what is left: so it justifies an
 * allocation for as many. */
bool rdb_take_count(struct rdb_in *in, size_t each, uint64_t *n);
bool rdb_take_double(struct rdb_in *in, double *d);      /* may be NaN */
bool rdb_take_double_text(struct rdb_in *in, double *d); /* the old form; may be NaN */
bool rdb_take_ms(struct rdb_in *in, int64_t *ms);
bool rdb_skip(struct rdb_in *in, size_t len); /* bytes that are not looked at */

/* A string as it stands in the input. */
struct rdb_string {
    size_t len;        /* of the text; at most 88 times its bytes in the input */
    struct bytes data; /* borrows from the input: the text, or compressed; not of an integer */
    enum { RDB_PLAIN, RDB_INT, RDB_LZF } form;
    char digits[NUMBER_INT_CHARS]; /* of an integer */
};

bool rdb_take_string(struct rdb_in *in, struct rdb_string *s);
/* Goes past the value that follows a type byte: false without `missing` when it is damaged. What it
 * goes past need not be sound. */
bool rdb_skip_value(struct rdb_in *in, uint8_t type);
/* The text, where it needs no room: borrows from the input or from *s. Not for RDB_LZF. */
struct bytes rdb_string_text(const struct rdb_string *s);
/* Writes the text's s->len bytes to `to`; false when what is compressed is damaged. */
bool rdb_string_write(const struct rdb_string *s, char *to);

/*
 * Takes the footer off a payload of DUMP: *body is what is before. False when it is too short, of a
 * version that is not known, or, if `check`, when the checksum is wrong.
 */
bool rdb_open_payload(struct bytes payload, bool check, struct bytes *body);

#endif
