/*
 * Invariant: the value of a key is the number of its only reader, or a struct readers of more. The
 * numbers are in order.
 */
#include "execute/core/tracking_table.h"

#include "execute/core/name_map.h"
#include "execute/core/tracking.h"
#include "execute/core/tracking_message.h"
#include "execute/types/dice.h"
#include "execute/types/heap.h"

enum {
    TABLE_GIVE_UP = 2,      /* keys, for each that is added while there are too many */
    TABLE_WORK_KEYS = 1000, /* keys given up in a step */
    FEW_READERS = 4,
};

struct readers {
    uint32_t count, max;
    uint64_t ids[];
};

/* A table that was cleared and is being freed. */
struct cleared {
    struct cleared *next;
    struct name_map map;
    uint64_t index;
};

static struct name_map table;
static uint64_t table_items;
static struct cleared *table_cleared;

static void *reader_make(uint64_t id) { return (void *)(uintptr_t)(id << 1 | 1); }
static bool is_reader(const void *value) { return ((uintptr_t)value & 1) != 0; }
static uint64_t reader_id(const void *value) { return (uintptr_t)value >> 1; }

static struct session *reader_session(uint64_t id)
{
    struct session *s = session_by_id(id);
    if (s == NULL || s->tracking == NULL) return NULL;
    return (s->tracking->options & TRACKING_BROADCAST) ? NULL : s;
}

static void value_free(void *value)
{
    if (!is_reader(value)) heap_free(value);
}

/* The first place of an id that is not smaller. */
static uint32_t readers_seek(const struct readers *r, uint64_t id)
{
    uint32_t low = 0, high = r->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (r->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void readers_forget_dead(struct readers *r)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->count; i++)
        if (reader_session(r->ids[i]) != NULL) r->ids[kept++] = r->ids[i];
    table_items -= r->count - kept;
    r->count = kept;
}

/* Room for one more; it may move. Those who have gone make room, if they are many. */
static struct readers *readers_make_room(struct readers *r)
{
    if (r->count < r->max) return r;
    readers_forget_dead(r);
    if (r->count <= r->max / 2) return r;
    r->max *= 2;
    return heap_realloc(r, sizeof(*r) + r->max * sizeof(r->ids[0]));
}

static void readers_insert(struct readers *r, uint64_t id)
{
    uint32_t at = readers_seek(r, id);
    memmove(&r->ids[at + 1], &r->ids[at], (r->count - at) * sizeof(r->ids[0]));
    r->ids[at] = id;
    r->count++;
}

static struct readers *readers_make(uint64_t id)
{
    struct readers *r = heap_alloc(sizeof(*r) + FEW_READERS * sizeof(r->ids[0]));
    *r = (struct readers){.count = 1, .max = FEW_READERS};
    r->ids[0] = id;
    return r;
}

/* One more reader of a key that has readers. */
static void value_add(struct key key, void *value, uint64_t id)
{
    struct readers *r =
        is_reader(value) ? readers_make(reader_id(value)) : readers_make_room(value);
    readers_insert(r, id);
    if (r != value) name_map_set(&table, key, r);
}

static bool value_has(const void *value, uint64_t id)
{
    if (is_reader(value)) return reader_id(value) == id;
    const struct readers *r = value;
    uint32_t at = readers_seek(r, id);
    return at < r->count && r->ids[at] == id;
}

static void reader_tell(struct tracking_message *m, uint64_t id, const struct session *by)
{
    struct session *s = reader_session(id);
    if (s == NULL || (s == by && (s->tracking->options & TRACKING_NOLOOP))) return;
    tracking_message_add(m, s);
}

static void table_tell(struct bytes name, const void *value, const struct session *by)
{
    struct reply keys = {0};
    reply_printf(&keys, "*1\r\n$%zu\r\n", name.len);
    reply_raw(&keys, name.ptr, name.len);
    reply_raw(&keys, "\r\n", 2);
    struct tracking_message m = tracking_message_of(bytes_make(keys.buf, keys.len));
    if (is_reader(value)) {
        reader_tell(&m, reader_id(value), by);
    } else {
        const struct readers *r = value;
        for (uint32_t i = 0; i < r->count; i++) reader_tell(&m, r->ids[i], by);
    }
    tracking_message_send(&m);
    reply_release(&keys);
}

static void table_forget(struct key key, void *value, const struct session *by)
{
    table_tell(key.name, value, by);
    table_items -= is_reader(value) ? 1 : ((struct readers *)value)->count;
    value_free(value);
    name_map_remove(&table, key);
}

static bool table_is_over(uint64_t max) { return max > 0 && name_map_count(&table) > max; }

static void table_give_up(uint64_t max, int keys)
{
    for (; keys > 0 && table_is_over(max); keys--) {
        struct key key;
        void *value = name_map_random(&table, dice(), &key);
        table_forget(key, value, NULL);
    }
}

void tracking_table_add(struct key key, uint64_t reader, uint64_t max)
{
    void *value = name_map_find(&table, key);
    if (value == NULL)
        name_map_add(&table, key, reader_make(reader));
    else if (!value_has(value, reader))
        value_add(key, value, reader);
    else
        return;
    table_items++;
    table_give_up(max, TABLE_GIVE_UP);
}

void tracking_table_touched(struct key key, const struct session *by)
{
    if (name_map_count(&table) == 0) return;
    void *value = name_map_find(&table, key);
    if (value != NULL) table_forget(key, value, by);
}

void tracking_table_clear(void)
{
    if (name_map_count(&table) == 0) return;
    struct cleared *c = heap_alloc(sizeof(*c));
    *c = (struct cleared){.next = table_cleared, .map = table};
    table_cleared = c;
    table = (struct name_map){0};
    table_items = 0;
}

static void cleared_step(void)
{
    struct cleared *c = table_cleared;
    if (c == NULL || name_map_close_step(&c->map, &c->index, value_free)) return;
    table_cleared = c->next;
    heap_free(c);
}

bool tracking_table_work(uint64_t max)
{
    table_give_up(max, TABLE_WORK_KEYS);
    cleared_step();
    return table_is_over(max) || table_cleared != NULL;
}

void tracking_table_close(void)
{
    tracking_table_clear();
    while (table_cleared != NULL) cleared_step();
    name_map_close(&table);
}

uint64_t tracking_table_count(void) { return name_map_count(&table); }

uint64_t tracking_table_items(void) { return table_items; }
