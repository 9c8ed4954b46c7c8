/*
 * A reply under construction: a growing run of contiguous bytes.
 *
 * The same struct collects the replies of a batch, of a script's call and of a command that runs
 * held back. The buffer comes from execute's heap. In a batch big values are lent instead of copied
 * (msg/reply_batch.h); then the bytes in `buf` are not all of the reply. Handlers use the reply_*
 * functions of core/call.h; what is here is for core.
 */
#ifndef EXECUTE_CORE_REPLY_H
#define EXECUTE_CORE_REPLY_H

#include "execute/execute_private.h"

#include "base/bytes.h"
#include "base/must.h"
#include "msg/reply_batch.h"

struct reply {
    char *buf;
    size_t len, cap;
    uint8_t resp; /* 2 or 3 */
    bool lends;   /* whoever reads it knows of loans */
    struct reply_loan *loans;
    uint32_t loan_count, loan_max;
    size_t lent; /* bytes of all loans */
};

/* Bytes in all. */
static inline size_t reply_total(const struct reply *r) { return r->len + r->lent; }
/* Takes back what was appended since r->len was `len`. */
void reply_rewind(struct reply *r, size_t len);
/* What r->len was when reply_total() was `total`. */
size_t reply_place(const struct reply *r, size_t total);
/* Moves the loans behind `at` to the end of those of `to`; the sums in `lent` stay. */
void reply_move_loans(struct reply *to, struct reply *from, size_t at);
/* Repays loans. */
void reply_repay(const struct reply_loan *loans, uint32_t count);

void reply_grow(struct reply *r, size_t more);

/* Room for `n` more bytes at the returned place; the caller then adds what it wrote to r->len. */
static inline char *reply_room(struct reply *r, size_t n)
{
    if (unlikely(r->cap - r->len < n)) reply_grow(r, n);
    return r->buf + r->len;
}

static inline void reply_raw(struct reply *r, const char *p, size_t n)
{
    if (n == 0) return; /* there may be no buffer yet */
    memcpy(reply_room(r, n), p, n);
    r->len += n;
}

/* Text as it is, without any protocol: for the inside of bulk strings. */
void reply_printf(struct reply *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* How much of a client's word an error shows, for "%.*s": it ends at a zero byte and is cut at
 * `max` bytes. */
static inline int reply_word_len(struct bytes word, size_t max)
{
    if (word.len < max) max = word.len;
    return max == 0 ? 0 : (int)strnlen(word.ptr, max);
}
#define REPLY_WORD(word) reply_word_len((word), 128), (word).ptr

/* Gives back the room that is not in use. */
void reply_fit(struct reply *r);
void reply_release(struct reply *r);

#endif
