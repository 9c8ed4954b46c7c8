/*
 * Each test once with epoll and once with io_uring.
 *
 * The file has fixture_open(), which is given the kind in **state and opens nothing where
 * poller_has_uring() says no, and fixture_close(); its tests begin with NEEDS_BACKEND(what it
 * opened).
 */
#ifndef TESTS_UNIT_BACKENDS_H
#define TESTS_UNIT_BACKENDS_H

#include "flow/poller.h"
#include "unit/check.h"

static enum poller_kind backend_epoll = POLLER_EPOLL, backend_uring = POLLER_URING;

#define BACKEND_TEST(test, kind)                                                               \
    {                                                                                          \
#test "_" #kind, test, fixture_open, fixture_close, (void *)(uintptr_t)&backend_##kind \
    }
#define BOTH(test) BACKEND_TEST(test, epoll), BACKEND_TEST(test, uring)

#define NEEDS_BACKEND_OF(what)      \
    do {                            \
        (void)state;                \
        if ((what) == NULL) skip(); \
    } while (0)

#endif
