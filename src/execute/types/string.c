/* String values: an integer in the entry's word, bytes inline, or a block of their own. */
#include "execute/types/entry.h"

#include "codec/number.h"
#include "execute/types/heap.h"

#define BLOCK_STEP ((size_t)1 << 20)

struct bytes string_bytes(const struct entry *e, char scratch[STRING_INT_CHARS])
{
    dcheck(entry_type(e) == TYPE_STRING);
    if (likely(!(e->flags & ENTRY_WORD))) return bytes_make(entry_inline_at(e), e->value_len);
    if (e->flags & ENTRY_BLOCK) return bytes_make(entry_block(e)->bytes, entry_block(e)->len);
    return bytes_make(scratch, number_print_int(scratch, e->words[e->flags & ENTRY_DEADLINE]));
}

size_t string_len(const struct entry *e)
{
    char scratch[STRING_INT_CHARS];
    return string_bytes(e, scratch).len;
}

bool string_int(const struct entry *e, int64_t *out)
{
    char scratch[STRING_INT_CHARS];
    if (entry_encoding(e) == ENC_INT) {
        *out = e->words[e->flags & ENTRY_DEADLINE];
        return true;
    }
    return number_int(string_bytes(e, scratch), out);
}

void string_set_int(struct entry *e, int64_t value)
{
    must(entry_encoding(e) == ENC_INT);
    *entry_word_at(e) = value;
}

struct block *block_make(size_t len, size_t cap)
{
    must(cap >= len);
    size_t room = arena_rounded(sizeof(struct block) + cap);
    struct block *b = heap_alloc(room);
    b->len = len;
    b->cap = room - sizeof(*b);
    return b;
}

size_t block_room_ahead(size_t len) { return len < BLOCK_STEP ? len * 2 : len + BLOCK_STEP; }

struct block *block_resize(struct block *b, size_t len)
{
    if (len > b->cap) {
        size_t room = arena_rounded(sizeof(*b) + block_room_ahead(len));
        b = heap_realloc(b, room);
        b->cap = room - sizeof(*b);
    }
    if (len > b->len) memset(b->bytes + b->len, 0, len - b->len);
    b->len = len;
    return b;
}
