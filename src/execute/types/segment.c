/* Segments as lumps of memory; which keys go where is the table's business. */
#include "execute/types/segment.h"

#include "execute/types/heap.h"

const uint16_t band_rooms[BAND_STEPS] = {4,   8,   16,  32,  64,  128, 160, 192,
                                         224, 256, 320, 384, 448, 512, 640, 768};

_Static_assert(sizeof(struct segment) % sizeof(uint64_t) == 0, "slots follow the header");

/* Some room is left above `count`, or the next insertion would grow it again. */
unsigned segment_step_for(uint32_t count)
{
    unsigned step = SEGMENT_FIRST_STEP;
    while (step < SEGMENT_LAST_STEP && band_limit(segment_step_room(step)) < count + count / 32) {
        step++;
    }
    return step;
}

struct segment *segment_make(unsigned step, unsigned depth, uint64_t prefix)
{
    struct segment *s = heap_zalloc(band_rooms[step] * sizeof(uint64_t));
    s->prefix = prefix;
    s->step = (uint8_t)step;
    s->depth = (uint8_t)depth;
    s->room = (uint16_t)segment_step_room(step);
    return s;
}

struct segment *segment_make_of(struct segment_plan plan, const uint64_t *from, uint32_t count)
{
    for (unsigned step = plan.step; step <= plan.last_step; step++) {
        struct segment *s = segment_make(step, plan.depth, plan.prefix);
        s->count = (uint16_t)count;
        if (band_fill(s->slots, s->room, from, count)) return s;
        heap_free(s);
    }
    return NULL;
}

void segment_free(struct segment *s)
{
    must(s->deadlines == NULL);
    heap_free(s);
}
