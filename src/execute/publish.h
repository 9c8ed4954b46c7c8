/*
 * Publishes execute's figures for those who do not enter its turn (execute/figures.h).
 */
#ifndef EXECUTE_PUBLISH_H
#define EXECUTE_PUBLISH_H

#include "execute/execute_private.h"

#include "catalog/settings.h"
#include "execute/figures.h"

/* In execute's turn, from its cron. A few microseconds. */
void publish_figures(struct execute_figures *f, const struct settings *settings);

#endif
