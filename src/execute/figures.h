/*
 * What execute tells those who do not enter its turn: figures that its cron publishes with relaxed
 * stores, ten times a second, once somebody wants them.
 */
#ifndef EXECUTE_FIGURES_H
#define EXECUTE_FIGURES_H

#include "base/counter.h"
#include "catalog/command.h"

#define FIGURES_DBS 64

enum db_figure { DB_KEYS, DB_DEADLINES, DB_AVERAGE_TTL_MS, DB_FIGURES };
enum command_figure {
    COMMAND_CALLS,
    COMMAND_US,
    COMMAND_REJECTED,
    COMMAND_FAILED,
    COMMAND_FIGURES
};

struct execute_figures {
/* A member for each row of catalog/metrics.def; those that execute does not know stay 0. */
#define METRIC(member, ...) struct counter member;
#include "catalog/metrics.def"
    struct counter dbs[FIGURES_DBS][DB_FIGURES]; /* those with the lowest numbers */
    struct counter commands_of[CMD_COUNT][COMMAND_FIGURES];
};

#endif
