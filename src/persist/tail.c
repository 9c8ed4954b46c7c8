/* See tail.h. The file is open for appending: after a truncation writes go to the new end. */
#include "persist/tail.h"

#include "base/must.h"
#include "disk/disk.h"

#include <stdio.h>
#include <string.h>

enum { TAIL_STAMP_MAX = 32 };

void order_line_add(struct order_line *l, struct order *o)
{
    o->next = NULL;
    if (l->last == NULL)
        l->first = o;
    else
        l->last->next = o;
    l->last = o;
}

struct order *order_line_take(struct order_line *l)
{
    struct order *o = l->first;
    if (o == NULL) return NULL;
    l->first = o->next;
    if (l->first == NULL) l->last = NULL;
    return o;
}

void order_line_join(struct order_line *l, struct order_line *more)
{
    if (more->first == NULL) return;
    if (l->last == NULL)
        l->first = more->first;
    else
        l->last->next = more->first;
    l->last = more->last;
    *more = (struct order_line){0};
}

void tail_clear(struct tail *t) { *t = (struct tail){.fd = -1}; }

int tail_open(struct tail *t, int fd)
{
    int64_t size = disk_size(fd);
    if (size < 0) {
        disk_close(fd);
        return (int)size;
    }
    t->fd = fd;
    t->len = (uint64_t)size;
    t->is_torn = false;
    t->stamped_s = 0;
    return 0;
}

void tail_close(struct tail *t)
{
    if (t->fd >= 0) disk_close(t->fd);
    t->fd = -1;
}

static int tail_mend(struct tail *t)
{
    if (!t->is_torn) return 0;
    int rc = disk_truncate(t->fd, t->len);
    t->is_torn = rc != 0;
    return rc;
}

static int tail_put(struct tail *t, struct bytes data)
{
    int rc = tail_mend(t);
    if (rc == 0) rc = disk_write(t->fd, data, NULL);
    if (rc == 0) {
        t->len += data.len;
        return 0;
    }
    t->is_torn = true;
    tail_mend(t);
    return rc;
}

/* The note of an order's time, where its second is another than the last one's. */
static size_t tail_stamp(struct tail *t, const struct order *o, char *out)
{
    int64_t second = o->wall_ms / 1000;
    if (second <= t->stamped_s) return 0;
    t->stamped_s = second;
    return (size_t)snprintf(out, TAIL_STAMP_MAX, "#TS:%lld\r\n", (long long)second);
}

/* One order that is too large for the buffer. */
static int tail_write_large(struct tail *t, const struct order *o, bool stamps)
{
    char stamp[TAIL_STAMP_MAX];
    uint64_t len = t->len;
    size_t n = stamps ? tail_stamp(t, o, stamp) : 0;
    int rc = n > 0 ? tail_put(t, bytes_make(stamp, n)) : 0;
    if (rc == 0) rc = tail_put(t, bytes_make(o->buf, o->len));
    if (rc == 0 || t->len == len) return rc;
    t->len = len;
    t->is_torn = true;
    tail_mend(t);
    return rc;
}

int tail_write(struct tail *t, char *buf, size_t room, bool stamps, struct order_line *done)
{
    struct order *o = t->waiting.first, *end = o;
    int64_t stamped_s = t->stamped_s;
    size_t len = 0;
    must(o != NULL && room > TAIL_STAMP_MAX);
    for (; end != NULL && len + TAIL_STAMP_MAX + end->len <= room; end = end->next) {
        if (stamps) len += tail_stamp(t, end, buf + len);
        memcpy(buf + len, end->buf, end->len);
        len += end->len;
    }
    int rc;
    if (end == o) {
        end = o->next;
        rc = tail_write_large(t, o, stamps);
    } else {
        rc = tail_put(t, bytes_make(buf, len));
    }
    if (rc != 0) t->stamped_s = stamped_s;
    while (rc == 0 && t->waiting.first != end) order_line_add(done, order_line_take(&t->waiting));
    return rc;
}
