/*
 * The records of an append-only log: a command is an array of RESP ("*2\r\n$6\r\nSELECT\r\n$1\r\n0
 * \r\n"), an annotation is a line that begins with '#' ("#TS:1628217470\r\n"). Pure functions.
 */
#ifndef CODEC_LOG_RECORD_H
#define CODEC_LOG_RECORD_H

#include "base/bytes.h"

enum log_record {
    LOG_COMMAND,
    LOG_ANNOTATION,
    LOG_SHORT, /* it goes on behind the end */
    LOG_ARGS,  /* there are more arguments than there is room for: `nargs` of them */
    LOG_BAD,
};

/* An annotation is no longer than this, its line end included. */
#define LOG_ANNOTATION_MAX 1024

struct log_reader {
    const uint8_t *at, *end; /* `at` is moved behind a record that was read */
    struct bytes *args;      /* room for them; of a command they point into the input */
    uint32_t args_max;
    uint32_t nargs;
    uint32_t lines;       /* line ends of the record that was read, or up to where it is bad */
    uint64_t missing;     /* LOG_SHORT: so many bytes more are needed, at least */
    const uint8_t *bad;   /* LOG_BAD: where */
    const char *expected; /* and what should be there */
    struct bytes text;    /* of an annotation, without '#' and line end */
};

/* The record at `at`; the input is not empty. */
enum log_record log_record_read(struct log_reader *r);
/* The seconds that a text "TS:..." tells; -1: it is another annotation, -2: it is none that makes
 * sense. */
int64_t log_record_time(struct bytes text);

#endif
