/* String values: an integer in the entry's word, bytes inline, or a block of their own. */
#include "execute/types/entry.h"

#include "codec/number.h"

struct bytes string_bytes(const struct entry *e, char scratch[STRING_INT_CHARS])
{
    dcheck(entry_type(e) == TYPE_STRING);
    if (likely(!(e->flags & ENTRY_WORD))) return bytes_make(entry_inline_at(e), e->value_len);
    if (e->flags & ENTRY_BLOCK) return bytes_make(entry_block(e)->bytes, entry_block(e)->len);
    return bytes_make(scratch, number_print_int(scratch, e->words[e->flags & ENTRY_DEADLINE]));
}

struct block *string_block(const struct entry *e)
{
    return e->flags & ENTRY_BLOCK ? entry_block(e) : NULL;
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
