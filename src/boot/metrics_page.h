/*
 * The metrics page: figures in Prometheus's text format, version 0.0.4.
 *
 * Everything in it is read relaxed from what the stages publish; nobody's turn is entered.
 */
#ifndef BOOT_METRICS_PAGE_H
#define BOOT_METRICS_PAGE_H

#include "execute/execute.h"

#include <stddef.h>

struct metrics_sources {
    const struct execute_figures *figures;
    void (*counters)(struct world_counters *out);
};

/* Enough for every line that there can be. */
#define METRICS_PAGE_MAX (512 * 1024)

/* Writes the page; gives its length. A line that does not fit into `room` bytes is left out. */
size_t metrics_page(const struct metrics_sources *from, char *out, size_t room);

#endif
