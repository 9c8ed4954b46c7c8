/* Lists: item by item, one ziplist, quicklists of ziplists or of listpacks and single items. */
#include "execute/types/load_parts.h"

#include "execute/types/heap.h"
#include "execute/types/list.h"

/* How a node of RDB_LIST_QUICKLIST_2 holds its items. */
enum { LOAD_NODE_PLAIN = 1, LOAD_NODE_PACKED = 2 };

static bool load_list_items(struct load *l, struct entry *e)
{
    uint64_t count;
    if (!load_take_count(l, 1, &count)) return false;
    struct load_text t = {0};
    bool good = true;
    for (; count > 0 && good; count--) {
        good = load_take_text(l, &t);
        if (good) list_push(e, false, (struct list_value){.text = t.text});
    }
    load_text_end(&t);
    return good;
}

/* Takes a listpack, which may be empty or NULL: that is wrong already. */
static bool load_list_add(struct entry *e, uint8_t *lp, uint32_t count)
{
    if (lp == NULL) return false;
    if (count > 0)
        list_add_listpack(e, lp);
    else
        heap_free(lp);
    return true;
}

static bool load_list_ziplist(struct load *l, struct entry *e)
{
    uint32_t count = 0;
    uint8_t *lp = load_take_ziplist(l, &count, "List ziplist integrity check failed");
    return load_list_add(e, lp, count);
}

static bool load_list_plain(struct load *l, struct entry *e)
{
    struct block *b = load_take_block(l);
    if (b == NULL) return false;
    if (b->len == 0) {
        block_drop(b);
        return load_wrong(l, "List has an empty item that stands alone");
    }
    list_push(e, false, (struct list_value){bytes_make(b->bytes, b->len), b});
    return true;
}

static bool load_list_node(struct load *l, struct entry *e)
{
    uint64_t how;
    if (l->type == RDB_LIST_QUICKLIST) return load_list_ziplist(l, e);
    if (!rdb_take_len(l->in, &how)) return load_wrong(l, "List has a node that is cut off");
    if (how == LOAD_NODE_PLAIN) return load_list_plain(l, e);
    if (how != LOAD_NODE_PACKED) return load_wrong(l, "List has a node of an unknown kind");
    uint32_t count = 0;
    uint8_t *lp = load_take_listpack(l, &count, "List listpack integrity check failed");
    return load_list_add(e, lp, count);
}

static bool load_list_nodes(struct load *l, struct entry *e)
{
    uint64_t count;
    if (!load_take_count(l, 1, &count)) return false;
    while (count-- > 0)
        if (!load_list_node(l, e)) return false;
    return true;
}

struct entry *load_list(struct load *l)
{
    struct entry *e = type_make_entry(l->name, TYPE_LIST);
    bool good;
    if (l->type == RDB_LIST)
        good = load_list_items(l, e);
    else if (l->type == RDB_LIST_ZIPLIST)
        good = load_list_ziplist(l, e);
    else
        good = load_list_nodes(l, e);
    if (good && list_count(e) == 0) good = load_wrong(l, load_empty);
    if (good) list_pack(e);
    return load_done(e, good);
}
