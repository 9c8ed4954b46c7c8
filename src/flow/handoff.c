/* Only opening and closing; the ring's work is inline in the header. */
#include "flow/handoff.h"

#include <stdlib.h>

void handoff_open(struct handoff *h, uint64_t capacity)
{
    uint64_t size = 8;
    while (size < capacity) size *= 2;
    *h = (struct handoff){.mask = size - 1};
    h->cells = calloc(size, sizeof(*h->cells));
    must(h->cells != NULL);
}

void handoff_close(struct handoff *h)
{
    free(h->cells);
    h->cells = NULL;
}
