/* Messages that wait for the end of the current command, in the order in which they were sent. */
#include "execute/core/push.h"

#include "execute/types/heap.h"

struct push *push_first;
static struct push *push_last;

struct push *push_make(struct bytes wire)
{
    struct push *p = heap_alloc(sizeof(*p) + wire.len);
    *p = (struct push){.len = wire.len};
    memcpy(p->wire, wire.ptr, wire.len);
    return p;
}

void push_add(struct push *p, const struct session *s)
{
    if (p->to_count == p->to_max) {
        p->to_max = p->to_max == 0 ? 4 : p->to_max * 2;
        p->to = heap_realloc(p->to, p->to_max * sizeof(*p->to));
    }
    p->to[p->to_count++] = s->conn;
}

void push_send(struct push *p)
{
    if (p->to_count == 0) {
        push_free(p);
        return;
    }
    if (push_last != NULL)
        push_last->next = p;
    else
        push_first = p;
    push_last = p;
}

struct push *push_next(void)
{
    struct push *p = push_first;
    if (p == NULL) return NULL;
    push_first = p->next;
    if (push_first == NULL) push_last = NULL;
    return p;
}

void push_free(struct push *p)
{
    heap_free(p->to);
    heap_free(p);
}

void push_close(void)
{
    struct push *p;
    while ((p = push_next()) != NULL) push_free(p);
}
