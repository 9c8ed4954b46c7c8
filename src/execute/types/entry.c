/*
 * Entries: making, reshaping, freeing, and their clocks.
 *
 * LRU clocks count seconds modulo 2^24 (194 days). LFU clocks hold the minute of the last decay
 * modulo 2^16 and a logarithmic counter: a touch raises it with probability 1 / ((counter -
 * LFU_START) * log_factor + 1), each decay period without one lowers it by one.
 */
#include "execute/types/entry.h"

#include "base/random.h"
#include "execute/types/grave.h"
#include "execute/types/heap.h"
#include "execute/types/type.h"

#define CLOCK_MASK 0xffffffu
#define LFU_START 5
/* A slot of the table at its usual load. */
#define ENTRY_INDEX_SHARE 10

static struct {
    bool lfu;
    uint32_t seconds; /* 24 bits */
    uint32_t minutes; /* 16 bits */
    int64_t log_factor, decay_minutes;
    bool seeded;
    struct random random;
} entry_clock = {.log_factor = 10, .decay_minutes = 1};

uint8_t entry_epoch;

struct entry *entry_make(struct bytes name, uint8_t kind, unsigned flags, size_t inline_len)
{
    dcheck(inline_len <= UINT16_MAX);
    if (name.len > UINT8_MAX) flags |= ENTRY_LONG_KEY;
    flags = (flags & ~(unsigned)ENTRY_EPOCH) | entry_epoch;
    struct entry *e = heap_alloc(entry_size_of(flags, name.len, inline_len));
    e->kind = kind;
    e->flags = (uint8_t)flags;
    e->value_len = (uint16_t)inline_len;
    e->key_len = flags & ENTRY_LONG_KEY ? 0 : (uint8_t)name.len;
    if (flags & ENTRY_LONG_KEY) e->words[entry_words(flags) - 1] = (int64_t)name.len;
    if (name.len > 0) memcpy(entry_name_at(e), name.ptr, name.len);
    entry_clock_start(e);
    return e;
}

void entry_free(struct entry *e)
{
    if (e->flags & ENTRY_BLOCK) block_drop(entry_block(e));
    if (entry_has_root(e)) grave_take(e->kind, entry_root(e));
    heap_free(e);
}

struct entry *entry_reshape(struct entry *e, unsigned flags, size_t inline_len, size_t keep)
{
    dcheck(inline_len <= UINT16_MAX && keep <= inline_len && keep <= e->value_len);
    const unsigned stay = ENTRY_LONG_KEY | ENTRY_EPOCH;
    flags = (flags & ~stay) | (e->flags & stay);
    size_t name_len = entry_name_len(e);
    size_t have = entry_size(e), want = entry_size_of(flags, name_len, inline_len);
    bool in_place =
        have == want || (arena_rounded(have) == arena_rounded(want) && arena_usable(e) >= want);
    if (in_place && flags == e->flags) {
        e->value_len = (uint16_t)inline_len;
        return e;
    }
    int64_t deadline = entry_deadline_of(e);
    int64_t word = e->flags & ENTRY_WORD ? *entry_word_at(e) : 0;
    struct entry *to = in_place ? e : heap_alloc(want);
    memmove(&to->words[entry_words(flags)], entry_name_at(e), name_len + keep);
    memmove(to, e, sizeof(*to));
    to->flags = (uint8_t)flags;
    to->value_len = (uint16_t)inline_len;
    if (flags & ENTRY_DEADLINE) to->words[0] = deadline;
    if (flags & ENTRY_WORD) *entry_word_at(to) = word;
    if (flags & ENTRY_LONG_KEY) to->words[entry_words(flags) - 1] = (int64_t)name_len;
    if (!in_place) heap_free(e);
    return to;
}

struct entry *entry_renamed(const struct entry *from, struct bytes name)
{
    unsigned flags = from->flags & ~(unsigned)ENTRY_LONG_KEY;
    struct entry *e = entry_make(name, from->kind, flags, from->value_len);
    if (flags & ENTRY_DEADLINE) e->words[0] = from->words[0];
    if (flags & ENTRY_WORD) *entry_word_at(e) = from->words[from->flags & ENTRY_DEADLINE];
    memcpy(entry_inline_at(e), entry_inline_at(from), from->value_len);
    e->clock = from->clock;
    return e;
}

void entry_own_value(struct entry *e)
{
    if (e->flags & ENTRY_BLOCK) {
        const struct block *old = entry_block(e);
        struct block *b = block_make(old->len, old->len);
        memcpy(b->bytes, old->bytes, old->len);
        entry_set_block(e, b);
    }
    if (entry_has_root(e)) entry_set_root(e, entry_encoding(e), type_of(e)->copy(e));
}

struct entry *entry_pack(struct entry *e, size_t len)
{
    dcheck(entry_has_root(e));
    void *root = entry_root(e);
    e = entry_reshape(e, e->flags & ~(unsigned)ENTRY_WORD, len, 0);
    memcpy(entry_inline_at(e), root, len);
    heap_free(root);
    return e;
}

struct entry *entry_unpack(struct entry *e)
{
    dcheck((e->flags & ENTRY_ROOT) && !entry_has_root(e));
    void *root = heap_alloc(e->value_len);
    memcpy(root, entry_inline_at(e), e->value_len);
    e = entry_reshape(e, e->flags | ENTRY_WORD, 0, 0);
    entry_set_root(e, entry_encoding(e), root);
    return e;
}

struct entry *entry_with_deadline(struct entry *e, int64_t at_ms)
{
    unsigned flags = e->flags & ~(unsigned)ENTRY_DEADLINE;
    if (at_ms != ENTRY_NO_DEADLINE) flags |= ENTRY_DEADLINE;
    e = entry_reshape(e, flags, e->value_len, e->value_len);
    if (at_ms != ENTRY_NO_DEADLINE) e->words[0] = at_ms;
    return e;
}

int64_t entry_due_within(const struct entry *e)
{
    int64_t own = entry_deadline_of(e), due = type_of(e)->due(e);
    return own == ENTRY_NO_DEADLINE || due < own ? due : own;
}

enum value_type entry_type(const struct entry *e) { return (enum value_type)(e->kind >> 4); }

const char *entry_type_name(const struct entry *e)
{
    static const char *const names[] = {"string", "list", "set", "zset", "hash", "stream"};
    return names[entry_type(e)];
}

enum value_encoding entry_encoding(const struct entry *e)
{
    return (enum value_encoding)(e->kind & 15);
}

const char *entry_encoding_name(const struct entry *e)
{
    static const char *const names[] = {
        [ENC_INT] = "int",
        [ENC_EMBSTR] = "embstr",
        [ENC_RAW] = "raw",
        [ENC_LISTPACK] = "listpack",
        [ENC_LISTPACK_EX] = "listpackex",
        [ENC_INTSET] = "intset",
        [ENC_QUICKLIST] = "quicklist",
        [ENC_HASHTABLE] = "hashtable",
        [ENC_SKIPLIST] = "skiplist",
        [ENC_STREAM] = "stream",
    };
    return names[entry_encoding(e)];
}

struct bytes entry_name(const struct entry *e)
{
    return bytes_make(entry_name_at(e), entry_name_len(e));
}

int64_t entry_deadline(const struct entry *e) { return entry_deadline_of(e); }

size_t entry_memory(const struct entry *e, uint64_t samples)
{
    size_t sum = arena_usable(e) + ENTRY_INDEX_SHARE;
    if (e->flags & ENTRY_DEADLINE) sum += ENTRY_INDEX_SHARE;
    if (e->flags & ENTRY_BLOCK) sum += arena_usable(entry_block(e));
    if (entry_has_root(e)) sum += type_of(e)->bytes(e, samples);
    return sum;
}

void entry_clock_tick(int64_t now_ms)
{
    entry_clock.seconds = (uint32_t)(now_ms / 1000) & CLOCK_MASK;
    entry_clock.minutes = (uint32_t)(now_ms / 60000) & 0xffff;
}

void entry_clock_policy(bool lfu, int64_t log_factor, int64_t decay_minutes)
{
    entry_clock.lfu = lfu;
    entry_clock.log_factor = log_factor;
    entry_clock.decay_minutes = decay_minutes;
}

void entry_clock_start(struct entry *e)
{
    if (unlikely(entry_clock.lfu))
        entry_set_lfu(e, LFU_START);
    else
        e->clock = entry_clock.seconds & CLOCK_MASK;
}

static uint8_t entry_lfu_raise(uint8_t counter)
{
    if (counter == UINT8_MAX) return counter;
    if (!entry_clock.seeded) {
        uint64_t seed;
        random_secret(&seed, sizeof(seed));
        random_seed(&entry_clock.random, seed);
        entry_clock.seeded = true;
    }
    uint64_t above = counter > LFU_START ? counter - LFU_START : 0;
    uint64_t odds = above * (uint64_t)entry_clock.log_factor + 1;
    return (uint8_t)(counter + (random_below(&entry_clock.random, odds) == 0));
}

void entry_touch(struct entry *e)
{
    if (unlikely(entry_clock.lfu))
        entry_set_lfu(e, entry_lfu_raise(entry_lfu(e)));
    else if (e->clock != entry_clock.seconds)
        e->clock = entry_clock.seconds & CLOCK_MASK;
}

int64_t entry_idle_ms(const struct entry *e)
{
    if (entry_clock.lfu) return 0;
    return (int64_t)((entry_clock.seconds - e->clock) & CLOCK_MASK) * 1000;
}

void entry_set_idle_ms(struct entry *e, int64_t idle_ms)
{
    if (entry_clock.lfu) return;
    int64_t seconds = idle_ms < 0 ? 0 : idle_ms / 1000;
    if (seconds > CLOCK_MASK) seconds = CLOCK_MASK;
    e->clock = (entry_clock.seconds - (uint32_t)seconds) & CLOCK_MASK;
}

uint8_t entry_lfu(const struct entry *e)
{
    uint32_t counter = e->clock & 0xff;
    if (entry_clock.decay_minutes <= 0) return (uint8_t)counter;
    int64_t passed = (entry_clock.minutes - (e->clock >> 8)) & 0xffff;
    int64_t lost = passed / entry_clock.decay_minutes;
    return (uint8_t)(lost >= counter ? 0 : counter - (uint32_t)lost);
}

void entry_set_lfu(struct entry *e, uint8_t counter)
{
    e->clock = (entry_clock.minutes << 8 | counter) & CLOCK_MASK;
}
