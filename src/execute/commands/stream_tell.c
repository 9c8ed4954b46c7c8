/* Effects of stream commands. */
#include "execute/commands/stream_tell.h"

#include "execute/commands/stream_reply.h"

#define STREAM_TELL_MAX 1024 /* ids of an effect */

static void tell_id(struct stream_id id)
{
    char text[STREAM_ID_TEXT];
    effect_arg(bytes_make(text, stream_reply_print_id(text, id)));
}

/* By whatever it was trimmed, and however far: so many are left. */
static void tell_length(const struct stream *s)
{
    effect_word("MAXLEN");
    effect_word("=");
    effect_int((int64_t)s->length);
}

void stream_tell_add(struct call *c, const struct stream *s, struct stream_id id, bool trimmed,
                     uint32_t from)
{
    effect_begin(c, (trimmed ? 6 : 3) + c->nargs - from);
    effect_word("XADD");
    effect_arg(arg(c, 1));
    if (trimmed) tell_length(s);
    tell_id(id);
    effect_args_from(c, from);
}

void stream_tell_trim(struct call *c, const struct stream *s)
{
    effect_begin(c, 5);
    effect_word("XTRIM");
    effect_arg(arg(c, 1));
    tell_length(s);
}

/* ---- Groups ---- */

static void tell_group(const struct stream_told *t, const char *command)
{
    effect_word(command);
    effect_arg(t->key);
    effect_arg(stream_group_name(t->group));
}

static void tell_xgroup(const struct stream_told *t, const char *what, uint32_t more)
{
    effect_begin(t->c, 4 + more);
    effect_word("XGROUP");
    tell_group(t, what);
}

void stream_tell_consumer(const struct stream_told *t, struct bytes consumer)
{
    tell_xgroup(t, "CREATECONSUMER", 1);
    effect_arg(consumer);
}

/* XCLAIM of `count` ids, which follow, and then what they become. */
static void tell_claim_begin(const struct stream_told *t, struct bytes consumer, uint32_t count)
{
    effect_begin(t->c, 5 + count + 8);
    tell_group(t, "XCLAIM");
    effect_arg(consumer);
    effect_int(0);
}

static void tell_claim_end(const struct stream_told *t, int64_t delivered_ms, uint64_t deliveries)
{
    effect_word("TIME");
    effect_int(delivered_ms);
    effect_word("RETRYCOUNT");
    effect_int((int64_t)deliveries);
    effect_word("FORCE");
    effect_word("JUSTID");
    effect_word("LASTID");
    tell_id(t->group->last_id);
}

void stream_tell_pending(const struct stream_told *t, const struct stream_pending *p)
{
    tell_claim_begin(t, stream_consumer_name(p->consumer), 1);
    tell_id(p->id);
    tell_claim_end(t, p->delivered_ms, p->deliveries);
}

void stream_tell_delivered(const struct stream_told *t, const struct stream *s,
                           struct stream_id from, uint64_t count, struct bytes consumer)
{
    struct stream_walk w;
    stream_walk_open(&w, s, from, STREAM_ID_MAX);
    while (count > 0) {
        uint32_t n = count < STREAM_TELL_MAX ? (uint32_t)count : STREAM_TELL_MAX;
        count -= n;
        tell_claim_begin(t, consumer, n);
        for (; n > 0; n--) {
            must(stream_walk_next(&w));
            tell_id(w.entry.id);
        }
        tell_claim_end(t, t->c->now_ms, 1);
    }
}

void stream_tell_dropped(const struct stream_told *t, struct stream_id id)
{
    effect_begin(t->c, 4);
    tell_group(t, "XACK");
    tell_id(id);
}

void stream_tell_read(const struct stream_told *t)
{
    tell_xgroup(t, "SETID", 3);
    tell_id(t->group->last_id);
    effect_word("ENTRIESREAD");
    effect_int(t->group->entries_read);
}
