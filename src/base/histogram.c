/* Reading histograms. Invariant: the sum of the cells is `count`, but for cells that have wrapped
 * after 2^32 records. */
#include "base/histogram.h"

uint64_t histogram_cell_top(unsigned cell)
{
    if (cell < HISTOGRAM_STEPS) return cell;
    if (cell >= HISTOGRAM_CELLS - 1) return UINT64_MAX; /* the last cell takes whatever is above */
    unsigned shift = cell / HISTOGRAM_STEPS - 1;
    uint64_t low = (uint64_t)(HISTOGRAM_STEPS + cell % HISTOGRAM_STEPS) << shift;
    return low + ((uint64_t)1 << shift) - 1;
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
    if (h->count == 0) return 0;
    if (percent < 0) percent = 0;
    if (percent > 100) percent = 100;
    double exact = (double)h->count * percent / 100;
    uint64_t rank = (uint64_t)exact;
    if ((double)rank < exact || rank == 0) rank++;

    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_CELLS; i++) {
        seen += h->cells[i];
        if (seen < rank) continue;
        uint64_t top = histogram_cell_top(i);
        return top < h->max ? top : h->max;
    }
    return h->max;
}

uint64_t histogram_count_to(const struct histogram *h, uint64_t value)
{
    uint64_t sum = 0;
    unsigned last = histogram_cell(value);
    for (unsigned i = 0; i <= last; i++) sum += h->cells[i];
    return sum;
}
