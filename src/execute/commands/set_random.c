/*
 * SRANDMEMBER and SPOP.
 *
 * Different members at random come in one of two ways. Few out of many are drawn, and drawn again
 * where one was drawn before. Otherwise, and from listpacks, a walk takes each member with the
 * probability that as many are taken as are still wanted out of those that are left (Knuth's
 * Algorithm S): uniform, in one pass, without memory.
 */
#include "execute/types/set.h"

#include "execute/commands/table.h"
#include "execute/commands/typed.h"
#include "execute/core/effect.h"
#include "execute/types/dice.h"
#include "execute/types/heap.h"
#include "execute/types/listpack.h"

enum {
    SET_DRAW_SHARE = 3, /* draws are used below 1 / 3 of the members */
    SET_KEEP_SHARE = 5, /* SPOP moves what stays, rather than what goes, up to 1 / 5 of it */
    SET_FULL_EVERY = 128,
    SET_TELL_MAX = 1024, /* members of an effect */
};

static bool set_random_draws(const struct entry *e, uint64_t count)
{
    return entry_encoding(e) != ENC_LISTPACK && count < set_count(e) / SET_DRAW_SHARE;
}

/* ---- Algorithm S ---- */

struct set_choice {
    struct call *c;
    uint64_t want, left;
};

static bool set_choose(struct set_choice *s)
{
    bool chosen = random_below(dice(), s->left) < s->want;
    s->left--;
    s->want -= chosen;
    return chosen;
}

static void set_reply_chosen(struct call *c, const struct entry *e, uint64_t count)
{
    struct set_choice s = {.want = count, .left = set_count(e)};
    struct set_walk w = set_walk(e);
    struct set_member members[SET_WINDOW];
    while (s.want > 0) {
        uint32_t n = set_next(&w, members, SET_WINDOW);
        must(n > 0);
        for (uint32_t i = 0; i < n && s.want > 0; i++) {
            if (set_choose(&s)) reply_bulk(c, set_member_text(&members[i]));
        }
    }
}

/* ---- SRANDMEMBER ---- */

/* The ids of members that were drawn: open addressing, at most half full, 0 is empty (ids are
 * kept plus one, and the one that becomes 0 apart). */
struct set_drawn {
    uint64_t *ids;
    uint64_t mask;
    bool zero;
};

/* False when it was drawn before. */
static bool set_drawn_add(struct set_drawn *d, uint64_t id)
{
    id++;
    if (id == 0) {
        bool first = !d->zero;
        d->zero = true;
        return first;
    }
    uint64_t at = (id * UINT64_C(0x9e3779b97f4a7c15) >> 20) & d->mask;
    for (; d->ids[at] != 0; at = (at + 1) & d->mask) {
        if (d->ids[at] == id) return false;
    }
    d->ids[at] = id;
    return true;
}

static void set_reply_drawn(struct call *c, const struct entry *e, uint64_t count)
{
    uint64_t room = 8;
    while (room < 2 * count) room *= 2;
    struct set_drawn drawn = {heap_zalloc(room * sizeof(uint64_t)), room - 1, false};
    struct set_member m;
    while (count > 0) {
        set_random(e, &m);
        if (!set_drawn_add(&drawn, set_member_id(&m))) continue;
        reply_bulk(c, set_member_text(&m));
        count--;
    }
    heap_free(drawn.ids);
}

static void set_reply_all(struct call *c, const struct entry *e)
{
    struct set_walk w = set_walk(e);
    struct set_member members[SET_WINDOW];
    for (uint32_t n; (n = set_next(&w, members, SET_WINDOW)) > 0;) {
        for (uint32_t i = 0; i < n; i++) reply_bulk(c, set_member_text(&members[i]));
    }
}

static enum run_result set_random_different(struct call *c, const struct entry *e, uint64_t count)
{
    bool all = count >= set_count(e);
    reply_array(c, all ? set_count(e) : count);
    if (all)
        set_reply_all(c, e);
    else if (set_random_draws(e, count))
        set_reply_drawn(c, e, count);
    else
        set_reply_chosen(c, e, count);
    return RUN_OK;
}

/* To draw often from a listpack its places are listed once. */
static void set_reply_repeated_listpack(struct call *c, const struct entry *e, uint64_t count)
{
    const uint8_t *lp = entry_root(e), *at = listpack_first(lp);
    uint64_t members = set_count(e), i = 0;
    const uint8_t **places = heap_alloc(members * sizeof(*places));
    for (; at != NULL; at = listpack_next(lp, at)) places[i++] = at;
    for (i = 0; i < count && (i % SET_FULL_EVERY != 0 || !call_reply_full(c)); i++) {
        char scratch[LISTPACK_INT_CHARS];
        reply_bulk(c, listpack_text(places[random_below(dice(), members)], scratch));
    }
    heap_free(places);
}

static enum run_result set_random_repeated(struct call *c, const struct entry *e, uint64_t count)
{
    struct set_member m;
    reply_array(c, count);
    if (count > 1 && entry_encoding(e) == ENC_LISTPACK) {
        set_reply_repeated_listpack(c, e, count);
        return RUN_OK;
    }
    for (uint64_t i = 0; i < count && (i % SET_FULL_EVERY != 0 || !call_reply_full(c)); i++) {
        set_random(e, &m);
        reply_bulk(c, set_member_text(&m));
    }
    return RUN_OK;
}

enum run_result cmd_SRANDMEMBER(struct call *c)
{
    struct entry *e;
    struct set_member m;
    int64_t count = 0;
    if (c->nargs > 3) return reply_syntax(c);
    if (c->nargs == 3 && !call_int_range(c, 2, -INT64_MAX, INT64_MAX, NULL, &count))
        return RUN_ERROR;
    if (!typed_find(c, call_key(c, 1), TYPE_SET, LOOKUP_READ, &e)) return RUN_ERROR;
    if (c->nargs == 3) {
        if (e == NULL || count == 0) return reply_array(c, 0);
        if (count > 0) return set_random_different(c, e, (uint64_t)count);
        return set_random_repeated(c, e, (uint64_t)-count);
    }
    if (e == NULL) return reply_null(c);
    set_random(e, &m);
    return reply_bulk(c, set_member_text(&m));
}

/* ---- SPOP ---- */

/* A member goes, which is one of the next `left` to go. */
static void set_pop_tell(struct call *c, uint64_t total, uint64_t left, struct bytes member)
{
    reply_bulk(c, member);
    if ((total - left) % SET_TELL_MAX == 0) {
        effect_begin(c, 2 + (uint32_t)(left < SET_TELL_MAX ? left : SET_TELL_MAX));
        effect_word("SREM");
        effect_arg(arg(c, 1));
    }
    effect_arg(member);
}

struct set_keeping {
    struct set_choice choice;
    uint64_t total;
};

static bool set_keep(void *ctx, struct set_member *m)
{
    struct set_keeping *k = ctx;
    uint64_t left = k->choice.want;
    if (!set_choose(&k->choice)) return true;
    set_pop_tell(k->choice.c, k->total, left, set_member_text(m));
    return false;
}

/* What stays is drawn into another set, and all that is left is answered. */
static void set_pop_most(struct call *c, struct entry *e, uint64_t count)
{
    struct entry *kept = type_make_entry(entry_name(e), TYPE_SET);
    struct set_member m;
    for (uint64_t left = set_count(e) - count; left > 0; left--) {
        set_random(e, &m);
        must(set_add(kept, &m));
        set_take(e, &m);
    }
    struct set_walk w = set_walk(e);
    struct set_member members[SET_WINDOW];
    uint64_t left = count;
    for (uint32_t n; (n = set_next(&w, members, SET_WINDOW)) > 0; left -= n) {
        for (uint32_t i = 0; i < n; i++)
            set_pop_tell(c, count, left - i, set_member_text(&members[i]));
    }
    set_swap(e, kept);
    entry_free(kept);
}

static void set_pop_some(struct call *c, struct entry *e, uint64_t count)
{
    struct set_member m;
    for (uint64_t left = count; left > 0; left--) {
        set_random(e, &m);
        set_pop_tell(c, count, left, set_member_text(&m));
        set_take(e, &m);
    }
}

/* `count` is below the count of members. */
static void set_pop(struct call *c, struct entry *e, uint64_t count)
{
    uint64_t stay = set_count(e) - count;
    if (entry_encoding(e) != ENC_HASHTABLE) {
        struct set_keeping k = {{.c = c, .want = count, .left = count + stay}, count};
        set_filter(e, set_keep, &k);
    } else if (stay <= count / SET_KEEP_SHARE) {
        set_pop_most(c, e, count);
    } else {
        set_pop_some(c, e, count);
    }
}

static enum run_result set_pop_many(struct call *c)
{
    struct key key = call_key(c, 1);
    struct entry *e;
    int64_t count;
    if (!call_int_range(c, 2, 0, INT64_MAX, ERR_MUST_BE_POSITIVE, &count)) return RUN_ERROR;
    if (!typed_find(c, key, TYPE_SET, LOOKUP_WRITE, &e)) return RUN_ERROR;
    if (e == NULL || count == 0) return reply_set(c, 0);

    uint64_t members = set_count(e), popped = (uint64_t)count < members ? (uint64_t)count : members;
    reply_set(c, popped);
    call_event(c, popped, key, NOTIFY_SET, "spop");
    if (popped < members) {
        set_pop(c, e, popped);
        return RUN_OK;
    }
    set_reply_all(c, e);
    typed_drop(c, key);
    effect_of_key(c, c->settings->lazyfree_lazy_server_del ? "UNLINK" : "DEL", key.name, c->nargs);
    return RUN_OK;
}

enum run_result cmd_SPOP(struct call *c)
{
    struct key key = call_key(c, 1);
    struct entry *e;
    struct set_member m;
    if (c->nargs > 3) return reply_syntax(c);
    if (c->nargs == 3) return set_pop_many(c);
    if (!typed_find(c, key, TYPE_SET, LOOKUP_WRITE, &e)) return RUN_ERROR;
    if (e == NULL) return reply_null(c);

    set_random(e, &m);
    set_pop_tell(c, 1, 1, set_member_text(&m));
    set_take(e, &m);
    call_event(c, 1, key, NOTIFY_SET, "spop");
    typed_drop_if_empty(c, key, e);
    return RUN_OK;
}
