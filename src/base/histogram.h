/*
 * A histogram of unsigned values with about 3 % precision: 32 linear steps in each power of two,
 * from 0 to 2^40. Recording is a few instructions; memory is fixed. The idea is Gil Tene's
 * HdrHistogram. One writer.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 32
#define HISTOGRAM_CELLS (HISTOGRAM_STEPS * 37)

struct histogram {
    uint64_t count;
    uint64_t max;
    uint32_t cells[HISTOGRAM_CELLS];
};

static inline unsigned histogram_cell(uint64_t value)
{
    if (value < HISTOGRAM_STEPS) return (unsigned)value;
    unsigned high = 63 - (unsigned)__builtin_clzll(value);
    unsigned cell =
        (high - 4) * HISTOGRAM_STEPS + (unsigned)((value >> (high - 5)) - HISTOGRAM_STEPS);
    return cell < HISTOGRAM_CELLS ? cell : HISTOGRAM_CELLS - 1;
}

static inline void histogram_add(struct histogram *h, uint64_t value)
{
    h->count++;
    if (value > h->max) h->max = value;
    h->cells[histogram_cell(value)]++;
}

/* The highest value that falls into a cell. */
uint64_t histogram_cell_top(unsigned cell);
/* The value below which `percent` (0..100) of the records lie; 0 when empty. */
uint64_t histogram_percentile(const struct histogram *h, double percent);
/* Number of records <= value, to the precision of a cell. */
uint64_t histogram_count_to(const struct histogram *h, uint64_t value);

#endif
