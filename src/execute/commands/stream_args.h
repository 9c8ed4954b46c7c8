/*
 * Arguments of the stream commands: ids as clients write them, ends of ranges, and the lookup that
 * insists on a stream. On failure these answer the error themselves and return false.
 */
#ifndef EXECUTE_COMMANDS_STREAM_ARGS_H
#define EXECUTE_COMMANDS_STREAM_ARGS_H

#include "execute/execute_private.h"

#include "execute/commands/typed.h"
#include "execute/types/stream.h"
#include "execute/types/stream_group.h"

#define STREAM_NO_GROUP_FORMAT "NOGROUP No such consumer group '%.*s' for key name '%.*s'"

/* "ms-seq" or "ms", then seq is `seq`; false when it is neither. Answers nothing. */
bool stream_args_read_id(struct bytes text, uint64_t seq, struct stream_id *out);
/* The same for argument i. */
bool stream_args_id(struct call *c, uint32_t i, uint64_t seq, struct stream_id *out);
/* "-" and "+" are ids too. */
bool stream_args_any_id(struct call *c, uint32_t i, uint64_t seq, struct stream_id *out);
/* The first or last id of a range: as above, or "(id" for the one behind or before it. */
bool stream_args_from(struct call *c, uint32_t i, struct stream_id *out);
bool stream_args_to(struct call *c, uint32_t i, struct stream_id *out);
/* A number; a negative one is taken as 0. `error` may be NULL: the usual one. */
bool stream_args_count(struct call *c, uint32_t i, const char *error, uint64_t *out);

/* *out is NULL when the key is absent. */
static inline bool stream_args_find(struct call *c, uint32_t i, enum lookup how,
                                    struct stream **out)
{
    struct entry *e;
    if (!typed_find(c, call_key(c, i), TYPE_STREAM, how, &e)) return false;
    *out = e == NULL ? NULL : entry_root(e);
    return true;
}

/* Key at argument i, group at i + 1. Both must be there. */
bool stream_args_group(struct call *c, uint32_t i, enum lookup how, struct stream **s,
                       struct stream_group **g);

static inline struct stream_limits stream_args_limits(void)
{
    return (struct stream_limits){value_limits.stream_node_max_bytes,
                                  value_limits.stream_node_max_entries};
}

#endif
