/*
 * Nodes by themselves. A squeezed body says how long its content is, in both forms; it is of the
 * size class of what it holds.
 */
#include "execute/types/quicklist_node.h"

#include "execute/types/heap.h"
#include "execute/types/limits.h"

#include "base/must.h"

#include <liblzf/lzf.h>

/* With a limit of elements, a node has no more bytes than this. */
#define QUICKLIST_COUNTED_BYTES 8192
#define QUICKLIST_COUNT_MAX 32767
/* Smaller contents are not squeezed, nor when so many bytes are not saved. */
#define QUICKLIST_SQUEEZE_MIN 48
#define QUICKLIST_SQUEEZE_SAVES 8
/* Larger ones would hold up the server. */
#define QUICKLIST_SQUEEZE_MAX ((size_t)1 << 20)

struct quicklist_squeezed {
    uint32_t raw, len; /* bytes of the content, and of what is here */
    uint8_t data[];
};

static size_t quicklist_threshold;

void quicklist_set_threshold(size_t bytes) { quicklist_threshold = bytes; }

struct quicklist_limit quicklist_limit(void)
{
    int64_t size = value_limits.list_max_listpack_size;
    if (likely(size < 0)) {
        unsigned step = size < -5 ? 5 : (unsigned)-size;
        return (struct quicklist_limit){(size_t)2048 << step, UINT32_MAX};
    }
    if (size > QUICKLIST_COUNT_MAX) size = QUICKLIST_COUNT_MAX;
    return (struct quicklist_limit){QUICKLIST_COUNTED_BYTES, size == 0 ? 1 : (uint32_t)size};
}

bool quicklist_is_big(size_t len)
{
    if (unlikely(quicklist_threshold != 0)) return len >= quicklist_threshold;
    return len > quicklist_limit().bytes;
}

/* ---- Life ---- */

struct quicklist_node quicklist_node_packed(size_t bytes)
{
    struct quicklist_node n = {.form = QUICKLIST_PACKED};
    n.room = (uint32_t)arena_rounded(bytes < LISTPACK_EMPTY ? LISTPACK_EMPTY : bytes);
    n.body = listpack_make(n.room);
    return n;
}

struct quicklist_node quicklist_node_of(uint8_t *lp)
{
    struct quicklist_node n = {.body = lp, .count = listpack_count(lp), .form = QUICKLIST_PACKED};
    n.room = (uint32_t)arena_usable(lp);
    return n;
}

struct quicklist_node quicklist_node_plain(struct list_value v)
{
    struct block *b = v.block;
    if (b == NULL) {
        b = block_make(v.text.len, v.text.len);
        if (v.text.len > 0) memcpy(b->bytes, v.text.ptr, v.text.len);
    }
    return (struct quicklist_node){.body = b, .count = 1, .form = QUICKLIST_PLAIN};
}

void quicklist_node_free(struct quicklist_node *n)
{
    if (n->form == QUICKLIST_PLAIN)
        block_drop(n->body);
    else
        heap_free(n->body);
    n->body = NULL;
}

/* Nobody edits a block here, so the copy shares it. */
struct quicklist_node quicklist_node_copy(const struct quicklist_node *n, size_t gap)
{
    struct quicklist_node copy = *n;
    if (n->form == QUICKLIST_PLAIN) {
        block_share(n->body);
    } else if (n->form == QUICKLIST_PACKED) {
        copy.body = listpack_copy((const uint8_t *)n->body + gap);
        copy.room = (uint32_t)arena_usable(copy.body);
    } else {
        const struct quicklist_squeezed *s = n->body;
        copy.body = heap_alloc(sizeof(*s) + s->len);
        memcpy(copy.body, s, sizeof(*s) + s->len);
    }
    return copy;
}

size_t quicklist_node_memory(const struct quicklist_node *n) { return arena_usable(n->body); }

size_t quicklist_node_bytes(const struct quicklist_node *n, size_t gap)
{
    if (likely(n->form == QUICKLIST_PACKED)) return listpack_bytes((const uint8_t *)n->body + gap);
    if (n->form == QUICKLIST_PLAIN) return ((const struct block *)n->body)->len;
    return ((const struct quicklist_squeezed *)n->body)->raw;
}

bool quicklist_node_takes(const struct quicklist_node *n, size_t gap, size_t len)
{
    if (!quicklist_node_is_packed(n) || quicklist_is_big(len)) return false;
    struct quicklist_limit limit = quicklist_limit();
    size_t bytes = quicklist_node_bytes(n, gap), cost = listpack_cost(len);
    return n->count < limit.count && bytes <= limit.bytes && cost <= limit.bytes - bytes;
}

/* ---- Squeezing ---- */

static void quicklist_node_squeeze_into(struct quicklist_node *n, const void *from, size_t len)
{
    size_t most = len - QUICKLIST_SQUEEZE_SAVES;
    struct quicklist_squeezed *s = heap_alloc(sizeof(*s) + most);
    s->raw = (uint32_t)len;
    s->len = lzf_compress(from, (unsigned)len, s->data, (unsigned)most);
    if (s->len == 0) {
        heap_free(s);
        n->is_stiff = true;
        return;
    }
    enum quicklist_form form =
        n->form == QUICKLIST_PACKED ? QUICKLIST_SQUEEZED_PACKED : QUICKLIST_SQUEEZED_PLAIN;
    quicklist_node_free(n);
    n->body = heap_realloc(s, sizeof(*s) + s->len);
    n->form = (uint8_t)form;
    n->room = 0;
}

void quicklist_node_squeeze(struct quicklist_node *n)
{
    if (quicklist_node_is_squeezed(n) || n->is_stiff) return;
    size_t len = quicklist_node_bytes(n, 0);
    if (len < QUICKLIST_SQUEEZE_MIN || len > QUICKLIST_SQUEEZE_MAX) return;
    if (n->form == QUICKLIST_PLAIN)
        quicklist_node_squeeze_into(n, ((const struct block *)n->body)->bytes, len);
    else
        quicklist_node_squeeze_into(n, n->body, len);
}

static void quicklist_unsqueeze(const struct quicklist_squeezed *s, void *to)
{
    must(lzf_decompress(s->data, s->len, to, s->raw) == s->raw);
}

void quicklist_node_expand(struct quicklist_node *n)
{
    if (!quicklist_node_is_squeezed(n)) return;
    struct quicklist_squeezed *s = n->body;
    if (n->form == QUICKLIST_SQUEEZED_PLAIN) {
        struct block *b = block_make(s->raw, s->raw);
        quicklist_unsqueeze(s, b->bytes);
        n->body = b;
        n->form = QUICKLIST_PLAIN;
    } else {
        n->room = (uint32_t)arena_rounded(s->raw);
        n->body = heap_alloc(n->room);
        quicklist_unsqueeze(s, n->body);
        n->form = QUICKLIST_PACKED;
    }
    heap_free(s);
}

/* ---- Views ---- */

void quicklist_view_open(struct quicklist_view *v, const struct quicklist_node *n, size_t gap)
{
    *v = (struct quicklist_view){0};
    if (likely(n->form == QUICKLIST_PACKED)) {
        v->lp = (const uint8_t *)n->body + gap;
    } else if (n->form == QUICKLIST_PLAIN) {
        v->block = n->body;
        v->text = bytes_make(v->block->bytes, v->block->len);
    } else {
        const struct quicklist_squeezed *s = n->body;
        v->scratch = heap_alloc(s->raw);
        quicklist_unsqueeze(s, v->scratch);
        if (n->form == QUICKLIST_SQUEEZED_PACKED)
            v->lp = v->scratch;
        else
            v->text = bytes_make(v->scratch, s->raw);
    }
}

void quicklist_view_close(struct quicklist_view *v)
{
    if (v->scratch == NULL) return;
    heap_free(v->scratch);
    v->scratch = NULL;
}
