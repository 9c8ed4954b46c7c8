/*
 * Publication of settings.
 *
 * One atomic pointer names the newest object. A reader names the one that it uses in its own hazard
 * slot and looks again whether it is still the newest: if so, the publisher cannot have missed the
 * slot, because store and re-read, and the publisher's exchange and scan, are all sequentially
 * consistent. Replaced objects wait on a list that only the publisher touches until no slot names
 * them. The one replaced last always waits for one more publish: a command that publishes may still
 * look at what it began with.
 *
 * Writers: `newest` and the list by execute (boot before threads exist); slot i by the holder of
 * stage i's token.
 */
#include "catalog/settings.h"

#include "base/must.h"

#include <stdatomic.h>
#include <stdlib.h>

/* What settings_copy() and settings_default() make: the object and its place on the list of the
 * replaced. */
struct box {
    struct settings settings; /* first: a pointer to it is a pointer to the box */
    struct box *next;
};

struct slot {
    _Alignas(64) _Atomic(const struct settings *) used;
};

static _Atomic(const struct settings *) newest;
static struct slot slots[SETTINGS_READERS];
static struct box *replaced;

const struct settings *settings_now(void)
{
    return atomic_load_explicit(&newest, memory_order_acquire);
}

const struct settings *settings_enter(unsigned id)
{
    must(id < SETTINGS_READERS);
    const struct settings *s = atomic_load(&newest);
    for (;;) {
        atomic_store(&slots[id].used, s);
        const struct settings *again = atomic_load(&newest);
        if (again == s) return s;
        s = again;
    }
}

void settings_leave(unsigned id)
{
    atomic_store_explicit(&slots[id].used, NULL, memory_order_release);
}

static bool settings_is_used(const struct settings *s)
{
    for (unsigned i = 0; i < SETTINGS_READERS; i++)
        if (atomic_load(&slots[i].used) == s) return true;
    return false;
}

void settings_publish(struct settings *s)
{
    struct box *old = (struct box *)(uintptr_t)atomic_exchange(&newest, s);
    if (old != NULL) {
        old->next = replaced;
        replaced = old;
    }
    if (replaced == NULL) return;
    for (struct box **at = &replaced->next; *at != NULL;) {
        struct box *b = *at;
        if (settings_is_used(&b->settings)) {
            at = &b->next;
        } else {
            *at = b->next;
            settings_free(&b->settings);
        }
    }
}

static struct settings *settings_make(void)
{
    struct box *b = calloc(1, sizeof *b);
    must(b != NULL);
    return &b->settings;
}

struct settings *settings_copy(const struct settings *from)
{
    struct settings *s = settings_make();
    for (size_t i = 0; i < option_count(); i++) option_copy(s, from, option_at(i));
    return s;
}

struct settings *settings_default(void)
{
    struct settings *s = settings_make();
    for (size_t i = 0; i < option_count(); i++) option_reset(s, option_at(i));
    return s;
}

void settings_free(struct settings *s)
{
    if (s == NULL) return;
    for (size_t i = 0; i < option_count(); i++) option_release(s, option_at(i));
    free(s);
}
