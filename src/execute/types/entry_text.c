/* A text finds its place: the entry's word, inline, or a block. */
#include "execute/types/entry_text.h"

#include "execute/types/grave.h"

static unsigned text_flags(const struct entry_text *v, int64_t deadline_ms)
{
    unsigned flags = deadline_ms == ENTRY_NO_DEADLINE ? 0 : ENTRY_DEADLINE;
    if (v->is_int) return flags | ENTRY_WORD;
    return v->text.len > ENTRY_INLINE_MAX ? flags | ENTRY_WORD | ENTRY_BLOCK : flags;
}

static uint8_t text_kind(const struct entry_text *v)
{
    if (v->is_int) return entry_kind(TYPE_STRING, ENC_INT);
    return entry_kind(TYPE_STRING, v->text.len <= ENTRY_EMBSTR_MAX ? ENC_EMBSTR : ENC_RAW);
}

static size_t text_inline_len(const struct entry_text *v)
{
    return v->is_int || v->text.len > ENTRY_INLINE_MAX ? 0 : v->text.len;
}

static struct block *text_block(const struct entry_text *v)
{
    if (v->block != NULL) return v->block;
    struct block *b = block_make(v->text.len, v->text.len);
    memcpy(b->bytes, v->text.ptr, v->text.len);
    return b;
}

/* Writes the value into an entry of the right shape; `b` is its block, if it has one. */
static void text_fill(struct entry *e, const struct entry_text *v, struct block *b)
{
    e->kind = text_kind(v);
    if (v->is_int)
        *entry_word_at(e) = v->number;
    else if (b != NULL)
        entry_set_block(e, b);
    else if (v->text.len > 0)
        memcpy(entry_inline_at(e), v->text.ptr, v->text.len);
}

struct entry *entry_text_make(struct bytes name, const struct entry_text *v, int64_t deadline_ms)
{
    unsigned flags = text_flags(v, deadline_ms);
    struct entry *e = entry_make(name, text_kind(v), flags, text_inline_len(v));
    if (flags & ENTRY_DEADLINE) e->words[0] = deadline_ms;
    text_fill(e, v, flags & ENTRY_BLOCK ? text_block(v) : NULL);
    return e;
}

struct entry *entry_text_over(struct entry *e, const struct entry_text *v, int64_t deadline_ms)
{
    unsigned flags = text_flags(v, deadline_ms);
    struct block *old = e->flags & ENTRY_BLOCK ? entry_block(e) : NULL;
    struct block *b = flags & ENTRY_BLOCK ? text_block(v) : NULL;
    if (entry_has_root(e)) grave_take(e->kind, entry_root(e));
    e = entry_reshape(e, flags, text_inline_len(v), 0);
    if (flags & ENTRY_DEADLINE) e->words[0] = deadline_ms;
    text_fill(e, v, b);
    if (old != NULL) block_drop(old); /* only now: the new value may be a part of it */
    return e;
}
