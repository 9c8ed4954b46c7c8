/*
 * `metrics-port`: the metrics page over HTTP, served by a thread of its own, which enters no
 * stage's turn and holds up nobody.
 *
 * One page for GET of "/" or "/metrics"; every connection is closed after its answer. Everything is
 * bounded: connections, the length of a request, and the time that each step may take; all memory
 * is there from the start.
 */
#ifndef BOOT_METRICS_H
#define BOOT_METRICS_H

#include "boot/metrics_page.h"
#include "catalog/settings.h"

struct metrics;

/* Listens at the addresses of `bind`, which must be possible, and starts the thread. NULL with a
 * text in `error`. */
struct metrics *metrics_open(const struct settings *settings, const struct metrics_sources *from,
                             char *error, size_t error_len);
/* Ends the thread; what was not sent is dropped. `m` may be NULL. */
void metrics_close(struct metrics *m);

#endif
