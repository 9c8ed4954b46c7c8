/*
 * Fuzzes the request parser: the first bytes of the input choose how the rest is cut, how much room
 * for arguments there is and which limits hold; the outcome must be that of the uncut bytes, and
 * every argument must lie inside its command.
 */
#include "codec/resp.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_MAX 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a run saw: a running hash of commands and arguments, and the error at the end. */
struct digest {
    uint64_t hash, commands;
    struct resp_error error;
};

static void digest_add(struct digest *d, const void *from, size_t len)
{
    const unsigned char *p = from;
    for (size_t i = 0; i < len; i++) d->hash = (d->hash ^ p[i]) * 0x100000001b3ull;
    d->hash = (d->hash ^ len) * 0x100000001b3ull;
}

static void check(bool good)
{
    if (!good) abort();
}

static void digest_command(struct digest *d, const struct resp_parser *p, const char *buf,
                           size_t have, const struct resp_span *spans)
{
    size_t end = 0;
    check(p->pos > 0 && p->pos <= have);
    for (uint32_t i = 0; i < p->nargs; i++) {
        check(spans[i].at >= end && spans[i].at + spans[i].len <= p->pos);
        end = spans[i].at + spans[i].len;
        digest_add(d, buf + spans[i].at, spans[i].len);
    }
    d->commands++;
    digest_add(d, &p->nargs, sizeof(p->nargs));
}

/* Feeds `text` in pieces that `cuts` chooses (NULL: whole); each call sees the buffer at an address
 * of its own, of exactly its size. */
static void run(struct digest *d, struct bytes text, const struct resp_limits *limits,
                const uint8_t *cuts, uint32_t room)
{
    static struct resp_span spans[ROOM_MAX];
    struct resp_parser p;
    char *buf = malloc(1);
    size_t have = 0, fed = 0, turn = 0;
    resp_next(&p);
    for (;;) {
        struct resp_input in = {buf, have, spans, room};
        enum resp_result result = resp_parse(&p, limits, &in, &d->error);
        if (result == RESP_ERROR) break;
        if (result == RESP_ROOM) {
            check(room < ROOM_MAX);
            room = room * 2 > ROOM_MAX ? ROOM_MAX : room * 2;
        } else if (result == RESP_COMMAND) {
            digest_command(d, &p, buf, have, spans);
            have -= p.pos;
            memmove(buf, buf + p.pos, have);
            resp_next(&p);
        } else {
            check(resp_wants(&p) == 0 || resp_wants(&p) > have);
            size_t n = text.len - fed;
            if (n == 0) break;
            if (cuts != NULL) n = 1 + cuts[turn++ % 4] % (n < 32 ? n : 32);
            char *moved = malloc(have + n);
            memcpy(moved, buf, have);
            memcpy(moved + have, text.ptr + fed, n);
            free(buf);
            buf = moved;
            have += n;
            fed += n;
        }
    }
    free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct resp_limits limits[2] = {{INT32_MAX, 1 << 20, 2048, true},
                                                 {10, 16384, 2048, false}};
    if (size < 5 || size > 16384) return 0;
    const struct resp_limits *l = &limits[data[4] & 1];
    struct bytes text = bytes_make((const char *)data + 5, size - 5);
    struct digest cut = {.hash = 1}, whole = {.hash = 1};
    run(&cut, text, l, data, 1u + data[4] / 2 % 8);
    run(&whole, text, l, NULL, ROOM_MAX);
    check(cut.commands == whole.commands && cut.hash == whole.hash);
    check((cut.error.text == NULL) == (whole.error.text == NULL));
    check(cut.error.text == NULL || strcmp(cut.error.text, whole.error.text) == 0);
    return 0;
}
