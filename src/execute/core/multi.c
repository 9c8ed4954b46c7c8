/* Invariant: CARE_MULTI is set while s->multi is. */
#include "execute/core/multi.h"

#include "execute/types/heap.h"

void multi_begin(struct session *s)
{
    must(s->multi == NULL);
    s->multi = heap_zalloc(sizeof(*s->multi));
    s->multi->bytes = sizeof(*s->multi);
    session_set_care(s, CARE_MULTI, true);
}

void multi_queue(struct session *s, const struct command *cmd, uint32_t flags)
{
    struct multi *m = s->multi;
    struct held_command *h = held_copy(cmd, 0);
    if (m->last != NULL)
        m->last->next = h;
    else
        m->first = h;
    m->last = h;
    m->count++;
    m->flags |= flags;
    m->bytes += h->bytes;
}

void multi_abort(struct session *s)
{
    if (s->multi != NULL) s->multi->aborted = true;
}

struct multi *multi_take(struct session *s)
{
    struct multi *m = s->multi;
    s->multi = NULL;
    session_set_care(s, CARE_MULTI, false);
    return m;
}

void multi_free(struct multi *m)
{
    while (m->first != NULL) {
        struct held_command *h = m->first;
        m->first = h->next;
        held_free(h);
    }
    heap_free(m);
}

void multi_forget(struct session *s)
{
    if (s->multi != NULL) multi_free(multi_take(s));
}
