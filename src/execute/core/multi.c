/* Invariant: CARE_MULTI is set while s->multi is. */
#include "execute/core/multi.h"

#include "base/log.h"
#include "catalog/settings.h"
#include "execute/core/stats.h"
#include "execute/types/heap.h"

#include <inttypes.h>

enum {
    MULTI_BYTES = 1024,      /* of the first allocation: room for some small commands */
    MULTI_CHUNK_MAX = 65536, /* chunks grow up to this, but for a command that is larger */
    MULTI_ALIGN = _Alignof(struct held_command),
};

struct multi_chunk {
    struct multi_chunk *next;
    _Alignas(MULTI_ALIGN) char room[];
};

void multi_begin(struct session *s)
{
    must(s->multi == NULL);
    struct multi *m = heap_alloc(MULTI_BYTES);
    *m = (struct multi){
        .bytes = MULTI_BYTES,
        .suits_loading = true,
        .room = (char *)(m + 1),
        .room_len = MULTI_BYTES - sizeof(*m),
    };
    s->multi = m;
    session_set_care(s, CARE_MULTI, true);
}

static void multi_add_chunk(struct multi *m, size_t least)
{
    size_t room = m->bytes < MULTI_CHUNK_MAX ? m->bytes : MULTI_CHUNK_MAX;
    if (room < least) room = least;
    struct multi_chunk *c = heap_alloc(sizeof(*c) + room);
    c->next = m->chunks;
    m->chunks = c;
    m->bytes += sizeof(*c) + room;
    m->room = c->room;
    m->room_len = room;
}

static void *multi_take_room(struct multi *m, size_t size)
{
    size = (size + MULTI_ALIGN - 1) / MULTI_ALIGN * MULTI_ALIGN;
    if (m->room_len < size) multi_add_chunk(m, size);
    char *room = m->room;
    m->room += size;
    m->room_len -= size;
    return room;
}

/* What waits for EXEC is input as much as what parse holds. */
static void multi_check_limit(struct session *s)
{
    int64_t limit = settings_now()->client_query_buffer_limit;
    if (likely(limit <= 0 || s->multi->bytes <= (uint64_t)limit)) return;
    log_warn("Closing client id=%" PRIu64 " that reached max query buffer length: %zu bytes in its "
             "transaction",
             s->id, s->multi->bytes);
    stats()->query_limit_cuts++;
    multi_forget(s);
    session_kill(s);
}

void multi_queue(struct session *s, const struct command *cmd, uint32_t flags)
{
    struct multi *m = s->multi;
    size_t size = held_size(cmd);
    struct held_command *h = held_copy_to(multi_take_room(m, size), size, cmd, 0);
    if (m->last != NULL)
        m->last->next = h;
    else
        m->first = h;
    m->last = h;
    m->count++;
    m->flags |= flags;
    m->suits_loading &= (cmd->spec->flags & CF_LOADING) != 0;
    multi_check_limit(s);
}

void multi_abort(struct session *s)
{
    if (s->multi != NULL) s->multi->aborted = true;
}

struct multi *multi_take(struct session *s)
{
    struct multi *m = s->multi;
    s->multi = NULL;
    session_set_care(s, CARE_MULTI, false);
    return m;
}

void multi_free(struct multi *m)
{
    while (m->chunks != NULL) {
        struct multi_chunk *c = m->chunks;
        m->chunks = c->next;
        heap_free(c);
    }
    heap_free(m);
}

void multi_forget(struct session *s)
{
    if (s->multi != NULL) multi_free(multi_take(s));
}
