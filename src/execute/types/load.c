/* Which loader reads which form. */
#include "execute/types/load.h"

#include "execute/types/entry_text.h"
#include "execute/types/load_parts.h"
#include "execute/types/stream_dump.h"

static struct entry *load_damaged(struct load *l)
{
    load_wrong(l, "a string ends too early or is damaged");
    return NULL;
}

/* A text that is too long to lie in the entry. */
static struct entry *load_long_string(struct load *l, const struct rdb_string *form)
{
    struct block *b = block_make(form->len, form->len);
    if (!rdb_string_write(form, b->bytes)) {
        block_drop(b);
        return load_damaged(l);
    }
    struct entry_text value = {.text = {b->bytes, b->len}, .block = b};
    return entry_text_make(l->name, &value, ENTRY_NO_DEADLINE);
}

/* Short texts that read strictly as an integer are kept as one, as SET does. */
static struct entry *load_string(struct load *l)
{
    struct rdb_string form;
    char unpacked[ENTRY_INLINE_MAX];
    if (!rdb_take_string(l->in, &form)) return load_damaged(l);
    if (form.len > ENTRY_INLINE_MAX) return load_long_string(l, &form);
    struct entry_text value = {.text = {unpacked, form.len}};
    if (form.form != RDB_LZF)
        value.text = rdb_string_text(&form);
    else if (!rdb_string_write(&form, unpacked))
        return load_damaged(l);
    value.is_int = form.len < NUMBER_INT_CHARS && number_int(value.text, &value.number);
    return entry_text_make(l->name, &value, ENTRY_NO_DEADLINE);
}

static struct entry *load_stream(struct load *l)
{
    struct stream *stream;
    l->wrong = stream_load(l->in, l->type, &stream);
    return l->wrong == NULL ? load_entry(l, TYPE_STREAM, ENC_STREAM, stream) : NULL;
}

static struct entry *load_refused(struct load *l, const char *what)
{
    load_wrong(l, what);
    return NULL;
}

const char *load_value(struct rdb_in *in, uint8_t type, struct bytes name, struct entry **out)
{
    struct load l = {.in = in, .type = type, .name = name};
    switch (type) {
    case RDB_STRING: *out = load_string(&l); break;
    case RDB_LIST:
    case RDB_LIST_ZIPLIST:
    case RDB_LIST_QUICKLIST:
    case RDB_LIST_QUICKLIST_2: *out = load_list(&l); break;
    case RDB_SET:
    case RDB_SET_INTSET:
    case RDB_SET_LISTPACK: *out = load_set(&l); break;
    case RDB_ZSET:
    case RDB_ZSET_2:
    case RDB_ZSET_ZIPLIST:
    case RDB_ZSET_LISTPACK: *out = load_zset(&l); break;
    case RDB_HASH:
    case RDB_HASH_ZIPMAP:
    case RDB_HASH_ZIPLIST:
    case RDB_HASH_LISTPACK:
    case RDB_HASH_DEADLINES_OLD:
    case RDB_HASH_LISTPACK_DEADLINES_OLD:
    case RDB_HASH_DEADLINES:
    case RDB_HASH_LISTPACK_DEADLINES: *out = load_hash(&l); break;
    case RDB_STREAM_LISTPACKS:
    case RDB_STREAM_LISTPACKS_2:
    case RDB_STREAM_LISTPACKS_3: *out = load_stream(&l); break;
    default: *out = load_refused(&l, "the type is not known"); break;
    }
    return l.wrong;
}
