/*
 * Messages that wait for the end of the current command, in the order in which they were sent.
 * Invariant: push_bytes is the length of all pushes that exist, and of their lists of receivers.
 */
#include "execute/core/push.h"

#include "execute/types/heap.h"

struct push *push_first;
static struct push *push_last;
size_t push_bytes;
uint64_t push_run = 1;

struct push *push_open(uint32_t receivers)
{
    struct push *p = heap_alloc(sizeof(*p));
    *p = (struct push){.to_max = receivers};
    if (receivers > 0) p->to = heap_alloc(receivers * sizeof(*p->to));
    return p;
}

struct push *push_make(struct bytes wire)
{
    struct push *p = push_open(0);
    memcpy(push_room(p, wire.len), wire.ptr, wire.len);
    push_wrote(p, wire.len);
    return p;
}

void push_add(struct push *p, struct session *s)
{
    if (p->to_count == p->to_max) {
        p->to_max = p->to_max == 0 ? 4 : p->to_max * 2;
        p->to = heap_realloc(p->to, p->to_max * sizeof(*p->to));
    }
    p->to[p->to_count++] = s->conn;
    push_bytes += sizeof(*p->to);
    s->push_waits = true;
}

char *push_room(struct push *p, size_t n)
{
    if (p->cap - p->len < n) {
        p->cap = arena_rounded(p->len + n > 2 * p->len ? p->len + n : 2 * p->len);
        p->wire = heap_realloc(p->wire, p->cap);
    }
    return p->wire + p->len;
}

void push_wrote(struct push *p, size_t n)
{
    p->len += n;
    push_bytes += n;
}

void push_end_run(void) { push_run++; }

void push_send(struct push *p)
{
    if (p->to_count == 0) {
        push_free(p);
        return;
    }
    push_end_run();
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
    push_end_run();
    push_first = p->next;
    if (push_first == NULL) push_last = NULL;
    return p;
}

void push_free(struct push *p)
{
    push_bytes -= p->len + p->to_count * sizeof(*p->to);
    heap_free(p->to);
    heap_free(p->wire);
    heap_free(p);
}

void push_close(void)
{
    struct push *p;
    while ((p = push_next()) != NULL) push_free(p);
}
