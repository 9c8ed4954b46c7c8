/*
 * Strings, and which loader reads which form.
 */
#include "execute/types/load.h"

#include "execute/types/load_parts.h"

static struct block *load_string(struct load *l)
{
    struct rdb_string form;
    if (rdb_take_string(l->in, &form)) {
        struct block *b = block_make(form.len, form.len);
        if (rdb_string_write(&form, b->bytes)) return b;
        block_drop(b);
    }
    load_wrong(l, "a string ends too early or is damaged");
    return NULL;
}

const char *load_value(struct rdb_in *in, uint8_t type, struct bytes name, struct loaded *out)
{
    struct load l = {.in = in, .type = type, .name = name};
    *out = (struct loaded){0};
    switch (type) {
    case RDB_STRING: out->string = load_string(&l); break;
    default: load_wrong(&l, "the type is not known"); break;
    }
    return l.wrong;
}

void loaded_drop(struct loaded *value)
{
    if (value->string != NULL) block_drop(value->string);
    if (value->entry != NULL) entry_free(value->entry);
    *value = (struct loaded){0};
}
