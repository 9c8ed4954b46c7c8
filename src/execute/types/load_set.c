/* Sets: member by member, an intset, a listpack. */
#include "execute/types/load_parts.h"

#include "execute/types/heap.h"
#include "execute/types/intset.h"
#include "execute/types/set.h"

static bool load_set_add(struct load *l, struct entry *e, struct bytes text)
{
    struct set_member m;
    set_member_of(&m, text);
    return set_add(e, &m) || load_wrong(l, "Set has a member twice");
}

static bool load_set_members(struct load *l, struct entry *e)
{
    uint64_t count;
    if (!load_take_count(l, 1, &count)) return false;
    struct load_text t = {0};
    bool good = true;
    for (uint64_t i = 0; i < count && good; i++) {
        good = load_take_text(l, &t);
        if (good && i == 0) set_expect(e, t.text, count);
        good = good && load_set_add(l, e, t.text);
    }
    load_text_end(&t);
    return good;
}

/* The integers of a valid intset that is too large to stay one. */
static bool load_set_ints(struct load *l, struct entry *e, const uint8_t *is)
{
    char digits[NUMBER_INT_CHARS];
    bool good = true;
    for (uint32_t i = 0; i < intset_count(is) && good; i++) {
        struct bytes text = {digits, number_print_int(digits, intset_get(is, i))};
        if (i == 0) set_expect(e, text, intset_count(is));
        good = load_set_add(l, e, text);
    }
    return good;
}

static struct entry *load_set_intset(struct load *l)
{
    size_t len;
    uint8_t *is = load_take_blob(l, &len);
    if (is == NULL) return NULL;
    if (!intset_is_valid(is, len) || intset_count(is) == 0) {
        load_wrong(l, "Intset integrity check failed");
        heap_free(is);
        return NULL;
    }
    if (intset_count(is) <= value_limits.set_max_intset_entries)
        return load_entry(l, TYPE_SET, ENC_INTSET, is);
    struct entry *e = type_make_entry(l->name, TYPE_SET);
    bool good = load_set_ints(l, e, is);
    heap_free(is);
    return load_done(e, good);
}

static bool load_set_elements(struct load *l, struct entry *e, const uint8_t *lp, uint32_t count)
{
    char scratch[LISTPACK_INT_CHARS];
    bool good = true;
    set_expect(e, listpack_text(listpack_first(lp), scratch), count);
    for (const uint8_t *at = listpack_first(lp); at != NULL && good; at = listpack_next(lp, at))
        good = load_set_add(l, e, listpack_text(at, scratch));
    return good;
}

static struct entry *load_set_listpack(struct load *l)
{
    static const char what[] = "Set listpack integrity check failed";
    uint32_t count;
    uint8_t *lp = load_take_listpack(l, &count, what);
    if (lp == NULL) return NULL;
    struct load_limits limits = {value_limits.set_max_listpack_entries,
                                 value_limits.set_max_listpack_value, 1};
    bool fits = load_fits(lp, count, &limits);
    bool good = count > 0 && (!fits || load_is_distinct(lp, count, 1));
    if (!good) load_wrong(l, what);
    if (good && fits) return load_entry(l, TYPE_SET, ENC_LISTPACK, lp);
    struct entry *e = good ? type_make_entry(l->name, TYPE_SET) : NULL;
    good = good && load_set_elements(l, e, lp, count);
    heap_free(lp);
    return load_done(e, good);
}

struct entry *load_set(struct load *l)
{
    if (l->type == RDB_SET_INTSET) return load_set_intset(l);
    if (l->type == RDB_SET_LISTPACK) return load_set_listpack(l);
    struct entry *e = type_make_entry(l->name, TYPE_SET);
    return load_done(e, load_set_members(l, e));
}
