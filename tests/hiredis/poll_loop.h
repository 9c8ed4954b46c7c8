/*
 * hiredis's asynchronous contexts on poll(2).
 *
 * A loop watches up to POLL_LOOP_LINKS contexts. hiredis says through its hooks what each wants;
 * poll_loop_turn waits once and handles what is ready. A callback may end its own context or any
 * other: the slot of a context that ended is empty from then on, and is looked at again before
 * every call into hiredis.
 */
#ifndef HIREDIS_POLL_LOOP_H
#define HIREDIS_POLL_LOOP_H

#include "hiredis/server.h"

#include <hiredis/async.h>

enum { POLL_LOOP_LINKS = 1024 };

struct poll_link {
    redisAsyncContext *context; /* NULL: the slot is free */
    bool reads, writes;
};

struct poll_loop {
    struct poll_link links[POLL_LOOP_LINKS];
    size_t count; /* slots from here on were never used */
};

static inline void poll_loop_add_read(void *link) { ((struct poll_link *)link)->reads = true; }
static inline void poll_loop_del_read(void *link) { ((struct poll_link *)link)->reads = false; }
static inline void poll_loop_add_write(void *link) { ((struct poll_link *)link)->writes = true; }
static inline void poll_loop_del_write(void *link) { ((struct poll_link *)link)->writes = false; }

static inline void poll_loop_cleanup(void *link)
{
    *(struct poll_link *)link = (struct poll_link){0};
}

/* The loop serves this context until hiredis frees it. */
static inline void poll_loop_attach(struct poll_loop *loop, redisAsyncContext *context)
{
    assert_true(loop->count < POLL_LOOP_LINKS);
    struct poll_link *link = &loop->links[loop->count++];
    *link = (struct poll_link){.context = context};
    context->ev.data = link;
    context->ev.addRead = poll_loop_add_read;
    context->ev.delRead = poll_loop_del_read;
    context->ev.addWrite = poll_loop_add_write;
    context->ev.delWrite = poll_loop_del_write;
    context->ev.cleanup = poll_loop_cleanup;
    link->reads = link->writes = true;
}

static inline void poll_loop_handle(struct poll_link *link, redisAsyncContext *context, short ready)
{
    short bad = POLLERR | POLLHUP;
    if (link->context == context && link->reads && (ready & (POLLIN | bad)))
        redisAsyncHandleRead(context);
    if (link->context == context && link->writes && (ready & (POLLOUT | bad)))
        redisAsyncHandleWrite(context);
}

/* False: nothing is watched any more, or nothing happened for SERVER_PATIENCE_S seconds. */
static inline bool poll_loop_turn(struct poll_loop *loop)
{
    static struct pollfd fds[POLL_LOOP_LINKS];
    static struct poll_link *links[POLL_LOOP_LINKS];
    static redisAsyncContext *contexts[POLL_LOOP_LINKS];
    nfds_t count = 0;
    for (size_t i = 0; i < loop->count; i++) {
        struct poll_link *link = &loop->links[i];
        if (link->context == NULL) continue;
        short wants = (short)((link->reads ? POLLIN : 0) | (link->writes ? POLLOUT : 0));
        fds[count] = (struct pollfd){.fd = link->context->c.fd, .events = wants};
        links[count] = link;
        contexts[count++] = link->context;
    }
    if (count == 0 || poll(fds, count, SERVER_PATIENCE_S * 1000) <= 0) return false;
    for (nfds_t i = 0; i < count; i++) poll_loop_handle(links[i], contexts[i], fds[i].revents);
    return true;
}

/* Turns until *done reaches `wanted`. */
static inline void poll_loop_until(struct poll_loop *loop, const size_t *done, size_t wanted)
{
    while (*done < wanted)
        if (!poll_loop_turn(loop)) fail_msg("%zu of %zu after a long wait", *done, wanted);
}

#endif
