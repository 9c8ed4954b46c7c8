/*
 * Quicksort that only follows the parts that are wanted; a part that splits badly too often goes to
 * heapsort, and a small one to insertion sort.
 */
#include "base/keysort.h"

#include <stdbool.h>

enum { KEYSORT_SMALL = 16 };

struct keysort {
    struct keysort_item *items;
    size_t from, to;
    keysort_tie *tie;
    void *ctx;
};

static inline bool keysort_less(const struct keysort *s, const struct keysort_item *a,
                                const struct keysort_item *b)
{
    if (a->key != b->key) return a->key < b->key;
    if (s->tie == NULL) return a->ref < b->ref;
    return s->tie(s->ctx, a->ref, b->ref) < 0;
}

static inline void keysort_swap(struct keysort_item *a, struct keysort_item *b)
{
    struct keysort_item t = *a;
    *a = *b;
    *b = t;
}

static void keysort_insertion(const struct keysort *s, struct keysort_item *a, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct keysort_item item = a[i];
        size_t at = i;
        for (; at > 0 && keysort_less(s, &item, &a[at - 1]); at--) a[at] = a[at - 1];
        a[at] = item;
    }
}

static void keysort_sink(const struct keysort *s, struct keysort_item *a, size_t at, size_t n)
{
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && keysort_less(s, &a[child], &a[child + 1])) child++;
        if (!keysort_less(s, &a[at], &a[child])) return;
        keysort_swap(&a[at], &a[child]);
    }
}

static void keysort_heap(const struct keysort *s, struct keysort_item *a, size_t n)
{
    for (size_t i = n / 2; i-- > 0;) keysort_sink(s, a, i, n);
    while (n-- > 1) {
        keysort_swap(&a[0], &a[n]);
        keysort_sink(s, a, 0, n);
    }
}

/* Gives where to split: nothing before it is greater than anything behind; both parts have some. */
static size_t keysort_split(const struct keysort *s, struct keysort_item *a, size_t n)
{
    struct keysort_item *mid = &a[n / 2], *last = &a[n - 1];
    if (keysort_less(s, mid, a)) keysort_swap(mid, a);
    if (keysort_less(s, last, mid)) keysort_swap(last, mid);
    if (keysort_less(s, mid, a)) keysort_swap(mid, a);
    struct keysort_item pivot = *mid;
    size_t i = 0, j = n - 1;
    for (;;) {
        while (keysort_less(s, &a[i], &pivot)) i++;
        while (keysort_less(s, &pivot, &a[j])) j--;
        if (i >= j) return j + 1;
        keysort_swap(&a[i++], &a[j--]);
    }
}

/* Sorts items lo to hi as far as they are wanted. */
static void keysort_part(const struct keysort *s, size_t lo, size_t hi, unsigned splits)
{
    while (hi - lo > KEYSORT_SMALL) {
        if (hi <= s->from || lo >= s->to) return;
        if (splits-- == 0) {
            keysort_heap(s, s->items + lo, hi - lo);
            return;
        }
        size_t mid = lo + keysort_split(s, s->items + lo, hi - lo);
        keysort_part(s, lo, mid, splits);
        lo = mid;
    }
    keysort_insertion(s, s->items + lo, hi - lo);
}

void keysort(struct keysort_item *items, size_t count, size_t from, size_t to, keysort_tie *tie,
             void *ctx)
{
    struct keysort s = {items, from, to, tie, ctx};
    unsigned splits = 0;
    for (size_t n = count; n > 1; n /= 2) splits += 2;
    if (count > 1 && from < to) keysort_part(&s, 0, count, splits);
}
