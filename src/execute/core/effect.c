/*
 * Effects are written once, behind those that wait to be handed over. A unit that ends with more
 * than one of them is moved by the length of MULTI, and gets its EXEC.
 *
 * Invariants: the buffer begins with effect_whole bytes of whole units; effect_open bytes of the
 * unit that is being told follow. `effect_left` arguments of the effect being written are still to
 * come; it is 0 whenever a command ends.
 */
#include "execute/core/effect.h"

#include "base/must.h"
#include "codec/number.h"
#include "execute/core/orders.h"
#include "execute/types/heap.h"

#include <string.h>

enum {
    EFFECT_BUFFER_LEN = 65536,
    /* Few bytes are handed over in a copy of their size: the buffer stays, warm, and what waits for
     * a slow disk takes no more memory than it must. */
    EFFECT_COPY_MAX = EFFECT_BUFFER_LEN / 4,
    EFFECT_HEAD_MAX = NUMBER_INT_CHARS + 3,
    EFFECT_AROUND_MAX = EFFECT_HEAD_MAX + 2, /* of an argument, beside its own bytes */
};

bool effect_heard, effect_in_unit;
size_t effect_open;
static bool effect_muted;
static char *effect_buf;
static size_t effect_whole, effect_cap;
static int64_t effect_wall_ms; /* when the first of the whole units was committed */
static uint32_t effect_count;  /* effects of the open unit */
static bool effect_is_told;    /* a command told one of them */
static uint32_t effect_left;
static bool effect_drops;     /* what is being written goes nowhere */
static int effect_db = -1;    /* what the stream has selected */
static uint64_t effect_total; /* bytes of the stream */
uint64_t effect_awaited;      /* replies wait for it */
static uint64_t effect_asked; /* the disk was asked for it */

/* ---- Writing ---- */

static char *effect_grow(size_t want)
{
    effect_flush();
    size_t cap = effect_cap == 0 ? EFFECT_BUFFER_LEN : effect_cap;
    while (cap - effect_open < want) cap *= 2;
    if (cap != effect_cap) effect_buf = heap_realloc(effect_buf, cap);
    effect_cap = cap;
    return effect_buf + effect_open;
}

/* Where the next bytes go; the caller adds what it wrote to effect_open. */
static inline char *effect_room(size_t want)
{
    size_t used = effect_whole + effect_open;
    return likely(effect_cap - used >= want) ? effect_buf + used : effect_grow(want);
}

static inline char *effect_head(char *at, char type, uint64_t n)
{
    *at++ = type;
    if (likely(n < 100)) {
        if (n >= 10) *at++ = (char)('0' + n / 10);
        *at++ = (char)('0' + n % 10);
    } else {
        at += number_print_uint(at, n);
    }
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

static inline char *effect_text(char *at, struct bytes text)
{
    at = effect_head(at, '$', text.len);
    if (text.len > 0) memcpy(at, text.ptr, text.len);
    at += text.len;
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

static void effect_put(struct bytes text)
{
    char *from = effect_room(text.len + EFFECT_AROUND_MAX);
    effect_open += (size_t)(effect_text(from, text) - from);
}

static void effect_select(int number)
{
    effect_db = number;
    char digits[NUMBER_INT_CHARS];
    char *from = effect_room(EFFECT_HEAD_MAX);
    effect_open += (size_t)(effect_head(from, '*', 2) - from);
    effect_put(bytes_of("SELECT"));
    effect_put(bytes_make(digits, number_print_uint(digits, (uint64_t)number)));
}

/* An effect with so many arguments begins. */
static void effect_start(const struct db *db, uint32_t nargs)
{
    dcheck(effect_left == 0);
    if (unlikely(effect_db != db_number(db))) effect_select(db_number(db));
    char *from = effect_room(EFFECT_HEAD_MAX);
    effect_open += (size_t)(effect_head(from, '*', nargs) - from);
    effect_left = nargs;
    effect_count++;
}

void effect_begin_in(struct call *c, const struct db *db, uint32_t nargs)
{
    c->effect = EFFECT_TOLD;
    effect_drops = !effect_heard || effect_muted;
    if (effect_drops) return;
    effect_is_told = true;
    effect_start(db, nargs);
}

void effect_begin(struct call *c, uint32_t nargs) { effect_begin_in(c, c->db, nargs); }

void effect_arg(struct bytes text)
{
    if (effect_drops) return;
    dcheck(effect_left > 0);
    effect_left--;
    effect_put(text);
}

void effect_word(const char *text) { effect_arg(bytes_of(text)); }

void effect_int(int64_t n)
{
    char digits[NUMBER_INT_CHARS];
    effect_arg(bytes_make(digits, number_print_int(digits, n)));
}

void effect_args_from(const struct call *c, uint32_t i)
{
    for (; i < c->nargs; i++) effect_arg(c->args[i]);
}

void effect_none(struct call *c) { c->effect = EFFECT_TOLD; }

void effect_same(struct call *c)
{
    effect_begin(c, c->nargs);
    if (effect_drops) return;
    size_t want = 0;
    for (uint32_t i = 0; i < c->nargs; i++) want += c->args[i].len + EFFECT_AROUND_MAX;
    char *from = effect_room(want), *at = from;
    for (uint32_t i = 0; i < c->nargs; i++) at = effect_text(at, c->args[i]);
    effect_open += (size_t)(at - from);
    effect_left = 0;
}

void effect_of_key(struct call *c, const char *name, struct bytes key, uint32_t i)
{
    effect_begin(c, 2 + c->nargs - i);
    effect_word(name);
    effect_arg(key);
    effect_args_from(c, i);
}

/* ---- Units ---- */

/* What only went by itself needs no MULTI. */
void effect_commit(void)
{
    static const char multi[] = "*1\r\n$5\r\nMULTI\r\n", exec[] = "*1\r\n$4\r\nEXEC\r\n";
    enum { MULTI_LEN = sizeof(multi) - 1, EXEC_LEN = sizeof(exec) - 1 };
    dcheck(effect_left == 0);
    if (effect_is_told && effect_count > 1) {
        char *end = effect_room(MULTI_LEN + EXEC_LEN), *from = end - effect_open;
        memmove(from + MULTI_LEN, from, effect_open);
        memcpy(from, multi, MULTI_LEN);
        memcpy(end + MULTI_LEN, exec, EXEC_LEN);
        effect_open += MULTI_LEN + EXEC_LEN;
    }
    if (effect_whole == 0) effect_wall_ms = keyspace_now_ms();
    effect_whole += effect_open;
    effect_total += effect_open;
    effect_open = 0;
    effect_count = 0;
    effect_is_told = false;
}

void effect_after(struct call *c)
{
    if (c->changes > 0 && c->effect == EFFECT_ITSELF) effect_same(c);
    dcheck(effect_left == 0);
}

void effect_mute(bool on) { effect_muted = on; }

/* ---- What goes by itself ---- */

static void effect_gone(const struct db *db, const char *command, struct bytes name,
                        const struct bytes *field)
{
    if (!effect_heard) return;
    effect_start(db, field == NULL ? 2 : 3);
    effect_put(bytes_of(command));
    effect_put(name);
    if (field != NULL) effect_put(*field);
    effect_left = 0;
    if (!effect_in_unit) effect_commit();
}

void effect_deleted(const struct db *db, struct bytes name, bool later)
{
    effect_gone(db, later ? "UNLINK" : "DEL", name, NULL);
}

static void effect_element_deleted(struct db *db, struct key key, struct bytes field)
{
    effect_gone(db, "HDEL", key.name, &field);
}

/* ---- The stream ---- */

void effect_listen(bool on)
{
    effect_heard = on;
    keyspace_on_element(on ? effect_element_deleted : NULL);
    effect_db = -1;
    effect_open = 0;
    effect_count = 0;
    effect_is_told = false;
}

uint64_t effect_number(void) { return effect_total; }

/* Gives the buffer itself away; what is of the open unit begins another. */
static struct order *effect_take_buffer(void)
{
    struct order *o = order_make(ORDER_LOG_APPEND, 0, order_done_free);
    o->buf = effect_buf;
    o->cap = effect_cap;
    effect_buf = NULL;
    effect_cap = 0;
    if (effect_open == 0) return o;
    effect_cap = effect_open < EFFECT_BUFFER_LEN ? EFFECT_BUFFER_LEN : 2 * effect_open;
    effect_buf = heap_alloc(effect_cap);
    memcpy(effect_buf, o->buf + effect_whole, effect_open);
    return o;
}

static struct order *effect_copy_whole(void)
{
    struct order *o = order_make(ORDER_LOG_APPEND, effect_whole, order_done_free);
    memcpy(o->buf, effect_buf, effect_whole);
    if (effect_open > 0) memmove(effect_buf, effect_buf + effect_whole, effect_open);
    return o;
}

/* What replies wait for went to the log before any did. */
static void effect_ask_for_sync(void)
{
    struct order *o = order_make(ORDER_LOG_SYNC, 0, order_done_free);
    effect_asked = effect_awaited;
    order_send(o);
}

void effect_flush(void)
{
    if (effect_whole == 0) {
        if (unlikely(effect_awaited > effect_asked)) effect_ask_for_sync();
        return;
    }
    bool few = effect_whole <= EFFECT_COPY_MAX && effect_cap == EFFECT_BUFFER_LEN;
    struct order *o = few ? effect_copy_whole() : effect_take_buffer();
    o->len = effect_whole;
    o->end = effect_total;
    o->wall_ms = effect_wall_ms;
    o->is_awaited = effect_awaited > effect_asked;
    if (o->is_awaited) effect_asked = effect_total;
    effect_whole = 0;
    order_send(o);
}

bool effect_flush_or_keep(void)
{
    if (unlikely(orders_log_is_busy()) && effect_whole > 0 && effect_awaited <= effect_asked)
        return true;
    effect_flush();
    return false;
}

void effect_forget_db(void) { effect_db = -1; }

void effect_close(void)
{
    heap_free(effect_buf);
    effect_buf = NULL;
    effect_whole = effect_cap = 0;
    effect_awaited = effect_asked = effect_total;
    effect_listen(false);
    effect_mute(false);
}
