/*
 * Held commands.
 *
 * Invariant: s->held_bytes is the sum over the session's line and the command it is blocked in, and
 * the connection's card shows it.
 */
#include "execute/core/held.h"

#include "execute/types/heap.h"
#include "msg/conn.h"

static void held_publish(const struct session *s) { conn_card(s->conn.slot)->held = s->held_bytes; }

size_t held_size(const struct command *cmd)
{
    size_t text = 0;
    for (uint32_t i = 0; i < cmd->nargs; i++) text += cmd->args[i].len;
    return sizeof(struct held_command) + cmd->nargs * sizeof(struct bytes) + text;
}

struct held_command *held_copy_to(void *memory, size_t size, const struct command *cmd,
                                  uint64_t ticks)
{
    struct held_command *h = memory;
    *h = (struct held_command){.bytes = size, .ticks = ticks, .command = *cmd};
    h->command.args = h->args;
    h->command.held = true;
    char *to = (char *)(h->args + cmd->nargs);
    for (uint32_t i = 0; i < cmd->nargs; i++) {
        size_t len = cmd->args[i].len;
        if (len != 0) memcpy(to, cmd->args[i].ptr, len);
        h->args[i] = bytes_make(to, len);
        to += len;
    }
    return h;
}

struct held_command *held_copy(const struct command *cmd, uint64_t ticks)
{
    size_t size = held_size(cmd);
    return held_copy_to(heap_alloc(size), size, cmd, ticks);
}

void held_add(struct session *s, const struct command *cmd, uint64_t ticks)
{
    struct held_command *h = held_copy(cmd, ticks);
    if (s->held_last != NULL)
        s->held_last->next = h;
    else
        s->held_first = h;
    s->held_last = h;
    s->held_bytes += h->bytes;
    held_publish(s);
}

struct held_command *held_take(struct session *s)
{
    struct held_command *h = s->held_first;
    if (h == NULL) return NULL;
    s->held_first = h->next;
    if (s->held_first == NULL) s->held_last = NULL;
    s->held_bytes -= h->bytes;
    held_publish(s);
    return h;
}

void held_return(struct session *s, struct held_command *h)
{
    h->next = s->held_first;
    s->held_first = h;
    if (s->held_last == NULL) s->held_last = h;
    s->held_bytes += h->bytes;
    held_publish(s);
}

void held_free(struct held_command *h) { heap_free(h); }

void held_keep_blocked(struct session *s, const struct command *cmd, uint64_t ticks)
{
    s->blocked = held_copy(cmd, ticks);
    s->held_bytes += s->blocked->bytes;
    held_publish(s);
}

void held_drop_blocked(struct session *s)
{
    if (s->blocked == NULL) return;
    s->held_bytes -= s->blocked->bytes;
    held_free(s->blocked);
    s->blocked = NULL;
    held_publish(s);
}

void held_clear(struct session *s)
{
    struct held_command *h;
    while ((h = held_take(s)) != NULL) held_free(h);
}
