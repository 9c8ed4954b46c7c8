/* Answers of the stream commands. */
#include "execute/commands/stream_reply.h"

#include "codec/number.h"

size_t stream_reply_print_id(char text[STREAM_ID_TEXT], struct stream_id id)
{
    size_t len = number_print_uint(text, id.ms);
    text[len++] = '-';
    return len + number_print_uint(text + len, id.seq);
}

enum run_result stream_reply_id(struct call *c, struct stream_id id)
{
    char text[STREAM_ID_TEXT];
    return reply_bulk(c, bytes_make(text, stream_reply_print_id(text, id)));
}

void stream_reply_entry(struct call *c, struct stream_entry *entry)
{
    struct bytes field, value;
    char scratch[2][NUMBER_INT_CHARS];
    reply_array(c, 2);
    stream_reply_id(c, entry->id);
    reply_array(c, 2 * (uint64_t)entry->left);
    while (stream_entry_pair(entry, &field, &value, scratch)) {
        reply_bulk(c, field);
        reply_bulk(c, value);
    }
}

bool stream_reply_one(struct call *c, const struct stream *s, struct stream_id id)
{
    struct stream_walk w;
    stream_walk_open(&w, s, id, id);
    if (!stream_walk_next(&w)) return false;
    stream_reply_entry(c, &w.entry);
    return true;
}

enum run_result stream_reply_range(struct call *c, const struct stream *s, struct stream_id from,
                                   struct stream_id to, uint64_t max)
{
    struct stream_walk w;
    size_t mark = reply_defer(c);
    uint64_t count = 0;
    stream_walk_open(&w, s, from, to);
    while ((max == 0 || count < max) && stream_walk_next(&w)) {
        stream_reply_entry(c, &w.entry);
        count++;
    }
    return reply_defer_array(c, mark, count);
}

enum run_result stream_reply_range_back(struct call *c, const struct stream *s,
                                        struct stream_id from, struct stream_id to, uint64_t max)
{
    struct stream_walk_back b;
    size_t mark = reply_defer(c);
    uint64_t count = 0;
    stream_walk_back_open(&b, s, from, to);
    while ((max == 0 || count < max) && stream_walk_back_next(&b)) {
        stream_reply_entry(c, &b.entry);
        count++;
    }
    return reply_defer_array(c, mark, count);
}
