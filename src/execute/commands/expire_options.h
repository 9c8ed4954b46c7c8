/*
 * Times and options of the commands that set a deadline: SET and its elders, GETEX, the EXPIRE
 * family.
 *
 * All of them turn into an absolute time in milliseconds here, so that an overflow is refused in
 * one place.
 */
#ifndef EXECUTE_COMMANDS_EXPIRE_OPTIONS_H
#define EXECUTE_COMMANDS_EXPIRE_OPTIONS_H

#include "execute/execute_private.h"

#include "execute/core/call.h"

/* How an argument tells a time: bits. Without any: milliseconds from now. */
enum expire_unit { EXPIRE_MS = 0, EXPIRE_SECONDS = 1, EXPIRE_ABSOLUTE = 2 };

/*
 * Reads the time at argument i. `only_future`: zero and negative numbers are an error (an absolute
 * time may still be past). False: the error is answered.
 */
bool expire_time(struct call *c, uint32_t i, unsigned unit, bool only_future, int64_t *at_ms);

/* True when a key with this deadline is gone at once. */
static inline bool expire_is_past(const struct call *c, int64_t at_ms)
{
    return at_ms <= c->due_ms;
}

/* The key is due at once: deletes it. */
void expire_now(struct call *c, struct key key);
/* The entry of the key gets this deadline. */
void expire_set(struct call *c, struct key key, struct entry *e, int64_t at_ms);

/* What may follow SET key value, or GETEX key. */
enum expire_form { EXPIRE_FORM_SET, EXPIRE_FORM_GETEX };

struct expire_options {
    bool nx, xx, get, keep_ttl; /* SET */
    bool persist;               /* GETEX */
    unsigned unit;
    uint32_t time_arg; /* where the time stands, 0: none was given */
};

/* Parses from argument `from` to the last. False: the error is answered. */
bool expire_options_parse(struct call *c, uint32_t from, enum expire_form form,
                          struct expire_options *out);

/* EX, PX, EXAT or PXAT; false when the word is none of them. */
bool expire_options_unit(struct bytes word, unsigned *unit);

#endif
