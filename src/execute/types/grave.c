/* A stack of values: the order in which they go does not matter. */
#include "execute/types/grave.h"

#include "execute/types/heap.h"
#include "execute/types/type.h"

/* What costs less is freed at once. */
#define GRAVE_COST_MIN 64
/* Elements of a step: some tens of microseconds. */
#define GRAVE_STEP 512

struct grave {
    struct grave *next;
    void *root;
    uint8_t kind;
};

static struct grave *graves;
static uint64_t graves_count, graves_freed;

static bool grave_free_some(uint8_t kind, void *root, uint64_t max)
{
    return type_table[kind >> 4]->free_some((enum value_encoding)(kind & 15), root, max);
}

void grave_take(uint8_t kind, void *root)
{
    const struct type_ops *ops = type_table[kind >> 4];
    if (ops->free_cost((enum value_encoding)(kind & 15), root) <= GRAVE_COST_MIN) {
        while (!grave_free_some(kind, root, UINT64_MAX)) continue;
        return;
    }
    struct grave *g = heap_alloc(sizeof(*g));
    *g = (struct grave){.next = graves, .root = root, .kind = kind};
    graves = g;
    graves_count++;
}

bool grave_dig(void)
{
    struct grave *g = graves;
    if (g == NULL) return false;
    if (!grave_free_some(g->kind, g->root, GRAVE_STEP)) return true;
    graves = g->next;
    heap_free(g);
    graves_count--;
    graves_freed++;
    return true;
}

uint64_t grave_count(void) { return graves_count; }
uint64_t grave_freed(void) { return graves_freed; }
void grave_reset_freed(void) { graves_freed = 0; }
