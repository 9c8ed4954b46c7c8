/* The arena is borrowed for life. */
#include "execute/types/heap.h"

#include "base/must.h"

struct arena *heap_arena;

void heap_use(struct arena *a)
{
    must(a != NULL);
    heap_arena = a;
}
