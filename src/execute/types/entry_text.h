/*
 * Entries whose value is a text: the strings of the keyspace, the fields of a large hash. A text
 * lies inline up to ENTRY_INLINE_MAX bytes, a longer one in a block.
 */
#ifndef EXECUTE_TYPES_ENTRY_TEXT_H
#define EXECUTE_TYPES_ENTRY_TEXT_H

#include "execute/types/entry.h"

/* What is to be stored. */
struct entry_text {
    struct bytes text;
    int64_t number;      /* instead of the text, when is_int */
    struct block *block; /* that the text lies in and that is taken, or NULL; only for a text of
                          * more than ENTRY_INLINE_MAX bytes */
    bool is_int;
};

/* Gives an entry; `deadline_ms` may be ENTRY_NO_DEADLINE. */
struct entry *entry_text_make(struct bytes name, const struct entry_text *v, int64_t deadline_ms);
/* Takes an entry and gives it with another value and deadline; the old value is freed. The new text
 * may lie in the entry's block, not in the entry itself. */
struct entry *entry_text_over(struct entry *e, const struct entry_text *v, int64_t deadline_ms);

#endif
