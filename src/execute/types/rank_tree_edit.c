/*
 * The rank tree: inserting and removing (rank_node.h has the invariants).
 *
 * A change goes down once and remembers the way, changes the leaf, then mends what it left behind
 * on the way up: sizes, smallest pairs, nodes that are less than half full. A full node first gives
 * to a neighbour with room and is split only when both are full: nodes are fuller, and pairs that
 * come in ascending order fill them wholly.
 */
#include "execute/types/rank_node.h"

#include "execute/types/heap.h"

/* A neighbour is given to only when it has so much room, lest every other insertion give. */
#define RANK_ROOM 6

/* ---- Within nodes ---- */

/* Moves `count` items from one place to another of the same level; the places may overlap. */
static void rank_move(struct rank_node *to, uint32_t at, const struct rank_node *from,
                      uint32_t from_at, uint32_t count)
{
    memmove(to->scores + at, from->scores + from_at, count * sizeof(double));
    memmove(to->members + at, from->members + from_at, count * sizeof(struct entry *));
    if (to->level == 0) return;
    struct rank_inner *a = rank_inner_of(to), *b = rank_inner_of(from);
    memmove(a->children + at, b->children + from_at, count * sizeof(struct rank_node *));
    memmove(a->sizes + at, b->sizes + from_at, count * sizeof(uint64_t));
}

static void rank_open_gap(struct rank_node *n, uint32_t at)
{
    rank_move(n, at + 1, n, at, n->count - at);
    n->count++;
}

static void rank_close_gap(struct rank_node *n, uint32_t at, uint32_t count)
{
    rank_move(n, at, n, at + count, n->count - at - count);
    n->count -= count;
}

/* What the parent knows of its child at `i`. */
static void rank_describe(struct rank_node *parent, uint32_t i)
{
    struct rank_inner *inner = rank_inner_of(parent);
    const struct rank_node *child = inner->children[i];
    parent->scores[i] = child->scores[0];
    parent->members[i] = child->members[0];
    inner->sizes[i] = rank_node_size(child);
}

/* Moves items between the children at `i` and `i + 1`, so that the left one has `left_count`. */
static void rank_divide(struct rank_node *parent, uint32_t i, uint32_t left_count)
{
    struct rank_node *left = rank_inner_of(parent)->children[i];
    struct rank_node *right = rank_inner_of(parent)->children[i + 1];
    if (left->count < left_count) {
        uint32_t moved = left_count - left->count;
        rank_move(left, left->count, right, 0, moved);
        left->count += moved;
        rank_close_gap(right, 0, moved);
    } else {
        uint32_t moved = left->count - left_count;
        rank_move(right, moved, right, 0, right->count);
        rank_move(right, 0, left, left_count, moved);
        right->count += moved;
        left->count -= moved;
    }
    rank_describe(parent, i);
    if (right->count > 0) rank_describe(parent, i + 1);
}

/* ---- Ways ---- */

/* The way to a pair, or to where it would be inserted. */
static void rank_find(const struct rank_tree *t, double score, const struct entry *member,
                      struct rank_cursor *way)
{
    struct rank_bound b = {RANK_BY_PAIR, true, score, rank_name(member)};
    way->height = t->height;
    struct rank_node *n = t->root;
    for (uint32_t level = t->height - 1; level > 0; level--) {
        uint32_t below = rank_node_below(n, &b);
        uint32_t i = below > 0 ? below - 1 : 0;
        way->nodes[level] = n;
        way->at[level] = i;
        n = rank_inner_of(n)->children[i];
    }
    b.after = false;
    way->nodes[0] = n;
    way->at[0] = rank_node_below(n, &b);
}

/* The smallest pair of the node at `level` may be another: its ancestors are told. */
static void rank_mend_smallest(struct rank_cursor *way, uint32_t level)
{
    for (; level + 1 < way->height; level++) {
        struct rank_node *parent = way->nodes[level + 1];
        uint32_t i = way->at[level + 1];
        parent->scores[i] = way->nodes[level]->scores[0];
        parent->members[i] = way->nodes[level]->members[0];
        if (i > 0) return;
    }
}

/* ---- Inserting ---- */

/* Leads the way to item `place`, counted from the first of the children at `i` and `i + 1`. */
static void rank_lead(struct rank_cursor *way, uint32_t level, uint32_t i, uint32_t place)
{
    struct rank_inner *parent = rank_inner_of(way->nodes[level + 1]);
    uint32_t left = parent->children[i]->count;
    bool is_right = place >= left;
    way->at[level + 1] = i + is_right;
    way->nodes[level] = parent->children[i + is_right];
    way->at[level] = is_right ? place - left : place;
}

static void rank_grow_root(struct rank_tree *t, struct rank_cursor *way)
{
    struct rank_node *root = rank_node_make(t, t->height);
    root->count = 1;
    rank_inner_of(root)->children[0] = t->root;
    rank_describe(root, 0);
    t->root = root;
    way->nodes[t->height] = root;
    way->at[t->height] = 0;
    way->height = ++t->height;
}

/*
 * How many items the left of two neighbours keeps, `sum` in both. Where the insertion is at the
 * outer end of the full one, more may come there: it keeps as little as it may.
 */
static uint32_t rank_share(uint32_t sum, uint32_t place, bool from_right)
{
    uint32_t most = sum - RANK_HALF < RANK_FANOUT ? sum - RANK_HALF : RANK_FANOUT;
    if (from_right && place == sum) return most;
    if (!from_right && place == 0) return sum - most;
    return sum / 2;
}

/* Gives a part of the full node at `level` to a neighbour that has room. */
static bool rank_give(struct rank_cursor *way, uint32_t level)
{
    struct rank_node *parent = way->nodes[level + 1];
    struct rank_node **children = rank_inner_of(parent)->children;
    uint32_t i = way->at[level + 1], place = way->at[level];
    bool to_left = i > 0 && children[i - 1]->count + RANK_ROOM <= RANK_FANOUT;
    if (to_left) {
        i--;
        place += children[i]->count;
    } else if (i + 1 == parent->count || children[i + 1]->count + RANK_ROOM > RANK_FANOUT) {
        return false;
    }
    /* The way of an inner node leads to a child, behind which the insertion will be. */
    uint32_t insertion = place + (level > 0);
    uint32_t sum = children[i]->count + children[i + 1]->count;
    rank_divide(parent, i, rank_share(sum, insertion, to_left));
    rank_lead(way, level, i, place);
    return true;
}

/* The node of the way at `level` has room for one more item afterwards; it may be another node. */
static void rank_make_room(struct rank_tree *t, struct rank_cursor *way, uint32_t level)
{
    struct rank_node *n = way->nodes[level];
    if (n->count < RANK_FANOUT) return;
    if (level + 1 == t->height) rank_grow_root(t, way);
    if (rank_give(way, level)) return;
    rank_make_room(t, way, level + 1);
    struct rank_node *parent = way->nodes[level + 1];
    uint32_t i = way->at[level + 1];
    rank_open_gap(parent, i + 1);
    rank_inner_of(parent)->children[i + 1] = rank_node_make(t, level);
    rank_divide(parent, i, RANK_FANOUT / 2);
    rank_lead(way, level, i, way->at[level]);
}

static void rank_insert_at(struct rank_tree *t, struct rank_cursor *way, double score,
                           struct entry *member)
{
    rank_make_room(t, way, 0);
    struct rank_node *leaf = way->nodes[0];
    uint32_t at = way->at[0];
    rank_open_gap(leaf, at);
    leaf->scores[at] = score;
    leaf->members[at] = member;
    for (uint32_t level = 1; level < t->height; level++)
        rank_inner_of(way->nodes[level])->sizes[way->at[level]]++;
    if (at == 0) rank_mend_smallest(way, 0);
    t->count++;
}

void rank_tree_insert(struct rank_tree *t, double score, struct entry *member)
{
    if (t->root == NULL) {
        t->root = rank_node_make(t, 0);
        t->height = 1;
    }
    struct rank_cursor way;
    rank_find(t, score, member, &way);
    rank_insert_at(t, &way, score, member);
}

/* ---- Removing ---- */

/* The node at `level`, less than half full, takes from a neighbour or becomes one with it. */
static void rank_fill(struct rank_tree *t, struct rank_cursor *way, uint32_t level)
{
    struct rank_node *parent = way->nodes[level + 1];
    struct rank_node **children = rank_inner_of(parent)->children;
    uint32_t i = way->at[level + 1];
    if (i > 0) i--;
    struct rank_node *right = children[i + 1];
    uint32_t sum = children[i]->count + right->count;
    rank_divide(parent, i, sum <= RANK_FANOUT ? sum : sum / 2);
    if (sum <= RANK_FANOUT) {
        rank_node_free(t, right);
        rank_close_gap(parent, i + 1, 1);
    }
    way->at[level + 1] = i;
    if (i == 0) rank_mend_smallest(way, level + 1);
}

static void rank_shrink_root(struct rank_tree *t)
{
    while (t->root->level > 0 && t->root->count == 1) {
        struct rank_node *old = t->root;
        t->root = rank_inner_of(old)->children[0];
        rank_node_free(t, old);
        t->height--;
    }
    if (t->root->count > 0) return;
    rank_node_free(t, t->root);
    *t = rank_tree_empty();
}

/* Removes `count` pairs from the place of the way on, all in its leaf. */
static void rank_remove_at(struct rank_tree *t, struct rank_cursor *way, uint32_t count)
{
    struct rank_node *leaf = way->nodes[0];
    rank_close_gap(leaf, way->at[0], count);
    t->count -= count;
    for (uint32_t level = 1; level < t->height; level++)
        rank_inner_of(way->nodes[level])->sizes[way->at[level]] -= count;
    if (way->at[0] == 0 && leaf->count > 0) rank_mend_smallest(way, 0);
    for (uint32_t level = 0; level + 1 < way->height; level++) {
        if (way->nodes[level]->count >= RANK_HALF) return;
        rank_fill(t, way, level);
    }
    rank_shrink_root(t);
}

void rank_tree_remove(struct rank_tree *t, double score, struct entry *member)
{
    must(t->root != NULL);
    struct rank_cursor way;
    rank_find(t, score, member, &way);
    must(way.at[0] < way.nodes[0]->count && way.nodes[0]->members[way.at[0]] == member);
    rank_remove_at(t, &way, 1);
}

/* True when the item at `at`, which is neither the first nor the last, may have that score. */
static bool rank_stays(const struct rank_node *leaf, uint32_t at, double to)
{
    return at > 0 && at + 1 < leaf->count && leaf->scores[at - 1] < to && to < leaf->scores[at + 1];
}

void rank_tree_rescore(struct rank_tree *t, double score, struct entry *member, double to)
{
    must(t->root != NULL);
    struct rank_cursor way;
    rank_find(t, score, member, &way);
    struct rank_node *leaf = way.nodes[0];
    uint32_t at = way.at[0];
    must(at < leaf->count && leaf->members[at] == member);
    if (rank_stays(leaf, at, to)) {
        leaf->scores[at] = to;
        return;
    }
    rank_remove_at(t, &way, 1);
    rank_tree_insert(t, to, member);
}

uint32_t rank_tree_cut(struct rank_tree *t, uint64_t rank, uint32_t max, struct rank_pair *out)
{
    struct rank_cursor way;
    must(max > 0 && rank_tree_seek(t, rank, &way));
    const struct rank_node *leaf = way.nodes[0];
    uint32_t at = way.at[0], count = leaf->count - at;
    if (count > max) count = max;
    for (uint32_t i = 0; i < count; i++)
        out[i] = (struct rank_pair){leaf->scores[at + i], leaf->members[at + i]};
    rank_remove_at(t, &way, count);
    return count;
}
