/*
 * The keyspace: numbered databases of keys, private to execute.
 *
 * An entry is one allocation that holds key and value. Any call that stores, edits, deletes or sets
 * a deadline may move or free entries: an entry pointer is good until the next such call, unless
 * that call returns the new one. Lookups never move anything but may delete the very key looked up,
 * when it has expired; then it counts as absent. While expired keys are kept, it only counts as
 * absent.
 *
 * Time is the cached wall clock that execute sets with keyspace_tick().
 */
#ifndef EXECUTE_KEYSPACE_H
#define EXECUTE_KEYSPACE_H

#include "execute/execute_private.h"

#include "base/bytes.h"
#include "execute/types/key.h"
#include "execute/types/value.h" /* what an entry is */
#include "mem/arena.h"

struct db;
struct block; /* mem/block.h */

/* ---- Life ---- */
/* Where all memory of execute comes from (types/heap.h); before keyspace_open(). Borrowed for life.
 */
void keyspace_use_arena(struct arena *a);
void keyspace_open(int databases);
void keyspace_close(void);
/* Sets the time by which keys expire, wall clock in ms. */
void keyspace_tick(int64_t now_ms);
int64_t keyspace_now_ms(void);
/* While on, nothing is due, whatever its deadline: what is run was run before, and says itself what
 * went in time. */
void keyspace_replay(bool on);
/* What has a deadline up to this is due: the time, or before all time in a replay. */
int64_t keyspace_due_ms(void);

/* NULL when the number is out of range. */
struct db *keyspace_db(int64_t number);
int keyspace_db_count(void);
int db_number(const struct db *db);
uint64_t db_size(const struct db *db); /* keys, the expired that nobody met yet included */
uint64_t db_deadline_count(const struct db *db); /* keys with a TTL */
int64_t db_average_ttl_ms(const struct db *db);  /* 0 without TTLs; an estimate by sampling */
uint64_t db_slot_count(const struct db *db);     /* room in the table, for DEBUG and MEMORY STATS */
size_t db_table_bytes(const struct db *db); /* memory of the table and of the index of deadlines */
/* For walks (types/table.h); it is the database's for good, but its content may be exchanged. */
struct table;
const struct table *db_table(const struct db *db);

/* ---- Lookup ---- */
enum lookup {
    LOOKUP_READ,  /* counts a hit or a miss, touches the LRU/LFU clock */
    LOOKUP_PEEK,  /* counts as well, but does not touch: asking about a key is not using it */
    LOOKUP_WRITE, /* touches, counts nothing; what is found may be edited */
    LOOKUP_EDIT,  /* counts, touches, and what is found may be edited */
    LOOKUP_QUIET, /* neither */
};
struct entry *keyspace_find(struct db *db, struct key key, enum lookup how);
/* Quietly, and one that is due is still there. */
struct entry *keyspace_find_due(struct db *db, struct key key);
/* While on, LOOKUP_READ and LOOKUP_WRITE do not touch the clocks (CLIENT NO-TOUCH). */
void keyspace_no_touch(bool on);
/* Two passes of a pipeline of lookups: first the table's cache line, later the entry's. Both only
 * hint. */
void keyspace_prefetch_slot(struct db *db, uint64_t hash);
void keyspace_prefetch_entry(struct db *db, uint64_t hash);
/* The entry that keyspace_prefetch_entry() asked for: that of a key with this hash, or rarely of
 * another one. NULL without. */
const struct entry *keyspace_peek(struct db *db, uint64_t hash);

/* ---- Clocks ---- */
/* lfu: clocks count frequency (a policy of maxmemory with lfu), with Redis's lfu-log-factor and
 * lfu-decay-time. */
void keyspace_set_lfu(bool lfu, int64_t log_factor, int64_t decay_minutes);

/* ---- Strings ---- */
#define DEADLINE_NONE (-1)
#define DEADLINE_KEEP (-2) /* keep the one that the key has, if any */
/*
 * Store a string, whatever was under the key before (recency starts anew, an LFU counter goes on).
 * `deadline_ms` is absolute, DEADLINE_NONE or DEADLINE_KEEP. keyspace_put_string keeps bytes that
 * read strictly as an integer as an integer. `value` may point into the entry being replaced.
 */
struct entry *keyspace_put_string(struct db *db, struct key key, struct bytes value,
                                  int64_t deadline_ms);
struct entry *keyspace_put_int(struct db *db, struct key key, int64_t value, int64_t deadline_ms);
/* The same for bytes that came in a block, which is taken: more than fit into an entry. */
struct entry *keyspace_put_block(struct db *db, struct key key, struct block *b,
                                 int64_t deadline_ms);
/*
 * Makes the string under the key `len` bytes long and editable (encoding raw from now), growth
 * filled with zeros and with room ahead for more, and gives its bytes. *e is the entry from a
 * lookup just before, or NULL: then the key is made; it is set to the entry as it stands after. The
 * TTL stays.
 */
char *keyspace_edit_string(struct db *db, struct key key, struct entry **e, size_t len);

/* ---- Values of other types (types/type.h) ---- */
/* A key that is not there (a lookup just before said so) gets an empty value of this type, which is
 * to be filled before the command ends. */
struct entry *keyspace_make(struct db *db, struct key key, enum value_type type);
/* Takes a loose entry that is named as the key, over whatever is under it. */
void keyspace_put_entry(struct db *db, struct key key, struct entry *e);
/* Puts the value into the entry (entry_pack()), or gives it an allocation of its own again; the
 * entry as it stands after. */
struct entry *keyspace_pack(struct db *db, struct key key, struct entry *e, size_t len);
struct entry *keyspace_unpack(struct db *db, struct key key, struct entry *e);
/* For loading: takes a loose entry that is named as the key, unless something is under the key
 * already, due or not: then it gives false. Nobody is told. */
bool keyspace_load(struct db *db, struct key key, struct entry *e);
/* So many keys are about to come into the database, if it is empty. */
void keyspace_expect(struct db *db, uint64_t count);
/*
 * Deadlines of elements (the fields of a hash): the index of the database's deadlines knows a key
 * by what comes first, its own deadline or one of its elements. So whoever edits such a value asks
 * table_due_of() (types/table.h) before, and hands it in here after all edits.
 */
struct table_due;
void keyspace_elements_due(struct db *db, struct key key, struct entry *e, struct table_due had);
/* Before an edit: deletes elements that are due, up to a bound. Gives the entry, or NULL when
 * nothing was left and the key was deleted. While expired keys are kept, so are they. */
struct entry *keyspace_expire_elements(struct db *db, struct key key, struct entry *e);
/* The same for those elements that are due and bear one of these names. */
struct entry *keyspace_expire_named(struct db *db, struct key key, struct entry *e,
                                    const struct bytes *names, uint32_t count);
/*
 * For those who wait for keys: while a database has keys that are waited for, `fn` is called when a
 * value of another type than string comes under a key (its elements may follow after the call),
 * when a key goes, and with a NULL key when the whole database was flushed or swapped. It must not
 * touch the keyspace. keyspace_wait(db, 1) is one key more that is waited for, -1 one less.
 */
void keyspace_on_waited(void (*fn)(struct db *db, const struct key *key));
void keyspace_wait(struct db *db, int64_t change);
bool keyspace_is_waited(const struct db *db);

/*
 * `fn` is called for what the keyspace does by itself, and for what it alone sees: the name is good
 * until it returns, and it must not touch the keyspace. The last two are told if asked for.
 */
enum keyspace_event {
    KEYSPACE_EXPIRED,          /* the key was deleted because it was due */
    KEYSPACE_EVICTED,          /* for want of memory */
    KEYSPACE_ELEMENTS_EXPIRED, /* elements of its value were deleted because they were due */
    KEYSPACE_EMPTIED,          /* then with the last of them the key */
    KEYSPACE_MADE,             /* a key is there that was not */
    KEYSPACE_MISSED,           /* a lookup that counts found nothing */
};
void keyspace_on_event(void (*fn)(struct db *db, struct key key, enum keyspace_event what));
void keyspace_tell(bool made, bool missed);
/* The same for each element that is deleted because it is due, before it is. NULL: nobody asks. */
void keyspace_on_element(void (*fn)(struct db *db, struct key key, struct bytes name));

/* ---- Keys ---- */
/* True when the key is there, expired or not; and when it is there and has expired. Nothing is
 * deleted. */
bool keyspace_has(const struct db *db, struct key key);
bool keyspace_is_expired(const struct db *db, struct key key);
bool keyspace_delete(struct db *db, struct key key); /* true when it was there and alive */
/* at_ms absolute or DEADLINE_NONE. Gives the entry as it stands after. A past deadline is stored as
 * it is: the caller decides to delete. */
struct entry *keyspace_set_deadline(struct db *db, struct entry *e, int64_t at_ms);
/* Moves the value with its deadline and clocks to another name and/or database, over whatever is
 * there. `from` is alive. */
void keyspace_move(struct db *from_db, struct entry *from, struct db *to_db, struct key to);
/* Copies it, deadline too. */
void keyspace_copy(struct db *from_db, struct entry *from, struct db *to_db, struct key to);
/* A key alive, at random; NULL when there is none. Expired ones that it draws are deleted; while
 * they are kept, it gives up after a number of draws. */
struct entry *keyspace_random(struct db *db);

/* ---- Whole databases ---- */
/* Removes all keys of one database, or of all when db is NULL; gives how many there were. `later`:
 * the memory is freed in steps by keyspace_work(). */
uint64_t keyspace_flush(struct db *db, bool later);
void keyspace_swap(struct db *a, struct db *b);

/* ---- Walks ---- */
/*
 * One step of SCAN: shows `visit` at least the entries that `count` asks for, unless the table
 * ends, and gives the next cursor; 0 when done. An entry that is there from the first call to the
 * last is shown at least once. `visit` must not change the keyspace. Expired ones are counted but
 * not shown. Any number is taken as a cursor.
 */
uint64_t keyspace_scan(struct db *db, uint64_t cursor, uint64_t count,
                       void (*visit)(void *ctx, struct entry *e), void *ctx);
/* The same, and the expired ones that the step came across are deleted at its end; the entries that
 * were shown stay where they are. */
uint64_t keyspace_scan_expire(struct db *db, uint64_t cursor, uint64_t count,
                              void (*visit)(void *ctx, struct entry *e), void *ctx);

/* ---- Snapshots (core/snapshot.h) ---- */
/*
 * Whoever wants to know what the databases were at an instant begins an epoch (types/entry.h),
 * which makes all entries old, and sets a gate. Whatever becomes of an old entry, the gate hears of
 * it first; then it is young. What is stored anew is young from the start. Without a gate, old
 * entries become young by the way.
 */
struct keyspace_gate {
    /* It is about to change, or to be moved to another name or database. */
    void (*change)(struct db *db, struct entry *e);
    /* It has left its table and would be freed. True: it is the gate's from now on. */
    bool (*gone)(struct db *db, struct entry *e);
    /* Elements of its value are due. False: it must not change now; they stay for a while. */
    bool (*may_expire)(struct db *db, struct entry *e);
    /* All of a database went to a table of its own. True: it is kept until keyspace_let_go(). */
    bool (*flushed)(struct db *db, const struct table *was);
    void (*swapped)(struct db *a, struct db *b);
};
/* NULL: none. Borrowed. */
void keyspace_set_gate(const struct keyspace_gate *gate);
/* The entries of a table that was kept are freed in steps. */
void keyspace_let_go(const struct table *was);

/* ---- Time and steps ---- */
/* Deletes what is due, at most `max` keys and elements and about `budget_us`; gives how many. */
uint64_t keyspace_expire_due(uint64_t max, uint64_t budget_us);
/* When the next key or element is due: absolute ms, or -1. */
int64_t keyspace_next_due_ms(void);
/* A slice of other work: freeing what was flushed. True while more is left. */
bool keyspace_work(uint64_t budget_us);
/* Active expiry on or off (DEBUG SET-ACTIVE-EXPIRE). */
void keyspace_set_active_expiry(bool on);
/* While on, lookups, walks and draws leave expired keys where they are (CLIENT PAUSE); what is
 * stored under such a key still replaces it. */
void keyspace_keep_expired(bool on);

/* ---- Eviction ---- */
enum evict_order { EVICT_LRU, EVICT_LFU, EVICT_RANDOM, EVICT_TTL };
struct evict_rule {
    enum evict_order order;
    bool only_volatile; /* only keys with a deadline go; EVICT_TTL: always so */
    int64_t samples;    /* maxmemory-samples: how carefully a key is chosen */
};
/* Deletes one key; false when there is none that may go. A large value is freed in steps. */
bool keyspace_evict(const struct evict_rule *rule);

/* ---- For tests and DEBUG ---- */
/* Stops the process when an invariant of the database's table is broken. Slow: reads everything. */
void keyspace_check(const struct db *db);

/* ---- Counters, written here, read and reset by core ---- */
struct keyspace_stats {
    uint64_t hits, misses;
    uint64_t expired;          /* keys deleted because due */
    uint64_t expired_lazily;   /* of them met by a lookup */
    uint64_t evicted;          /* keys that went for want of memory */
    uint64_t expired_elements; /* fields of hashes deleted because due */
    uint64_t pending_free;     /* keys of flushed databases that wait to be freed in steps */
    uint64_t freed_later;      /* of them freed so far */
    uint64_t
        expire_lag_us[4]; /* of actively expired keys: p50, p99, p99.9, max of how late they went */
};
struct keyspace_stats *keyspace_stats(void);
void keyspace_reset_stats(void);
/* All that waits to be freed in steps, large values included, and what was freed so. */
uint64_t keyspace_pending_free(void);
uint64_t keyspace_freed_later(void);

#endif
