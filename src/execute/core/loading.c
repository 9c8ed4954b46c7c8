/* To come: nothing is loaded yet. */
#include "execute/core/loading.h"

#include <errno.h>
#include <stdio.h>

bool loading_on;

void loading_begin(void (*done)(int result, const char *reason)) { done(0, NULL); }

bool loading_step(uint64_t budget_us)
{
    (void)budget_us;
    return false;
}

int loading_rdb_now(const char *path, bool keeps, char *error, size_t error_len)
{
    (void)path;
    (void)keeps;
    snprintf(error, error_len, "not yet");
    return -ENOSYS;
}

int loading_log_now(char *error, size_t error_len)
{
    snprintf(error, error_len, "not yet");
    return -ENOSYS;
}

struct loading_figures loading_figures(void) { return (struct loading_figures){0}; }
