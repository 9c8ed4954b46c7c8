/*
 * A unit is gathered in a buffer of its own; when it ends it goes, between MULTI and EXEC if there
 * is more than one effect in it, behind those of the order that is in the making.
 *
 * Invariants: an order holds whole units. `effect_left` arguments of the effect being written are
 * still to come; it is 0 whenever a command ends.
 */
#include "execute/core/effect.h"

#include "base/must.h"
#include "codec/number.h"
#include "execute/core/orders.h"
#include "execute/types/heap.h"

#include <string.h>

enum {
    EFFECT_ORDER_LEN = 65536,   /* an order's buffer, unless a unit is longer */
    EFFECT_UNIT_KEPT = 1 << 20, /* a unit's buffer that grew larger is not kept */
};

bool effect_heard;
static bool effect_muted, effect_in_unit;
static char *effect_unit; /* effects of the unit so far */
static size_t effect_len, effect_cap;
static uint32_t effect_count; /* of them */
static uint32_t effect_left;
static bool effect_drops;          /* what is being written goes nowhere */
static int effect_db = -1;         /* what the stream has selected */
static uint64_t effect_total;      /* bytes of the stream */
static struct order *effect_order; /* in the making, or NULL */

/* ---- Writing ---- */

static char *effect_room(size_t want)
{
    if (effect_cap - effect_len < want) {
        size_t cap = effect_cap == 0 ? 4096 : effect_cap;
        while (cap - effect_len < want) cap *= 2;
        effect_unit = heap_realloc(effect_unit, cap);
        effect_cap = cap;
    }
    return effect_unit + effect_len;
}

static void effect_head(char type, uint64_t n)
{
    char *at = effect_room(NUMBER_INT_CHARS + 3), *from = at;
    *at++ = type;
    at += number_print_uint(at, n);
    *at++ = '\r';
    *at++ = '\n';
    effect_len += (size_t)(at - from);
}

static void effect_put(struct bytes text)
{
    effect_head('$', text.len);
    char *at = effect_room(text.len + 2);
    if (text.len > 0) memcpy(at, text.ptr, text.len);
    memcpy(at + text.len, "\r\n", 2);
    effect_len += text.len + 2;
}

static void effect_select(int number)
{
    if (effect_db == number) return;
    effect_db = number;
    char digits[NUMBER_INT_CHARS];
    effect_head('*', 2);
    effect_put(bytes_of("SELECT"));
    effect_put(bytes_make(digits, number_print_uint(digits, (uint64_t)number)));
}

/* An effect with so many arguments begins. */
static void effect_open(const struct db *db, uint32_t nargs)
{
    dcheck(effect_left == 0);
    effect_drops = !effect_heard || effect_muted;
    if (effect_drops) return;
    effect_select(db_number(db));
    effect_head('*', nargs);
    effect_left = nargs;
    effect_count++;
}

void effect_begin_in(struct call *c, const struct db *db, uint32_t nargs)
{
    c->effect = EFFECT_TOLD;
    effect_open(db, nargs);
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

void effect_double(double d)
{
    char digits[NUMBER_DOUBLE_CHARS];
    effect_arg(bytes_make(digits, number_print_double(digits, d)));
}

void effect_none(struct call *c) { c->effect = EFFECT_TOLD; }

void effect_same(struct call *c)
{
    effect_begin(c, c->nargs);
    for (uint32_t i = 0; i < c->nargs; i++) effect_arg(c->args[i]);
}

/* ---- Units ---- */

static char *effect_order_room(size_t want)
{
    struct order *o = effect_order;
    if (o != NULL && o->cap - o->len < want) effect_flush();
    if (effect_order == NULL) {
        size_t cap = want > EFFECT_ORDER_LEN ? want : EFFECT_ORDER_LEN;
        effect_order = order_make(ORDER_LOG_APPEND, cap, order_done_free);
        effect_order->wall_ms = keyspace_now_ms();
    }
    return effect_order->buf + effect_order->len;
}

static void effect_commit(void)
{
    static const char multi[] = "*1\r\n$5\r\nMULTI\r\n", exec[] = "*1\r\n$4\r\nEXEC\r\n";
    bool wraps = effect_count > 1;
    size_t around = wraps ? sizeof(multi) - 1 + sizeof(exec) - 1 : 0;
    char *at = effect_order_room(effect_len + around);
    if (wraps) at = mempcpy(at, multi, sizeof(multi) - 1);
    at = mempcpy(at, effect_unit, effect_len);
    if (wraps) memcpy(at, exec, sizeof(exec) - 1);
    effect_order->len += effect_len + around;
    effect_total += effect_len + around;
    effect_len = 0;
    effect_count = 0;
    if (effect_cap > EFFECT_UNIT_KEPT) {
        heap_free(effect_unit);
        effect_unit = NULL;
        effect_cap = 0;
    }
}

void effect_unit_begin(void) { effect_in_unit = true; }

void effect_unit_end(void)
{
    effect_in_unit = false;
    if (unlikely(effect_count > 0)) effect_commit();
}

void effect_after(struct call *c)
{
    if (c->changes > 0 && c->effect == EFFECT_ITSELF) effect_same(c);
    dcheck(effect_left == 0);
}

void effect_mute(bool on) { effect_muted = on; }

void effect_deleted(struct db *db, struct bytes name)
{
    if (!effect_heard) return;
    effect_open(db, 2);
    effect_word("DEL");
    effect_arg(name);
    if (!effect_in_unit) effect_unit_end();
}

/* ---- The stream ---- */

void effect_listen(bool on)
{
    effect_heard = on;
    effect_db = -1;
}

uint64_t effect_number(void) { return effect_total; }

void effect_flush(void)
{
    struct order *o = effect_order;
    if (o == NULL) return;
    effect_order = NULL;
    o->end = effect_total;
    order_send(o);
}

void effect_forget_db(void) { effect_db = -1; }

void effect_close(void)
{
    if (effect_order != NULL) order_free(effect_order);
    heap_free(effect_unit);
    effect_order = NULL;
    effect_unit = NULL;
    effect_len = effect_cap = 0;
    effect_count = 0;
    effect_listen(false);
}
