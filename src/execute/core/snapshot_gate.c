/*
 * The write gate: what becomes of entries that the snapshot does not have yet.
 *
 * Small ones are written at once. Of a large one a writer waits, one that was blocked and is woken
 * too; who changes it without having waited (keys that a script did not declare) has it written on
 * the spot. A large one that goes stays aside, and so does a long string that changes: its block is
 * shared. So it is while persist compresses it.
 */
#include "execute/core/snapshot_private.h"

#include "execute/core/blocking.h"
#include "execute/core/key_uses.h"
#include "execute/core/multi.h"
#include "execute/core/pause.h"
#include "execute/core/run.h"
#include "execute/core/session.h"
#include "execute/types/heap.h"
#include "execute/types/table.h"

#include "codec/number.h"

enum { LARGE_SENT_MAX = 16 << 20 }; /* bytes: persist compresses for some tenths of a second */

/* ---- Large values in line ---- */

static struct snapshot_large *large_make(struct snapshot_part *part, struct bytes name)
{
    struct snapshot_large *l = heap_alloc(sizeof(*l) + name.len);
    *l = (struct snapshot_large){.part = part, .name_len = name.len};
    if (name.len > 0) memcpy(l->name, name.ptr, name.len);
    return l;
}

static void large_append(struct snapshot_large *l)
{
    if (snapshot.last == NULL)
        snapshot.first = l;
    else
        snapshot.last->next = l;
    snapshot.last = l;
}

void snapshot_queue_large(struct snapshot_part *part, const struct entry *e, bool first)
{
    struct snapshot_large *l = large_make(part, entry_name(e));
    if (!first || snapshot.first == NULL) {
        large_append(l);
        return;
    }
    l->next = snapshot.first;
    snapshot.first = l;
}

/* What is kept is not measured in full: it is there already, and would only have gone. */
static size_t large_memory(const struct entry *e)
{
    enum { SAMPLES = 16 };
    return entry_memory(e, SAMPLES);
}

void snapshot_queue_owned(struct snapshot_part *part, struct entry *e)
{
    struct snapshot_large *l = large_make(part, bytes_make("", 0));
    l->e = e;
    l->kept = large_memory(e);
    snapshot.kept += l->kept;
    snapshot_note_extra();
    large_append(l);
}

/* The entry of one that was found in a table: it may have been written since, or have gone. */
static struct entry *large_find(const struct snapshot_large *l)
{
    if (l->e != NULL) return l->e;
    const uint64_t *slot = table_find(l->part->table, key_make(bytes_make(l->name, l->name_len)));
    struct entry *e = slot == NULL ? NULL : segment_entry(*slot);
    return e != NULL && entry_is_old(e) ? e : NULL;
}

/* The same string in an entry of its own: whoever edits the first has a copy of the block then. */
static struct entry *large_share_string(const struct entry *e)
{
    snapshot_check_value(e);
    struct entry *copy = entry_renamed(e, entry_name(e));
    block_share(entry_block(copy));
    return copy;
}

/* Is it left to persist to compress it? Not what would keep that from the rest for long. */
static bool large_is_sent(const struct entry *e)
{
    return snapshot.main.out.compress && snapshot.form->string_head != NULL &&
           (e->flags & ENTRY_BLOCK) && entry_block(e)->len <= LARGE_SENT_MAX;
}

static void large_send(struct snapshot_large *l, struct entry *e)
{
    if (l->e == NULL) snapshot_check_value(e);
    snapshot_select(&snapshot.main, l->part->number);
    snapshot.form->string_head(&snapshot.main.out, e);
    snapshot_stream_string(&snapshot.main, block_share(entry_block(e)));
    snapshot.figures.keys_done++;
    snapshot.kept -= l->kept;
    if (l->e == NULL)
        entry_make_young(e);
    else
        entry_free(e);
}

static void large_begin(struct snapshot_large *l, struct entry *e)
{
    if (large_is_sent(e)) {
        large_send(l, e);
        return;
    }
    bool is_shared = l->e == NULL && (e->flags & ENTRY_BLOCK);
    snapshot.large_is_owned = l->e != NULL || is_shared;
    snapshot.large_kept = l->kept;
    if (l->e == NULL && !is_shared) snapshot_check_value(e);
    snapshot.large = (struct snapshot_cursor){.e = is_shared ? large_share_string(e) : e};
    if (is_shared) entry_make_young(e);
    snapshot_select(&snapshot.main, l->part->number);
    snapshot.form->large_begin(&snapshot.main.out, &snapshot.large);
}

bool snapshot_next_large(void)
{
    while (snapshot.first != NULL) {
        struct snapshot_large *l = snapshot.first;
        struct entry *e = large_find(l);
        snapshot.first = l->next;
        if (snapshot.first == NULL) snapshot.last = NULL;
        if (e != NULL) large_begin(l, e);
        heap_free(l);
        if (e != NULL) return true;
    }
    return false;
}

void snapshot_drop_large(void)
{
    if (snapshot.large_is_owned && snapshot.large.e != NULL)
        entry_free((struct entry *)(uintptr_t)snapshot.large.e);
    snapshot.large.e = NULL;
    snapshot.large_is_owned = false;
    while (snapshot.first != NULL) {
        struct snapshot_large *l = snapshot.first;
        snapshot.first = l->next;
        if (l->e != NULL) entry_free(l->e);
        heap_free(l);
    }
    snapshot.last = NULL;
    snapshot.kept = 0;
    for (int i = 0; i < snapshot.part_count; i++) snapshot.parts[i].kept = 0;
}

/* ---- The gate ---- */

/* A long string needs not be written at once. */
static bool gate_keeps_string(struct snapshot_part *part, const struct entry *e)
{
    if (!(e->flags & ENTRY_BLOCK) || !dump_is_large(e)) return false;
    snapshot_queue_owned(part, large_share_string(e));
    return true;
}

static void gate_change(struct db *db, struct entry *e)
{
    struct snapshot_part *part = snapshot_part_of(db);
    if (snapshot.phase != SNAPSHOT_WALKS || part == NULL) return;
    snapshot.figures.gate_saves++;
    if (e == snapshot.large.e)
        snapshot_finish_large();
    else if (!gate_keeps_string(part, e))
        snapshot_put(part, e);
}

static bool gate_gone(struct db *db, struct entry *e)
{
    struct snapshot_part *part = snapshot_part_of(db);
    if (snapshot.phase != SNAPSHOT_WALKS || part == NULL) return false;
    snapshot.figures.gate_saves++;
    if (e == snapshot.large.e) {
        snapshot.large_is_owned = true;
        snapshot.large_kept = large_memory(e);
        snapshot.kept += snapshot.large_kept;
        snapshot_note_extra();
        return true;
    }
    if (dump_is_large(e)) {
        snapshot_check_value(e);
        snapshot_queue_owned(part, e);
        return true;
    }
    snapshot_put(part, e);
    return false;
}

static bool gate_may_expire(struct db *db, struct entry *e)
{
    struct snapshot_part *part = snapshot_part_of(db);
    if (snapshot.phase != SNAPSHOT_WALKS || part == NULL) return true;
    if (!dump_is_large(e)) return true;
    if (e != snapshot.large.e) snapshot_queue_large(part, e, true);
    return false;
}

/* Some entries are measured, and the others reckoned by them. */
static size_t table_memory(const struct table *t)
{
    enum { SAMPLES = 64 };
    uint64_t index = 0, seen = 0;
    size_t sum = 0;
    for (struct segment *s; seen < SAMPLES && (s = table_next_segment(t, &index)) != NULL;) {
        for (uint32_t i = 0; i < s->room && seen < SAMPLES; i++) {
            if (s->slots[i] == 0) continue;
            sum += large_memory(segment_entry(s->slots[i]));
            seen++;
        }
    }
    return table_bytes(t) + (seen == 0 ? 0 : sum / seen * t->count);
}

void snapshot_let_go(struct snapshot_part *part)
{
    if (part->db != NULL || part->table == NULL) return;
    keyspace_let_go(part->table);
    part->table = NULL;
    snapshot.kept -= part->kept;
}

static bool gate_flushed(struct db *db, const struct table *was)
{
    struct snapshot_part *part = snapshot_part_of(db);
    if (part == NULL) return false;
    part->db = NULL;
    part->table = was;
    if (snapshot.phase != SNAPSHOT_WALKS || part->is_walked) {
        part->table = NULL;
        return false;
    }
    part->kept = table_memory(was);
    snapshot.kept += part->kept;
    snapshot_note_extra();
    return true;
}

static void gate_swapped(struct db *a, struct db *b)
{
    struct snapshot_part *of_a = snapshot_part_of(a), *of_b = snapshot_part_of(b);
    if (of_a != NULL) {
        of_a->db = b;
        of_a->table = db_table(b);
    }
    if (of_b != NULL) {
        of_b->db = a;
        of_b->table = db_table(a);
    }
}

const struct keyspace_gate snapshot_gate = {
    .change = gate_change,
    .gone = gate_gone,
    .may_expire = gate_may_expire,
    .flushed = gate_flushed,
    .swapped = gate_swapped,
};

/* ---- Writers ---- */

/* A long string never waits: it is shared. */
static bool key_must_wait(struct db *db, struct bytes name)
{
    const struct entry *e = keyspace_find_due(db, key_make(name));
    struct snapshot_part *part;
    if (e == NULL || !entry_is_old(e) || (part = snapshot_part_of(db)) == NULL) return false;
    bool large = entry_type(e) != TYPE_STRING && dump_is_large(e);
    if (large && e != snapshot.large.e) snapshot_queue_large(part, e, true);
    return large || snapshot_lags();
}

static bool command_must_wait(struct db *db, const struct command *cmd)
{
    struct key_uses keys;
    bool waits = false;
    if (cmd->flaw != FLAW_NONE || cmd->spec->key_count == 0) return false;
    key_uses_find(&keys, command_keys_found, cmd->spec, cmd->args, cmd->nargs);
    for (int64_t i = 0; i < keys.count && !waits; i++)
        if (!(keys.at[i].flags & KEY_NOT_KEY))
            waits = key_must_wait(db, cmd->args[keys.at[i].index]);
    key_uses_free(&keys);
    return waits;
}

/* All that EXEC will run, each in the database that is selected then. */
static bool multi_must_wait(const struct session *s)
{
    struct db *db = s->db;
    for (const struct held_command *h = s->multi->first; h != NULL; h = h->next) {
        const struct command *cmd = &h->command;
        int64_t number;
        if (cmd->spec->id == CMD_SELECT && number_int(cmd->args[1], &number) &&
            keyspace_db(number) != NULL)
            db = keyspace_db(number);
        if ((cmd->spec->flags & (CF_WRITE | CF_MAY_REPLICATE)) && command_must_wait(db, cmd))
            return true;
    }
    return false;
}

bool snapshot_must_wait(const struct call *c)
{
    const struct command cmd = {.spec = c->spec, .args = c->args, .nargs = c->nargs};
    bool runs_queue = c->spec->id == CMD_EXEC && c->session->multi != NULL;
    if (snapshot.phase != SNAPSHOT_WALKS) return false;
    bool waits = runs_queue ? multi_must_wait(c->session) : command_must_wait(c->db, &cmd);
    snapshot.figures.held_commands += waits;
    snapshot.holds_writers |= waits;
    return waits;
}

void snapshot_ease(void)
{
    snapshot.holds_writers = false;
    pause_end_of_snapshot();
    blocking_wake_held();
}
