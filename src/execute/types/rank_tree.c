/*
 * The rank tree: searching, walking, building and freeing (rank_node.h has the invariants).
 *
 * The pairs below a bound are a prefix of the order, and so are those of each node. The first pair
 * that is not below lies under the last child whose smallest pair is below, or begins the child
 * after it, or there is no such child and it is the first of all.
 */
#include "execute/types/rank_node.h"

#include "execute/types/heap.h"

/* Members that a walk will come to soon are fetched this many ahead. */
#define RANK_AHEAD 6

struct rank_node *rank_node_make(struct rank_tree *t, uint32_t level)
{
    size_t size = level == 0 ? sizeof(struct rank_node) : sizeof(struct rank_inner);
    struct rank_node *n = heap_alloc(size);
    n->count = 0;
    n->level = level;
    t->bytes += arena_usable(n);
    return n;
}

void rank_node_free(struct rank_tree *t, struct rank_node *n)
{
    t->bytes -= arena_usable(n);
    heap_free(n);
}

uint64_t rank_node_size(const struct rank_node *n)
{
    if (n->level == 0) return n->count;
    uint64_t sum = 0;
    const struct rank_inner *inner = rank_inner_of(n);
    for (uint32_t i = 0; i < n->count; i++) sum += inner->sizes[i];
    return sum;
}

/* ---- Finding ---- */

/* How many are smaller: all are compared, which vectors do faster than a search that jumps. */
static uint32_t rank_smaller(const double *scores, uint32_t count, double score)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) sum += scores[i] < score;
    return (uint32_t)sum;
}

static uint32_t rank_smaller_or_equal(const double *scores, uint32_t count, double score)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) sum += scores[i] <= score;
    return (uint32_t)sum;
}

/* Of the members from `low` to `high`, the index of the first that is not below. */
static uint32_t rank_search_names(const struct rank_node *n, uint32_t low, uint32_t high,
                                  const struct rank_bound *b)
{
    int limit = b->after ? 1 : 0;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (bytes_compare(rank_name(n->members[middle]), b->member) < limit)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t rank_node_below(const struct rank_node *n, const struct rank_bound *b)
{
    if (b->by == RANK_BY_MEMBER) return rank_search_names(n, 0, n->count, b);
    if (b->by == RANK_BY_SCORE && b->after)
        return rank_smaller_or_equal(n->scores, n->count, b->score);
    uint32_t low = rank_smaller(n->scores, n->count, b->score);
    if (b->by == RANK_BY_SCORE || low == n->count || n->scores[low] != b->score) return low;
    uint32_t equal = rank_smaller_or_equal(n->scores + low, n->count - low, b->score);
    return rank_search_names(n, low, low + equal, b);
}

uint64_t rank_tree_below(const struct rank_tree *t, const struct rank_bound *b)
{
    if (t->root == NULL) return 0;
    uint64_t rank = 0;
    const struct rank_node *n = t->root;
    while (n->level > 0) {
        const struct rank_inner *inner = rank_inner_of(n);
        uint32_t below = rank_node_below(n, b);
        if (below == 0) return rank;
        for (uint32_t i = 0; i < below - 1; i++) rank += inner->sizes[i];
        n = inner->children[below - 1];
    }
    return rank + rank_node_below(n, b);
}

bool rank_tree_seek(const struct rank_tree *t, uint64_t rank, struct rank_cursor *c)
{
    if (rank >= t->count) return false;
    c->height = t->height;
    struct rank_node *n = t->root;
    while (n->level > 0) {
        const struct rank_inner *inner = rank_inner_of(n);
        uint32_t i = 0;
        while (rank >= inner->sizes[i]) rank -= inner->sizes[i++];
        c->nodes[n->level] = n;
        c->at[n->level] = i;
        n = inner->children[i];
    }
    c->nodes[0] = n;
    c->at[0] = (uint32_t)rank;
    return true;
}

/* ---- Walking ---- */

/* Down to the first pair, or the last one, under the child that the cursor has at `level`. */
static void rank_cursor_descend(struct rank_cursor *c, uint32_t level, bool last)
{
    for (; level > 0; level--) {
        struct rank_node *n = rank_inner_of(c->nodes[level])->children[c->at[level]];
        c->nodes[level - 1] = n;
        c->at[level - 1] = last ? n->count - 1 : 0;
    }
}

bool rank_cursor_next(struct rank_cursor *c)
{
    const struct rank_node *leaf = c->nodes[0];
    if (likely(++c->at[0] < leaf->count)) {
        if (c->at[0] + RANK_AHEAD < leaf->count)
            __builtin_prefetch(leaf->members[c->at[0] + RANK_AHEAD]);
        return true;
    }
    for (uint32_t level = 1; level < c->height; level++) {
        if (++c->at[level] == c->nodes[level]->count) continue;
        rank_cursor_descend(c, level, false);
        for (uint32_t i = 0; i < RANK_AHEAD; i++) __builtin_prefetch(c->nodes[0]->members[i]);
        return true;
    }
    return false;
}

bool rank_cursor_prev(struct rank_cursor *c)
{
    if (likely(c->at[0] > 0)) {
        c->at[0]--;
        if (c->at[0] >= RANK_AHEAD) __builtin_prefetch(c->nodes[0]->members[c->at[0] - RANK_AHEAD]);
        return true;
    }
    for (uint32_t level = 1; level < c->height; level++) {
        if (c->at[level] == 0) continue;
        c->at[level]--;
        rank_cursor_descend(c, level, true);
        const struct rank_node *leaf = c->nodes[0];
        for (uint32_t i = 1; i <= RANK_AHEAD; i++)
            __builtin_prefetch(leaf->members[leaf->count - i]);
        return true;
    }
    return false;
}

struct rank_pair rank_cursor_pair(const struct rank_cursor *c)
{
    return (struct rank_pair){c->nodes[0]->scores[c->at[0]], c->nodes[0]->members[c->at[0]]};
}

/* ---- Building and freeing ---- */

/* Item `i` of the level below as child `at`. */
static void rank_build_child(struct rank_node *n, uint32_t at, struct rank_node *child)
{
    struct rank_inner *inner = rank_inner_of(n);
    n->scores[at] = child->scores[0];
    n->members[at] = child->members[0];
    inner->children[at] = child;
    inner->sizes[at] = rank_node_size(child);
}

/*
 * One level: `count` items (pairs at level 0, else nodes[]) are spread evenly over as few nodes as
 * hold them, which replace them in nodes[]. Gives how many nodes there are.
 */
static uint64_t rank_build_level(struct rank_tree *t, uint32_t level, const struct rank_pair *pairs,
                                 struct rank_node **nodes, uint64_t count)
{
    uint64_t made = (count + RANK_FANOUT - 1) / RANK_FANOUT, from = 0;
    for (uint64_t k = 0; k < made; k++) {
        struct rank_node *n = rank_node_make(t, level);
        n->count = (uint32_t)((count - from) / (made - k));
        for (uint32_t i = 0; i < n->count; i++, from++) {
            if (level > 0) {
                rank_build_child(n, i, nodes[from]);
                continue;
            }
            n->scores[i] = pairs[from].score;
            n->members[i] = pairs[from].member;
        }
        nodes[k] = n;
    }
    return made;
}

void rank_tree_build(struct rank_tree *t, const struct rank_pair *pairs, uint64_t count)
{
    must(t->root == NULL);
    if (count == 0) return;
    t->count = count;
    struct rank_node **nodes = heap_alloc((count / RANK_FANOUT + 1) * sizeof(struct rank_node *));
    do {
        count = rank_build_level(t, t->height, pairs, nodes, count);
        t->height++;
    } while (count > 1);
    t->root = nodes[0];
    heap_free(nodes);
}

bool rank_tree_free_some(struct rank_tree *t, uint64_t max)
{
    for (; max > 0 && t->root != NULL; max--) {
        struct rank_node *parent = NULL, *n = t->root;
        while (n->level > 0 && n->count > 0) {
            parent = n;
            n = rank_inner_of(n)->children[n->count - 1];
        }
        if (parent != NULL)
            parent->count--;
        else
            t->root = NULL;
        rank_node_free(t, n);
    }
    return t->root != NULL;
}

/* ---- Checking ---- */

static int rank_pair_compare(const struct rank_node *a, uint32_t i, const struct rank_node *b,
                             uint32_t j)
{
    if (a->scores[i] != b->scores[j]) return a->scores[i] < b->scores[j] ? -1 : 1;
    return bytes_compare(rank_name(a->members[i]), rank_name(b->members[j]));
}

/* Gives the bytes under the node. */
static size_t rank_check_node(const struct rank_tree *t, const struct rank_node *n, uint32_t level)
{
    must(n->level == level && n->count <= RANK_FANOUT);
    must(n == t->root ? n->count > (level > 0) : n->count >= RANK_HALF);
    for (uint32_t i = 0; i + 1 < n->count; i++) must(rank_pair_compare(n, i, n, i + 1) < 0);
    size_t bytes = arena_usable(n);
    if (level == 0) return bytes;
    const struct rank_inner *inner = rank_inner_of(n);
    for (uint32_t i = 0; i < n->count; i++) {
        const struct rank_node *child = inner->children[i];
        must(inner->sizes[i] == rank_node_size(child));
        must(n->members[i] == child->members[0] && n->scores[i] == child->scores[0]);
        if (i + 1 < n->count) must(rank_pair_compare(child, child->count - 1, n, i + 1) < 0);
        bytes += rank_check_node(t, child, level - 1);
    }
    return bytes;
}

void rank_tree_check(const struct rank_tree *t)
{
    must((t->root == NULL) == (t->count == 0));
    if (t->root == NULL) {
        must(t->bytes == 0 && t->height == 0);
        return;
    }
    must(rank_node_size(t->root) == t->count && t->root->level + 1 == t->height);
    must(rank_check_node(t, t->root, t->height - 1) == t->bytes);
}
