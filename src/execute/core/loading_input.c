/*
 * Invariants: buf <= summed <= at <= end <= buf + cap while a file is read. What has been passed is
 * summed before it is overwritten, when it is still in the cache.
 */
#include "execute/core/loading_input.h"

#include "codec/crc64.h"
#include "disk/disk.h"
#include "execute/types/heap.h"

#include <fcntl.h>

enum { INPUT_PIECE = 256 * 1024 };

int loading_input_open(struct loading_input *in, const char *path)
{
    *in = (struct loading_input){.fd = disk_open(path, DISK_READ)};
    if (in->fd < 0) return in->fd;
    int64_t size = disk_size(in->fd);
    if (size < 0) {
        disk_close(in->fd);
        return (int)size;
    }
    posix_fadvise(in->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    in->size = (uint64_t)size;
    in->cap = in->size + 1 < INPUT_PIECE ? (size_t)in->size + 1 : INPUT_PIECE;
    in->buf = heap_alloc(in->cap);
    in->at = in->end = in->summed = in->buf;
    return 0;
}

void loading_input_open_bytes(struct loading_input *in, struct bytes all)
{
    const uint8_t *from = (const uint8_t *)all.ptr;
    *in = (struct loading_input){
        .fd = -1, .size = all.len, .read = all.len, .at = from, .end = from + all.len};
    in->summed = from;
}

void loading_input_close(struct loading_input *in)
{
    if (in->buf != NULL) disk_close(in->fd);
    heap_free(in->buf);
    in->buf = NULL;
    in->fd = -1;
    in->at = in->end = in->summed = in->buf = NULL;
}

static void input_sum_up(struct loading_input *in)
{
    if (in->sums)
        in->sum =
            crc64(in->sum, bytes_make((const char *)in->summed, (size_t)(in->at - in->summed)));
    in->summed = in->at;
}

/* Room for more behind what is left: that moves to the start, or the buffer grows when it is full
 * of it. */
static void input_make_room(struct loading_input *in)
{
    size_t left = loading_input_left(in);
    input_sum_up(in);
    if (left > in->cap / 2) {
        size_t cap = in->cap * 2;
        uint8_t *buf = heap_alloc(cap);
        memcpy(buf, in->at, left);
        heap_free(in->buf);
        in->buf = buf;
        in->cap = cap;
    } else {
        memmove(in->buf, in->at, left);
    }
    in->at = in->summed = in->buf;
    in->end = in->buf + left;
}

bool loading_input_more(struct loading_input *in)
{
    if (in->fd < 0 || in->error != 0) return false;
    input_make_room(in);
    uint8_t *to = in->buf + loading_input_left(in);
    int64_t n = disk_read(in->fd, to, (size_t)(in->buf + in->cap - to));
    if (n < 0) in->error = (int)-n;
    if (n <= 0) return false;
    in->end += n;
    in->read += (uint64_t)n;
    return true;
}

void loading_input_sum_begin(struct loading_input *in)
{
    in->sums = true;
    in->sum = 0;
    in->summed = in->at;
}

uint64_t loading_input_sum(struct loading_input *in)
{
    input_sum_up(in);
    return in->sum;
}
