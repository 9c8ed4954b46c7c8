/*
 * Reading streams from RDB. Entries are added one by one, a node for each listpack, so nodes are of
 * our own making, whatever the input was.
 */
#include "execute/types/stream_dump.h"

#include "execute/types/heap.h"
#include "execute/types/listpack.h"
#include "execute/types/stream_group.h"

/* Pairs of an entry: bounds what is allocated for one that claims to be large. */
#define LOAD_PAIRS_MAX ((uint32_t)1 << 20)

/* A node of many short entries may have to become several, each with the fields again: more than so
 * many times the bytes of the input is an attack. */
#define LOAD_GROWTH_MAX 8
#define LOAD_GROWTH_FREE ((size_t)1 << 20)

static const char load_bad_node[] = "Stream listpack integrity check failed";
static const char load_cut_off[] = "a stream ends too early or is damaged";

/* Texts of a node, in room for so many. Those of a pair follow each other. */
struct load_texts {
    struct bytes *texts;
    char (*scratch)[LISTPACK_INT_CHARS];
    uint32_t room;
};

struct stream_load {
    struct rdb_in *in;
    uint8_t type;
    struct stream *s;
    const char *wrong;
    char *blob; /* the string taken last, owned */
    /* The node that is read */
    const uint8_t *lp, *at;   /* the next element, NULL behind the last */
    uint32_t left;            /* elements from there on */
    struct stream_id node_id; /* what ids are differences to */
    uint32_t name_count;
    struct load_texts names, pairs;
    size_t node_bytes; /* of all nodes, as they came */
    bool begins_node;
};

static bool load_wrong(struct stream_load *l, const char *what)
{
    if (l->wrong == NULL) l->wrong = what;
    return false;
}

/* ---- What RDB is made of ---- */

static bool load_len(struct stream_load *l, uint64_t *n)
{
    return rdb_take_len(l->in, n) || load_wrong(l, load_cut_off);
}

static bool load_count(struct stream_load *l, size_t each, uint64_t *n)
{
    return rdb_take_count(l->in, each, n) || load_wrong(l, load_cut_off);
}

static bool load_id(struct stream_load *l, struct stream_id *id)
{
    return load_len(l, &id->ms) && load_len(l, &id->seq);
}

/* Times are no earlier than `least`. */
static bool load_ms(struct stream_load *l, int64_t least, int64_t *ms)
{
    if (!rdb_take_ms(l->in, ms)) return load_wrong(l, load_cut_off);
    if (*ms < least) *ms = least;
    return true;
}

static struct stream_id load_unpack_id(const uint8_t *raw)
{
    struct stream_id id = {0};
    for (unsigned i = 0; i < 8; i++) {
        id.ms = id.ms << 8 | raw[i];
        id.seq = id.seq << 8 | raw[8 + i];
    }
    return id;
}

static bool load_packed_id(struct stream_load *l, struct stream_id *id)
{
    const uint8_t *p = l->in->at;
    if (!rdb_skip(l->in, STREAM_PACKED_ID)) return load_wrong(l, load_cut_off);
    *id = load_unpack_id(p);
    return true;
}

/* The text is good until the next one is taken; none when it fails. */
static bool load_string(struct stream_load *l, struct bytes *text)
{
    struct rdb_string form;
    *text = bytes_make("", 0);
    if (!rdb_take_string(l->in, &form)) return load_wrong(l, load_cut_off);
    l->blob = heap_realloc(l->blob, form.len == 0 ? 1 : form.len);
    *text = bytes_make(l->blob, form.len);
    return rdb_string_write(&form, l->blob) || load_wrong(l, load_cut_off);
}

/* ---- Nodes ---- */

static bool load_int(struct stream_load *l, int64_t *n)
{
    struct bytes text;
    if (l->at == NULL || !listpack_get(l->at, &text, n)) return load_wrong(l, load_bad_node);
    l->at = listpack_next(l->lp, l->at);
    l->left--;
    return true;
}

static bool load_element(struct stream_load *l, struct load_texts *to, uint32_t i)
{
    if (l->at == NULL) return load_wrong(l, load_bad_node);
    to->texts[i] = listpack_text(l->at, to->scratch[i]);
    l->at = listpack_next(l->lp, l->at);
    l->left--;
    return true;
}

static void load_make_room(struct load_texts *t, uint32_t pairs)
{
    if (t->room >= 2 * pairs) return;
    t->room = 2 * pairs;
    t->texts = heap_realloc(t->texts, t->room * sizeof(t->texts[0]));
    t->scratch = heap_realloc(t->scratch, t->room * sizeof(t->scratch[0]));
}

/* A count of fields, of which each takes at least `each` elements. */
static bool load_field_count(struct stream_load *l, uint32_t each, uint32_t *count)
{
    int64_t n;
    if (!load_int(l, &n)) return false;
    if (n < 1 || n > LOAD_PAIRS_MAX || (uint64_t)n * each > l->left)
        return load_wrong(l, load_bad_node);
    *count = (uint32_t)n;
    return true;
}

static bool load_names(struct stream_load *l)
{
    int64_t end;
    if (!load_field_count(l, 1, &l->name_count)) return false;
    load_make_room(&l->names, l->name_count);
    for (uint32_t i = 0; i < l->name_count; i++)
        if (!load_element(l, &l->names, 2 * i)) return false;
    return load_int(l, &end) && (end == 0 || load_wrong(l, load_bad_node));
}

/* Names and values, or values alone; *elements is how many that and the entry's head were. */
static bool load_pairs(struct stream_load *l, bool node_names, uint32_t *count, int64_t *elements)
{
    *count = l->name_count;
    if (!node_names && !load_field_count(l, 2, count)) return false;
    load_make_room(&l->pairs, *count);
    for (uint32_t i = 0; i < *count; i++) {
        if (node_names)
            l->pairs.texts[2 * i] = l->names.texts[2 * i];
        else if (!load_element(l, &l->pairs, 2 * i))
            return false;
        if (!load_element(l, &l->pairs, 2 * i + 1)) return false;
    }
    *elements = node_names ? (int64_t)*count + 3 : 2 * (int64_t)*count + 4;
    return true;
}

static bool load_add(struct stream_load *l, struct stream_id id, uint32_t count)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < 2 * count; i++) sum += l->pairs.texts[i].len;
    if (sum > STREAM_ENTRY_BYTES || stream_id_compare(id, l->s->last_id) <= 0)
        return load_wrong(l, load_bad_node);
    if (l->s->node_bytes > LOAD_GROWTH_MAX * l->node_bytes + LOAD_GROWTH_FREE)
        return load_wrong(l, "Stream would take much more memory than it came in");
    struct stream_pairs pairs = {l->pairs.texts, count}, names = {l->names.texts, l->name_count};
    /* A bound of one byte begins a node. */
    struct stream_limits limits = {l->begins_node ? 1 : 0, 0};
    stream_append_named(l->s, id, pairs, limits, names);
    l->begins_node = false;
    return true;
}

static bool load_entry(struct stream_load *l, bool *deleted)
{
    int64_t flags = 0, ms = 0, seq = 0, elements = 0, wanted = 0;
    uint32_t count = 0;
    if (!load_int(l, &flags) || !load_int(l, &ms) || !load_int(l, &seq)) return false;
    if (flags & ~(STREAM_PACKED_DELETED | STREAM_PACKED_NODE_NAMES))
        return load_wrong(l, load_bad_node);
    if (!load_pairs(l, flags & STREAM_PACKED_NODE_NAMES, &count, &wanted)) return false;
    if (!load_int(l, &elements)) return false;
    if (elements != wanted) return load_wrong(l, load_bad_node);
    *deleted = flags & STREAM_PACKED_DELETED;
    struct stream_id id = {l->node_id.ms + (uint64_t)ms, l->node_id.seq + (uint64_t)seq};
    return *deleted || load_add(l, id, count);
}

static bool load_entries(struct stream_load *l)
{
    int64_t count = 0, deleted = 0;
    if (!load_int(l, &count) || !load_int(l, &deleted)) return false;
    if (count < 0 || deleted < 0 || count > l->left || deleted > l->left)
        return load_wrong(l, load_bad_node);
    if (!load_names(l)) return false;
    l->begins_node = true;
    while (count + deleted > 0) {
        bool is_deleted = false;
        if (!load_entry(l, &is_deleted)) return false;
        int64_t *rest = is_deleted ? &deleted : &count;
        if (--*rest < 0) return load_wrong(l, load_bad_node);
    }
    return l->at == NULL || load_wrong(l, load_bad_node);
}

static bool load_node(struct stream_load *l)
{
    struct bytes text;
    if (!load_string(l, &text)) return false;
    if (text.len != STREAM_PACKED_ID)
        return load_wrong(l, "Stream node key entry is not the size of a stream ID");
    l->node_id = load_unpack_id((const uint8_t *)text.ptr);
    if (!load_string(l, &text)) return false;
    l->lp = (const uint8_t *)text.ptr;
    if (!listpack_is_valid(l->lp, text.len, &l->left)) return load_wrong(l, load_bad_node);
    l->node_bytes += text.len;
    l->at = listpack_first(l->lp);
    return load_entries(l);
}

/* ---- The stream itself ---- */

static bool load_head(struct stream_load *l)
{
    uint64_t nodes, length;
    struct stream_id last, first, max_deleted = STREAM_ID_MIN;
    uint64_t added = 0;
    if (!load_count(l, 1 + STREAM_PACKED_ID + 1, &nodes)) return false;
    while (nodes-- > 0)
        if (!load_node(l)) return false;
    if (!load_len(l, &length) || !load_id(l, &last)) return false;
    if (length != l->s->length) return load_wrong(l, "Stream length is not that of its entries");
    if (stream_id_compare(last, l->s->last_id) < 0)
        return load_wrong(l, "Stream has entries behind its last id");
    if (l->type >= RDB_STREAM_LISTPACKS_2 &&
        (!load_id(l, &first) || !load_id(l, &max_deleted) || !load_len(l, &added)))
        return false;
    l->s->last_id = last;
    l->s->max_deleted = max_deleted;
    l->s->added = added < length ? length : added;
    return true;
}

/* ---- Groups ---- */

static bool load_pending(struct stream_load *l, struct stream_group *g)
{
    uint64_t count, deliveries = 0;
    struct stream_id id = STREAM_ID_MIN;
    int64_t delivered_ms = 0;
    if (!load_count(l, STREAM_PACKED_ID + 9, &count)) return false;
    while (count-- > 0) {
        if (!load_packed_id(l, &id) || !load_ms(l, 0, &delivered_ms) || !load_len(l, &deliveries))
            return false;
        if (!stream_pending_add(g, id, delivered_ms, deliveries))
            return load_wrong(l, "Duplicated global PEL entry loading stream consumer group");
    }
    return true;
}

static bool load_consumer_ids(struct stream_load *l, struct stream_group *g,
                              struct stream_consumer *c)
{
    uint64_t count;
    struct stream_id id = STREAM_ID_MIN;
    if (!load_count(l, STREAM_PACKED_ID, &count)) return false;
    while (count-- > 0) {
        if (!load_packed_id(l, &id)) return false;
        const struct stream_pending *p = stream_pending_find(g, id);
        if (p == NULL) return load_wrong(l, "Consumer entry not found in group global PEL");
        if (p->consumer != NULL)
            return load_wrong(l, "Duplicated consumer PEL entry loading a stream consumer group");
        stream_pending_give(g, id, c);
    }
    return true;
}

static bool load_consumer(struct stream_load *l, struct stream_group *g)
{
    struct bytes name;
    if (!load_string(l, &name)) return false;
    struct stream_consumer *c = stream_consumer_make(g, name, 0);
    if (c == NULL) return load_wrong(l, "Duplicate stream consumer detected");
    if (!load_ms(l, 0, &c->seen_ms)) return false;
    c->active_ms = c->seen_ms;
    if (l->type >= RDB_STREAM_LISTPACKS_3 && !load_ms(l, -1, &c->active_ms)) return false;
    return load_consumer_ids(l, g, c);
}

static bool load_group(struct stream_load *l)
{
    struct bytes name;
    if (!load_string(l, &name)) return false;
    struct stream_group *g = stream_group_make(l->s, name, STREAM_ID_MIN, STREAM_READ_UNKNOWN);
    if (g == NULL) return load_wrong(l, "Duplicated consumer group name");
    uint64_t read, consumers, owned = 0;
    if (!load_id(l, &g->last_id)) return false;
    if (l->type < RDB_STREAM_LISTPACKS_2)
        g->entries_read = stream_added_until(l->s, g->last_id);
    else if (!load_len(l, &read))
        return false;
    else if (read <= INT64_MAX)
        g->entries_read = (int64_t)read;
    if (!load_pending(l, g) || !load_count(l, 10, &consumers)) return false;
    while (consumers-- > 0)
        if (!load_consumer(l, g)) return false;
    struct sorted_place at = sorted_first(&g->consumers);
    for (const struct stream_consumer *c; (c = stream_consumer_next(g, &at)) != NULL;)
        owned += c->pending.count;
    return owned == g->pending.count || load_wrong(l, "NACK not associated to any consumer");
}

static bool load_groups(struct stream_load *l)
{
    uint64_t groups;
    if (!load_count(l, 5, &groups)) return false;
    while (groups-- > 0)
        if (!load_group(l)) return false;
    return true;
}

const char *stream_load(struct rdb_in *in, uint8_t type, struct stream **out)
{
    struct stream_load l = {.in = in, .type = type, .s = stream_make()};
    bool good = load_head(&l) && load_groups(&l);
    heap_free(l.blob);
    heap_free(l.names.texts);
    heap_free(l.names.scratch);
    heap_free(l.pairs.texts);
    heap_free(l.pairs.scratch);
    if (!good) stream_free(l.s);
    *out = good ? l.s : NULL;
    return l.wrong;
}
