/*
 * INFO keysizes: how long values are, by database and type: of strings the bytes, of others the
 * elements, counted in powers of two.
 *
 * Nothing is counted while keys change, so that it costs them nothing: whoever asks starts a walk
 * over all keys. It runs for a few milliseconds at once, which is enough for small databases; what
 * is left is done in slices of execute's time, and until then the figures of the last whole walk
 * are shown. A long walk is not begun anew before ten times as long has passed as it took. A key
 * that is there all the time is counted at least once.
 */
#include "execute/commands/info.h"

#include "base/clock.h"
#include "execute/types/heap.h"
#include "execute/types/type.h"

#include <inttypes.h>

enum {
    SIZE_CLASSES = 65,   /* 0, 1, 2 to 3, 4 to 7, ... */
    WALK_STEP = 64,      /* keys between two looks at the time */
    WALK_AT_ONCE = 3000, /* us */
};

struct size_counts {
    struct size_counts *next; /* of a database with a higher number */
    int db;
    uint64_t of[TYPE_COUNT][SIZE_CLASSES];
};

static struct {
    struct size_counts *shown, *walked;
    struct size_counts **last; /* where the next database's counts are hung in */
    bool is_walking;
    int db;
    uint64_t cursor;
    /* Monotonic: when the walk began, and when that ended whose counts are shown; 0: never. */
    uint64_t began_ms, shown_ms;
    uint64_t took_ms; /* the latter, beyond what one command does */
} sizes;

static void sizes_free(struct size_counts *c)
{
    while (c != NULL) {
        struct size_counts *next = c->next;
        heap_free(c);
        c = next;
    }
}

void keysizes_close(void)
{
    sizes_free(sizes.shown);
    sizes_free(sizes.walked);
    memset(&sizes, 0, sizeof(sizes));
}

static unsigned size_class(uint64_t size)
{
    return size == 0 ? 0 : 64 - (unsigned)__builtin_clzll(size);
}

static void sizes_count(void *ctx, struct entry *e)
{
    struct size_counts *c = ctx;
    enum value_type type = entry_type(e);
    uint64_t size = type == TYPE_STRING ? string_len(e) : type_count(e);
    c->of[type][size_class(size)]++;
}

static void sizes_begin(void)
{
    sizes.began_ms = clock_mono_ms();
    sizes.is_walking = true;
    sizes.db = 0;
    sizes.cursor = 0;
    sizes.last = &sizes.walked;
}

static void sizes_end(void)
{
    sizes_free(sizes.shown);
    sizes.shown = sizes.walked;
    sizes.walked = NULL;
    sizes.is_walking = false;
    sizes.shown_ms = clock_mono_ms();
    sizes.took_ms = sizes.shown_ms - sizes.began_ms;
    if (sizes.took_ms <= WALK_AT_ONCE / 1000 + 1) sizes.took_ms = 0;
}

/* Some keys of the database where the walk is; then it is in the next. */
static void sizes_step(struct db *db)
{
    if (sizes.cursor == 0 && db_size(db) > 0) {
        *sizes.last = heap_zalloc(sizeof(struct size_counts));
        (*sizes.last)->db = sizes.db;
    }
    if (*sizes.last != NULL)
        sizes.cursor = keyspace_scan(db, sizes.cursor, WALK_STEP, sizes_count, *sizes.last);
    if (sizes.cursor != 0) return;
    if (*sizes.last != NULL) sizes.last = &(*sizes.last)->next;
    sizes.db++;
}

bool keysizes_work(uint64_t budget_us)
{
    if (likely(!sizes.is_walking)) return false;
    uint64_t until_us = clock_mono_us() + budget_us;
    while (sizes.db < keyspace_db_count()) {
        sizes_step(keyspace_db(sizes.db));
        if (sizes.cursor != 0 && clock_mono_us() >= until_us) return true;
    }
    sizes_end();
    return false;
}

/* "0", "1", ..., "512", "1K", ..., "1M": the least of the class. */
static void sizes_show_class(struct reply *r, unsigned bin)
{
    static const char units[] = " KMGTPE";
    uint64_t least = bin == 0 ? 0 : UINT64_C(1) << (bin - 1);
    unsigned unit = 0;
    for (; least >= 1024; least /= 1024) unit++;
    reply_printf(r, "%" PRIu64, least);
    if (unit > 0) reply_raw(r, &units[unit], 1);
}

static void sizes_show_type(struct info *info, const struct size_counts *c, enum value_type type)
{
    static const char *const names[TYPE_COUNT] = {
        [TYPE_STRING] = "strings_sizes", [TYPE_LIST] = "lists_items",
        [TYPE_SET] = "sets_items",       [TYPE_ZSET] = "zsets_items",
        [TYPE_HASH] = "hashes_items",    [TYPE_STREAM] = "streams_items",
    };
    bool any = false;
    for (unsigned bin = 0; bin < SIZE_CLASSES; bin++) {
        if (c->of[type][bin] == 0) continue;
        if (any)
            reply_raw(&info->text, ",", 1);
        else
            reply_printf(&info->text, "db%d_distrib_%s:", c->db, names[type]);
        any = true;
        sizes_show_class(&info->text, bin);
        reply_printf(&info->text, "=%" PRIu64, c->of[type][bin]);
    }
    if (any) info_line(info, "");
}

void info_show_keysizes(struct info *info)
{
    uint64_t rest_until_ms = sizes.shown_ms + 10 * sizes.took_ms;
    if (!sizes.is_walking && clock_mono_ms() >= rest_until_ms) sizes_begin();
    bool more = keysizes_work(WALK_AT_ONCE);
    info_int(info, "keysizes_walking", more);
    info_int(info, "keysizes_age_seconds",
             sizes.shown_ms == 0 ? -1 : (int64_t)((clock_mono_ms() - sizes.shown_ms) / 1000));
    for (const struct size_counts *c = sizes.shown; c != NULL; c = c->next)
        for (int type = 0; type < TYPE_COUNT; type++)
            sizes_show_type(info, c, (enum value_type)type);
}
