/*
 * Elements and patterns of SORT.
 *
 * Of lists nothing stays put while they are walked: their texts are copied, but for those in
 * blocks, which are shared. Members of tables stay where they are.
 */
#include "codec/number.h"

#include "execute/commands/sort_vector.h"

#include "execute/core/effect.h"
#include "execute/types/block.h"
#include "execute/types/heap.h"
#include "execute/types/list.h"
#include "execute/types/set.h"
#include "execute/types/zset.h"

/* ---- The vector ---- */

enum { SORT_CHUNK = 32768 };

struct sort_chunk {
    struct sort_chunk *next;
    size_t used, room;
    char bytes[];
};

struct bytes sort_keep(struct sort_vector *v, struct bytes text)
{
    struct sort_chunk *chunk = v->chunks;
    if (chunk == NULL || chunk->room - chunk->used < text.len) {
        size_t room = text.len > SORT_CHUNK ? text.len : SORT_CHUNK;
        chunk = heap_alloc(sizeof *chunk + room);
        *chunk = (struct sort_chunk){.next = v->chunks, .room = room};
        v->chunks = chunk;
    }
    char *copy = chunk->bytes + chunk->used;
    if (text.len > 0) memcpy(copy, text.ptr, text.len);
    chunk->used += text.len;
    return bytes_make(copy, text.len);
}

static inline void sort_add(struct sort_vector *v, struct sort_element s)
{
    dcheck(v->count < v->room);
    v->list[v->count++] = s;
}

void sort_vector_free(struct sort_vector *v)
{
    for (uint64_t i = 0; i < v->count; i++)
        if (v->list[i].block != NULL) block_drop(v->list[i].block);
    heap_free(v->list);
    for (struct sort_chunk *chunk = v->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        heap_free(chunk);
    }
}

static void sort_gather_list(struct sort_vector *v, const struct entry *e, uint64_t from,
                             bool backward)
{
    struct list_walk w;
    struct list_item item;
    list_walk_begin(&w, e, backward ? list_count(e) - 1 - from : from, !backward);
    while (v->count < v->room && list_walk_next(&w, &item)) {
        struct sort_element s = {.number = item.number};
        if (!item.is_int) {
            s.block = item.block == NULL ? NULL : block_share(item.block);
            s.text = item.block == NULL ? sort_keep(v, item.text) : item.text;
        }
        sort_add(v, s);
    }
    list_walk_end(&w);
}

static void sort_gather_set(struct sort_vector *v, const struct entry *e, uint64_t from)
{
    struct set_walk w = set_walk(e);
    struct set_member members[SET_WINDOW];
    uint64_t at = 0;
    for (uint32_t n; v->count < v->room && (n = set_next(&w, members, SET_WINDOW)) > 0;) {
        for (uint32_t i = 0; i < n && v->count < v->room; i++, at++) {
            if (at < from) continue;
            if (members[i].text.ptr == NULL)
                sort_add(v, (struct sort_element){.number = members[i].number});
            else
                sort_add(v, (struct sort_element){.text = members[i].text});
        }
    }
}

static void sort_gather_zset(struct sort_vector *v, const struct entry *e, uint64_t from,
                             bool backward)
{
    struct zset_cursor at;
    bool moves = zset_table(e) == NULL;
    if (!zset_seek(e, backward ? zset_count(e) - 1 - from : from, &at)) return;
    do {
        struct bytes member = zset_item(&at).member;
        sort_add(v, (struct sort_element){.text = moves ? sort_keep(v, member) : member});
    } while (v->count < v->room && (backward ? zset_prev(&at) : zset_next(&at)));
}

void sort_gather(struct sort_vector *v, const struct entry *e, uint64_t from, uint64_t count,
                 bool backward)
{
    *v = (struct sort_vector){.room = count};
    if (count == 0) return;
    v->list = heap_alloc(count * sizeof v->list[0]);
    switch (entry_type(e)) {
    case TYPE_LIST: sort_gather_list(v, e, from, backward); break;
    case TYPE_SET: sort_gather_set(v, e, from); break;
    default: sort_gather_zset(v, e, from, backward); break;
    }
    must(v->count == count);
}

struct bytes sort_text(const struct sort_element *s, char scratch[NUMBER_INT_CHARS])
{
    if (s->text.ptr != NULL) return s->text;
    return bytes_make(scratch, number_print_int(scratch, s->number));
}

/* ---- Patterns ---- */

struct sort_pattern sort_pattern(struct bytes text)
{
    struct sort_pattern p = {.is_self = bytes_equal(text, bytes_of("#"))};
    const char *end = text.ptr + text.len, *star = memchr(text.ptr, '*', text.len);
    p.is_fixed = !p.is_self && star == NULL;
    if (star == NULL) return p;
    p.head = bytes_make(text.ptr, (size_t)(star - text.ptr));
    p.tail = bytes_make(star + 1, (size_t)(end - star - 1));
    /* The first arrow behind the star leads to a field, unless nothing follows it. */
    const char *arrow = memmem(p.tail.ptr, p.tail.len, "->", 2);
    if (arrow == NULL || arrow + 2 == end) return p;
    p.field = bytes_make(arrow + 2, (size_t)(end - arrow - 2));
    p.tail.len = (size_t)(arrow - p.tail.ptr);
    return p;
}

static struct key sort_key(const struct sort_pattern *p, struct bytes element,
                           struct sort_name *name)
{
    size_t len = p->head.len + element.len + p->tail.len;
    if (len > name->room) {
        heap_free(name->bytes);
        name->room = 2 * len;
        name->bytes = heap_alloc(name->room);
    }
    char *to = mempcpy(name->bytes, p->head.ptr, p->head.len);
    to = mempcpy(to, element.ptr, element.len);
    memcpy(to, p->tail.ptr, p->tail.len);
    return key_make(bytes_make(name->bytes, len));
}

bool sort_find(struct call *c, const struct sort_pattern *pattern, const struct sort_element *s,
               struct sort_name *name, struct sort_found *found)
{
    char scratch[NUMBER_INT_CHARS];
    if (pattern->is_self) {
        found->text = sort_text(s, found->scratch);
        found->block = s->block;
        found->is_volatile = s->text.ptr == NULL;
        return true;
    }
    struct key key = sort_key(pattern, sort_text(s, scratch), name);
    struct entry *e = keyspace_find(c->db, key, LOOKUP_READ);
    bool wants_hash = pattern->field.len > 0;
    if (e == NULL || entry_type(e) != (wants_hash ? TYPE_HASH : TYPE_STRING)) return false;
    if (!wants_hash) {
        found->text = string_bytes(e, found->scratch);
        found->block = string_block(e);
        found->is_volatile = found->text.ptr == found->scratch;
        return true;
    }
    if (!hash_get(e, pattern->field, c->due_ms, &found->item)) {
        name->met_due |= effect_is_heard() && hash_get(e, pattern->field, INT64_MIN, &found->item);
        return false;
    }
    found->text = found->item.value;
    found->block = found->item.block;
    found->is_volatile =
        found->text.ptr == found->item.scratch[0] || found->text.ptr == found->item.scratch[1];
    return true;
}
