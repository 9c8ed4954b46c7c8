/* Answers of the stream commands: ids, entries, and ranges of them. */
#ifndef EXECUTE_COMMANDS_STREAM_REPLY_H
#define EXECUTE_COMMANDS_STREAM_REPLY_H

#include "execute/execute_private.h"

#include "execute/core/call.h"
#include "execute/types/stream.h"

#define STREAM_ID_TEXT 48
/* Gives the length. */
size_t stream_reply_print_id(char text[STREAM_ID_TEXT], struct stream_id id);
enum run_result stream_reply_id(struct call *c, struct stream_id id);
/* [id, [field, value, ...]]; its pairs are read. */
void stream_reply_entry(struct call *c, struct stream_entry *entry);
/* The entry with this id; false when it is not there: then nothing is answered. */
bool stream_reply_one(struct call *c, const struct stream *s, struct stream_id id);
/* An array of the entries from <= id <= to, at most `max` (0: all). */
enum run_result stream_reply_range(struct call *c, const struct stream *s, struct stream_id from,
                                   struct stream_id to, uint64_t max);
enum run_result stream_reply_range_back(struct call *c, const struct stream *s,
                                        struct stream_id from, struct stream_id to, uint64_t max);

#endif
