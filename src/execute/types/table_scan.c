/*
 * Walks in an order that growth and shrinking do not disturb, for SCAN and its relatives.
 *
 * Entries are ordered by the reversed bits of their hash's low end, cut to the depth of a segment,
 * then by tag. In this order the halves of a segment that splits lie where it lay, one after the
 * other; so a cursor is a place in the order: a block (`depth` bits of reversed hash) and a tag
 * within it. What lies before the cursor has been shown.
 *
 * If the segment at the cursor is deeper than the cursor's block, it is the first part of the
 * block: what has a lower tag was shown in the undivided block, and the parts after it are shown
 * whole (some keys twice). If it is shallower (segments merged), only the part that the block
 * covers is shown, then the walk goes on with the block behind, as wide as its place allows. A walk
 * only moves forward, so it ends however the table changes.
 *
 * A cursor is printed as the number ((1 << depth | block) << 16 | tag), small as long as the table
 * is: some clients keep it in a double.
 */
#include "execute/types/table.h"

#define ORDER_BITS 47
#define ORDER_END ((uint64_t)1 << ORDER_BITS)
#define TAG_BITS 16
/* How far ahead entries are asked for: reading them is most of a walk. */
#define SCAN_AHEAD 12

struct scan_place {
    uint64_t order; /* where the block begins: reversed bits, ORDER_BITS of them */
    unsigned depth; /* the block has 2^(ORDER_BITS - depth) of them; only meant with tag > 0 */
    uint32_t tag;
};

struct scan_step {
    uint64_t want, seen; /* entries */
    void (*visit)(void *ctx, struct entry *e);
    void *ctx;
};

static uint64_t scan_reverse(uint64_t order)
{
    uint64_t bits = order;
    bits = (bits >> 1 & 0x5555555555555555u) | (bits & 0x5555555555555555u) << 1;
    bits = (bits >> 2 & 0x3333333333333333u) | (bits & 0x3333333333333333u) << 2;
    bits = (bits >> 4 & 0x0f0f0f0f0f0f0f0fu) | (bits & 0x0f0f0f0f0f0f0f0fu) << 4;
    return __builtin_bswap64(bits) >> (64 - ORDER_BITS);
}

/* The depth of the widest block that begins here. */
static unsigned scan_widest(uint64_t order)
{
    return order == 0 ? 0 : ORDER_BITS - (unsigned)__builtin_ctzll(order);
}

/* Clients may send any number. */
static struct scan_place scan_decode(uint64_t cursor)
{
    struct scan_place at = {.tag = cursor & 0xffff};
    uint64_t block = cursor >> TAG_BITS;
    if (block == 0) return at;
    at.depth = 63 - (unsigned)__builtin_clzll(block);
    at.order = (block ^ (uint64_t)1 << at.depth) << (ORDER_BITS - at.depth);
    return at;
}

static uint64_t scan_encode(struct scan_place at)
{
    if (at.tag == 0) at.depth = scan_widest(at.order);
    uint64_t block = (uint64_t)1 << at.depth | at.order >> (ORDER_BITS - at.depth);
    return block << TAG_BITS | at.tag;
}

/* Shows the block from place->tag on; false when enough were seen before its end, then place->tag
 * is where to go on. */
static bool scan_block(const struct segment *s, struct scan_place *at, struct scan_step *step)
{
    uint64_t prefix = scan_reverse(at->order), mask = ((uint64_t)1 << at->depth) - 1;
    bool part = at->depth > s->depth;
    uint32_t last = at->tag;
    for (uint32_t i = band_home(at->tag, band_homes(s->room)); i < s->room; i++) {
        if (i + SCAN_AHEAD < s->room) __builtin_prefetch(segment_entry(s->slots[i + SCAN_AHEAD]));
        if (s->slots[i] == 0 || band_tag(s->slots[i]) < at->tag) continue;
        uint32_t tag = band_tag(s->slots[i]);
        if (step->seen >= step->want && tag != last) {
            at->tag = tag;
            return false;
        }
        last = tag;
        struct entry *e = segment_entry(s->slots[i]);
        if (part && (entry_hash(e) & mask) != prefix) continue;
        step->seen++;
        step->visit(step->ctx, e);
    }
    return true;
}

uint64_t table_scan(const struct table *t, uint64_t cursor, uint64_t count,
                    void (*visit)(void *ctx, struct entry *e), void *ctx)
{
    if (t->directory == NULL) return 0;
    struct scan_step step = {.want = count > 0 ? count : 1, .visit = visit, .ctx = ctx};
    struct scan_place at = scan_decode(cursor);
    for (;;) {
        const struct segment *s = table_segment(t, scan_reverse(at.order));
        if (at.tag == 0) at.depth = scan_widest(at.order);
        if (at.depth < s->depth) at.depth = s->depth;
        if (!scan_block(s, &at, &step)) return scan_encode(at);
        at.order += (uint64_t)1 << (ORDER_BITS - at.depth);
        at.tag = 0;
        if (at.order >= ORDER_END) return 0;
        if (step.seen >= step.want) return scan_encode(at);
    }
}
