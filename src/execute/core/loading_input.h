/*
 * A file that is read from its start to its end and looks like bytes in memory, of which some lie
 * there and more can be asked for.
 *
 * Whoever decodes it tries with what lies there; when that ends too early he asks for more and
 * tries again from the same place. So nothing need know how long a thing is before it is read, a
 * file that shrinks meanwhile is only short, and a disk that fails is an error (a mapped file would
 * end the process in both cases).
 */
#ifndef EXECUTE_CORE_LOADING_INPUT_H
#define EXECUTE_CORE_LOADING_INPUT_H

#include "execute/execute_private.h"

#include "base/bytes.h"

struct loading_input {
    const uint8_t *at, *end; /* what lies there; the user moves `at` on */
    uint64_t size;           /* of the whole, when it was opened */
    int error;               /* of the read that failed, positive; 0: none */
    /* loading_input.c's own */
    uint64_t read; /* bytes of the file before `end` */
    uint64_t sum;  /* CRC-64 of the bytes before `summed` */
    const uint8_t *summed;
    uint8_t *buf;
    size_t cap;
    int fd; /* -1: all of it lies there, borrowed */
    bool sums;
};

/* 0 or -errno. */
int loading_input_open(struct loading_input *in, const char *path);
/* The same from memory, which is borrowed until it is closed. */
void loading_input_open_bytes(struct loading_input *in, struct bytes all);
void loading_input_close(struct loading_input *in);

/* More is put behind what is left, which may move. False: there is no more, or it cannot be read
 * (`error`). */
bool loading_input_more(struct loading_input *in);
/* Bytes of the file before `at`. */
static inline uint64_t loading_input_offset(const struct loading_input *in)
{
    return in->read - (uint64_t)(in->end - in->at);
}
static inline size_t loading_input_left(const struct loading_input *in)
{
    return (size_t)(in->end - in->at);
}
/* Bytes of the file behind `end`, by its size when it was opened. */
static inline uint64_t loading_input_unread(const struct loading_input *in)
{
    return in->size > in->read ? in->size - in->read : 0;
}

/* From here on the bytes that are passed are summed up; and the sum of those before `at`. */
void loading_input_sum_begin(struct loading_input *in);
uint64_t loading_input_sum(struct loading_input *in);

#endif
