/*
 * Nodes of streams.
 *
 * Invariants: body[start] is the first entry and alive, unless count is 0; `base` is the id that
 * its difference counts from; `last` is the id of the last entry up to body[used]. Names stand at
 * body[0] and stay as they are for the node's life.
 *
 * A number: seven bits a byte, the lowest first, the top bit says that more follow.
 * A text: 0x00-0x7f an integer up to 127; 0x80-0xbf a string of up to 63 bytes; 0xc1-0xc8 an
 * integer in 1 to 8 bytes, lowest first, signed; 0xd1-0xd4 a string, its length in 1 to 4 bytes.
 */
#include "execute/types/stream_node.h"

#include "base/must.h"
#include "execute/types/heap.h"

enum {
    ENTRY_IS_DELETED = 1,
    ENTRY_HAS_NODE_NAMES = 2,
    ENTRY_SAME_MS = 4, /* ms is left out: the one of the entry before */
    ENTRY_NEXT_SEQ = 8 /* seq is left out: the next one, or 0 in another ms */
};

enum { TEXT_STRING = 0x80, TEXT_INT = 0xc0, TEXT_LONG = 0xd0, TEXT_SHORT_MAX = 63 };

/* ---- Numbers ---- */

static size_t number_size(uint64_t n)
{
    size_t size = 1;
    while (n >>= 7) size++;
    return size;
}

static uint8_t *number_write(uint8_t *to, uint64_t n)
{
    while (n > 0x7f) {
        *to++ = (uint8_t)(n | 0x80);
        n >>= 7;
    }
    *to++ = (uint8_t)n;
    return to;
}

static const uint8_t *number_read(const uint8_t *from, uint64_t *out)
{
    uint64_t n = *from & 0x7f;
    for (unsigned shift = 7; *from++ & 0x80; shift += 7) n |= (uint64_t)(*from & 0x7f) << shift;
    *out = n;
    return from;
}

/* ---- Texts ---- */

static unsigned text_int_bytes(int64_t n)
{
    unsigned bytes = 1;
    while (bytes < 8 && n >> (8 * bytes - 1) != 0 && n >> (8 * bytes - 1) != -1) bytes++;
    return bytes;
}

static unsigned text_len_bytes(size_t len)
{
    unsigned bytes = 1;
    while (bytes < 4 && len >> (8 * bytes) != 0) bytes++;
    return bytes;
}

/* The first look spares most texts the rest. */
static bool text_is_int(struct bytes text, int64_t *n)
{
    if (text.len == 0 || text.len > 20) return false;
    char c = text.ptr[0];
    return ((c >= '0' && c <= '9') || c == '-') && number_int(text, n);
}

/* At most the bytes that the text will take. */
static size_t text_size_most(struct bytes text)
{
    return text.len + (text.len <= TEXT_SHORT_MAX ? 1 : 1 + text_len_bytes(text.len));
}

static uint8_t *text_write_low(uint8_t *to, uint64_t n, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++, n >>= 8) *to++ = (uint8_t)n;
    return to;
}

static uint8_t *text_write(uint8_t *to, struct bytes text)
{
    int64_t n;
    if (text_is_int(text, &n)) {
        if (n >= 0 && n < TEXT_STRING) {
            *to++ = (uint8_t)n;
            return to;
        }
        unsigned bytes = text_int_bytes(n);
        *to++ = (uint8_t)(TEXT_INT + bytes);
        return text_write_low(to, (uint64_t)n, bytes);
    }
    if (text.len <= TEXT_SHORT_MAX) {
        *to++ = (uint8_t)(TEXT_STRING + text.len);
    } else {
        unsigned bytes = text_len_bytes(text.len);
        *to++ = (uint8_t)(TEXT_LONG + bytes);
        to = text_write_low(to, text.len, bytes);
    }
    if (text.len > 0) memcpy(to, text.ptr, text.len);
    return to + text.len;
}

static uint64_t text_read_low(const uint8_t *from, unsigned bytes)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < bytes; i++) n |= (uint64_t)from[i] << (8 * i);
    return n;
}

/* True: an integer, *n is set; false: *text is set. *from moves behind it. */
static bool text_read(const uint8_t **from, struct bytes *text, int64_t *n)
{
    const uint8_t *at = *from;
    uint8_t kind = *at++;
    if (kind < TEXT_STRING) {
        *n = kind;
        *from = at;
        return true;
    }
    if (kind > TEXT_INT && kind < TEXT_LONG) {
        unsigned bytes = kind - TEXT_INT;
        uint64_t low = text_read_low(at, bytes) << (64 - 8 * bytes);
        *n = (int64_t)low >> (64 - 8 * bytes);
        *from = at + bytes;
        return true;
    }
    size_t len = kind - TEXT_STRING;
    if (kind > TEXT_LONG) {
        len = text_read_low(at, kind - TEXT_LONG);
        at += kind - TEXT_LONG;
    }
    *text = bytes_make((const char *)at, len);
    *from = at + len;
    return false;
}

static const uint8_t *text_skip(const uint8_t *from)
{
    uint8_t kind = *from;
    if (kind < TEXT_STRING) return from + 1;
    if (kind <= TEXT_STRING + TEXT_SHORT_MAX) return from + 1 + (kind - TEXT_STRING);
    if (kind < TEXT_LONG) return from + 1 + (kind - TEXT_INT);
    unsigned bytes = kind - TEXT_LONG;
    return from + 1 + bytes + text_read_low(from + 1, bytes);
}

static struct bytes text_print(const uint8_t **from, char scratch[NUMBER_INT_CHARS])
{
    struct bytes text;
    int64_t n;
    if (!text_read(from, &text, &n)) return text;
    return bytes_make(scratch, number_print_int(scratch, n));
}

static bool text_equals(const uint8_t **at, struct bytes text)
{
    struct bytes have;
    int64_t n, wanted;
    if (!text_read(at, &have, &n)) return bytes_equal(have, text);
    return text_is_int(text, &wanted) && wanted == n;
}

/* ---- Making ---- */

static size_t node_size(size_t room) { return sizeof(struct stream_node) + room; }

/* Room for `more` bytes behind body[used]: to a size class, twice what there was. */
static struct stream_node *node_grow(struct stream_node *node, size_t more)
{
    size_t need = node_size(node->used + more);
    if (need <= node_size(node->room)) return node;
    size_t twice = node_size(node->room) * 2;
    size_t size = arena_rounded(need < STREAM_NODE_BYTES && need < twice ? twice : need);
    node = heap_realloc(node, size);
    node->room = (uint32_t)(size - node_size(0));
    return node;
}

struct stream_node *stream_node_fit(struct stream_node *node)
{
    size_t size = arena_rounded(node_size(node->used));
    if (size >= node_size(node->room)) return node;
    node = heap_realloc(node, size);
    node->room = (uint32_t)(size - node_size(0));
    return node;
}

struct stream_node *stream_node_copy(const struct stream_node *node)
{
    size_t size = arena_rounded(node_size(node->used));
    struct stream_node *copy = heap_alloc(size);
    memcpy(copy, node, node_size(node->used));
    copy->room = (uint32_t)(size - node_size(0));
    return copy;
}

/* An upper bound of what an entry takes; all names when `names`. */
static size_t entry_size_most(struct stream_pairs pairs, bool names)
{
    size_t sum = 1 + 10 + 10 + (names ? number_size(pairs.count) : 0);
    for (uint32_t i = 0; i < pairs.count; i++) {
        if (names) sum += text_size_most(pairs.texts[2 * i]);
        sum += text_size_most(pairs.texts[2 * i + 1]);
    }
    return sum;
}

/* Writes flags and id at `to`. */
static uint8_t *entry_write_id(uint8_t *to, struct stream_id before, struct stream_id id,
                               unsigned flags)
{
    uint64_t ms = id.ms - before.ms, seq = ms == 0 ? id.seq - before.seq - 1 : id.seq;
    if (ms == 0) flags |= ENTRY_SAME_MS;
    if (seq == 0) flags |= ENTRY_NEXT_SEQ;
    *to++ = (uint8_t)flags;
    if (ms != 0) to = number_write(to, ms);
    if (seq != 0) to = number_write(to, seq);
    return to;
}

static void node_write(struct stream_node *node, struct stream_id id, struct stream_pairs pairs,
                       bool names)
{
    struct stream_id before = node->count + node->deleted == 0 ? node->base : node->last;
    uint8_t *to =
        entry_write_id(node->body + node->used, before, id, names ? 0 : ENTRY_HAS_NODE_NAMES);
    if (names) to = number_write(to, pairs.count);
    for (uint32_t i = 0; i < pairs.count; i++) {
        if (names) to = text_write(to, pairs.texts[2 * i]);
        to = text_write(to, pairs.texts[2 * i + 1]);
    }
    node->used = (uint32_t)(to - node->body);
    node->last = id;
    node->count++;
}

static bool node_has_names(const struct stream_node *node, struct stream_pairs pairs)
{
    if (pairs.count != node->name_count) return false;
    const uint8_t *at = node->body;
    for (uint32_t i = 0; i < pairs.count; i++) {
        if (!text_equals(&at, pairs.texts[2 * i])) return false;
    }
    return true;
}

struct stream_node *stream_node_make(struct stream_id id, struct stream_pairs pairs,
                                     struct stream_pairs names)
{
    size_t size = entry_size_most(pairs, true);
    for (uint32_t i = 0; i < names.count; i++) size += text_size_most(names.texts[2 * i]);
    must(!stream_id_is_zero(id) && size < (size_t)3 * STREAM_ENTRY_BYTES);
    size = arena_rounded(node_size(size));
    struct stream_node *node = heap_alloc(size);
    *node = (struct stream_node){
        .base = id, .room = (uint32_t)(size - node_size(0)), .name_count = names.count};
    stream_id_lower(&node->base);
    uint8_t *to = node->body;
    for (uint32_t i = 0; i < names.count; i++) to = text_write(to, names.texts[2 * i]);
    node->names_end = node->start = node->used = (uint32_t)(to - node->body);
    bool own = pairs.texts == names.texts || node_has_names(node, pairs);
    node_write(node, id, pairs, !own);
    return node;
}

bool stream_node_add(struct stream_node **node, struct stream_id id, struct stream_pairs pairs,
                     struct stream_limits limits)
{
    struct stream_node *n = *node;
    uint64_t most = STREAM_NODE_ENTRIES, bytes = STREAM_NODE_BYTES;
    if (limits.entries != 0 && limits.entries < most) most = limits.entries;
    if (limits.bytes != 0 && limits.bytes < bytes) bytes = limits.bytes;
    if (n->count >= most || (uint64_t)n->count + n->deleted >= STREAM_NODE_ENTRIES) return false;

    bool names = !node_has_names(n, pairs);
    size_t size = entry_size_most(pairs, names);
    if (node_size(n->used) + size > bytes) return false;
    *node = n = node_grow(n, size);
    node_write(n, id, pairs, names);
    return true;
}

/* ---- Reading ---- */

bool stream_node_next(const struct stream_node *node, struct stream_entry *entry)
{
    if (entry->head == NULL) {
        entry->at = node->body + node->start;
        entry->id = node->base;
    }
    for (; entry->left > 0; entry->left--) {
        if (entry->names == NULL) entry->at = text_skip(entry->at);
        entry->at = text_skip(entry->at);
    }
    if (entry->at >= node->body + node->used) return false;

    uint64_t ms = 0, seq = 0, count = node->name_count;
    entry->head = entry->at;
    unsigned flags = *entry->at++;
    if (!(flags & ENTRY_SAME_MS)) entry->at = number_read(entry->at, &ms);
    if (!(flags & ENTRY_NEXT_SEQ)) entry->at = number_read(entry->at, &seq);
    if (!(flags & ENTRY_HAS_NODE_NAMES)) entry->at = number_read(entry->at, &count);
    entry->id = (struct stream_id){entry->id.ms + ms, ms == 0 ? entry->id.seq + seq + 1 : seq};
    entry->names = flags & ENTRY_HAS_NODE_NAMES ? node->body : NULL;
    entry->count = entry->left = (uint32_t)count;
    entry->deleted = flags & ENTRY_IS_DELETED;
    return true;
}

bool stream_entry_pair(struct stream_entry *entry, struct bytes *field, struct bytes *value,
                       char scratch[2][NUMBER_INT_CHARS])
{
    if (entry->left == 0) return false;
    entry->left--;
    *field = text_print(entry->names != NULL ? &entry->names : &entry->at, scratch[0]);
    *value = text_print(&entry->at, scratch[1]);
    return true;
}

void stream_entry_again(const struct stream_node *node, struct stream_entry *entry)
{
    uint64_t skipped;
    const uint8_t *at = entry->head;
    unsigned flags = *at++;
    if (!(flags & ENTRY_SAME_MS)) at = number_read(at, &skipped);
    if (!(flags & ENTRY_NEXT_SEQ)) at = number_read(at, &skipped);
    if (!(flags & ENTRY_HAS_NODE_NAMES)) at = number_read(at, &skipped);
    entry->at = at;
    entry->names = flags & ENTRY_HAS_NODE_NAMES ? node->body : NULL;
    entry->left = entry->count;
}

bool stream_node_next_name(struct stream_names *names, struct bytes *name,
                           char scratch[NUMBER_INT_CHARS])
{
    if (names->left == 0) return false;
    names->left--;
    *name = text_print(&names->at, scratch);
    return true;
}

/* ---- Deleting ---- */

void stream_node_delete(struct stream_node *node, struct stream_entry *entry)
{
    must(node->count > 0 && !entry->deleted);
    node->count--;
    node->deleted++;
    node->body[entry->head - node->body] |= ENTRY_IS_DELETED;
    entry->deleted = true;
    if (entry->head != node->body + node->start) return;

    struct stream_entry first = {0};
    while (stream_node_next(node, &first) && first.deleted) {
        struct stream_entry next = first;
        bool more = stream_node_next(node, &next);
        node->base = first.id;
        node->start = more ? (uint32_t)(next.head - node->body) : node->used;
        node->deleted--;
        first = (struct stream_entry){0};
    }
}

/* Moves an entry down to `to`, where it follows `before`. */
static uint8_t *entry_move(const struct stream_node *node, uint8_t *to, struct stream_id before,
                           struct stream_entry *entry)
{
    struct stream_entry next = *entry;
    const uint8_t *end = stream_node_next(node, &next) ? next.head : node->body + node->used;
    stream_entry_again(node, entry);
    const uint8_t *from = entry->at; /* the first text: all before it is written anew */
    bool names = entry->names == NULL;
    uint8_t head[32],
        *behind = entry_write_id(head, before, entry->id, names ? 0 : ENTRY_HAS_NODE_NAMES);
    if (names) behind = number_write(behind, entry->count);
    size_t head_len = (size_t)(behind - head), len = (size_t)(end - from);
    memmove(to + head_len, from, len);
    memcpy(to, head, head_len);
    return to + head_len + len;
}

struct stream_node *stream_node_tidy(struct stream_node *node)
{
    bool hollow = (node->start - node->names_end) * (uint64_t)2 > node->used;
    if (!hollow && (node->deleted < 4 || node->deleted < node->count)) return node;
    struct stream_node *tidy = heap_alloc(node_size(node->used));
    memcpy(tidy, node, node_size(node->names_end));
    tidy->room = node->used;
    tidy->start = node->names_end;
    uint8_t *to = tidy->body + tidy->start;
    struct stream_entry entry = {0};
    struct stream_id before = node->base;
    while (stream_node_next(node, &entry)) {
        if (entry.deleted) continue;
        to = entry_move(node, to, before, &entry);
        before = entry.id;
    }
    tidy->used = (uint32_t)(to - tidy->body);
    tidy->last = before;
    tidy->deleted = 0;
    heap_free(node);
    return stream_node_fit(tidy);
}
