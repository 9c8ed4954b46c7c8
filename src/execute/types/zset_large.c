/* The large form of a sorted set: table and tree are changed together. */
#include "execute/types/zset_large.h"

#include "execute/types/heap.h"
#include "execute/types/zset_pack.h"

/* Members that are taken out of the tree at once. */
#define ZSET_BATCH 64
/* Members whose memory a pop asks for ahead. */
#define ZSET_AHEAD 2
/* Nodes of the tree hold about so many members each. */
#define ZSET_NODE_MEMBERS 32

struct zset *zset_large_make(void) { return heap_zalloc(sizeof(struct zset)); }

struct entry *zset_large_enter(struct zset *z, struct key member, double score)
{
    uint8_t kind = entry_kind(TYPE_STRING, ENC_RAW);
    struct entry *m = entry_make(member.name, kind, ENTRY_WORD, 0);
    *zset_score_at(m) = score;
    table_insert(&z->table, member.hash, m);
    return m;
}

struct zset *zset_large_from_pack(const uint8_t *lp)
{
    struct zset *z = zset_large_make();
    char scratch[LISTPACK_INT_CHARS];
    uint64_t count = 0;
    struct rank_pair *pairs = heap_alloc((listpack_count(lp) / 2 + 1) * sizeof(*pairs));
    for (uint8_t *at = listpack_first(lp); at != NULL;) {
        struct zset_item item = zset_pack_item(lp, at, scratch);
        struct entry *m = zset_large_enter(z, key_make(item.member), item.score);
        pairs[count++] = (struct rank_pair){item.score, m};
        at = listpack_next(lp, listpack_next(lp, at));
    }
    rank_tree_build(&z->tree, pairs, count);
    heap_free(pairs);
    return z;
}

struct zset *zset_large_copy(const struct zset *from)
{
    struct zset *z = zset_large_make();
    struct rank_pair *pairs = heap_alloc((from->tree.count + 1) * sizeof(*pairs));
    struct rank_cursor c;
    uint64_t count = 0;
    for (bool more = rank_tree_seek(&from->tree, 0, &c); more; more = rank_cursor_next(&c)) {
        struct rank_pair p = rank_cursor_pair(&c);
        p.member = zset_large_enter(z, key_make(zset_name(p.member)), p.score);
        pairs[count++] = p;
    }
    rank_tree_build(&z->tree, pairs, count);
    heap_free(pairs);
    return z;
}

bool zset_large_free_some(struct zset *z, uint64_t max)
{
    uint64_t nodes = max / ZSET_NODE_MEMBERS + 1, freed = 0;
    if (rank_tree_free_some(&z->tree, nodes)) return false;
    struct segment *s = NULL;
    while (freed < max && (s = table_next_segment(&z->table, &z->freed)) != NULL)
        freed += table_free_segment(&z->table, s) + 1;
    if (z->table.slots > 0) return false;
    table_close(&z->table);
    heap_free(z);
    return true;
}

size_t zset_large_bytes(const struct zset *z, uint64_t samples)
{
    size_t members = 0;
    uint64_t seen = 0;
    struct rank_cursor c;
    bool more = rank_tree_seek(&z->tree, 0, &c);
    for (; more && (samples == 0 || seen < samples); more = rank_cursor_next(&c), seen++)
        members += arena_usable(rank_cursor_pair(&c).member);
    if (seen > 0 && seen < z->tree.count)
        members = (size_t)((double)members / (double)seen * (double)z->tree.count);
    return arena_usable(z) + table_bytes(&z->table) + z->tree.bytes + members;
}

struct entry *zset_large_find(const struct zset *z, struct key member)
{
    const uint64_t *slot = table_find(&z->table, member);
    return slot == NULL ? NULL : segment_entry(*slot);
}

void zset_large_insert(struct zset *z, struct key member, double score)
{
    rank_tree_insert(&z->tree, score, zset_large_enter(z, member, score));
}

void zset_large_rescore(struct zset *z, struct entry *member, double score)
{
    rank_tree_rescore(&z->tree, *zset_score_at(member), member, score);
    *zset_score_at(member) = score;
}

bool zset_large_remove(struct zset *z, struct key member)
{
    uint64_t *slot = table_find(&z->table, member);
    if (slot == NULL) return false;
    struct entry *m = segment_entry(*slot);
    rank_tree_remove(&z->tree, *zset_score_at(m), m);
    table_remove(&z->table, member.hash, slot);
    entry_free(m);
    return true;
}

/* A member that the tree has given away leaves the table. */
static void zset_large_drop(struct zset *z, struct entry *m)
{
    uint64_t hash = entry_hash(m);
    table_remove(&z->table, hash, table_slot_of(&z->table, hash, m));
    entry_free(m);
}

/*
 * Who pops one member mostly pops the next one soon. Its entry was asked for by the pop before
 * this one, so its hash can be known; where the table has it is asked for now, and the entries
 * behind it.
 */
static void zset_large_ahead(const struct zset *z, uint64_t rank)
{
    bool from_end = rank > 0;
    struct rank_cursor c;
    if (!rank_tree_seek(&z->tree, from_end ? z->tree.count - 1 : 0, &c)) return;
    struct entry *next = rank_cursor_pair(&c).member;
    table_prefetch_slot(&z->table, entry_hash(next));
    for (int i = 0; i < ZSET_AHEAD; i++) {
        if (!(from_end ? rank_cursor_prev(&c) : rank_cursor_next(&c))) return;
        __builtin_prefetch(rank_cursor_pair(&c).member);
    }
}

void zset_large_cut(struct zset *z, uint64_t rank, uint64_t count)
{
    if (count == 1 && (rank == 0 || rank == z->tree.count - 1)) {
        struct rank_pair out;
        rank_tree_cut(&z->tree, rank, 1, &out);
        zset_large_ahead(z, rank);
        zset_large_drop(z, out.member);
        return;
    }
    while (count > 0) {
        struct rank_pair out[ZSET_BATCH];
        uint32_t max = count < ZSET_BATCH ? (uint32_t)count : ZSET_BATCH;
        uint32_t got = rank_tree_cut(&z->tree, rank, max, out);
        for (uint32_t i = 0; i < got; i++) __builtin_prefetch(out[i].member);
        for (uint32_t i = 0; i < got; i++) zset_large_drop(z, out[i].member);
        count -= got;
    }
}
