/*
 * The slow log.
 *
 * Invariant: an entry is one allocation, so what a client sends costs at most 32 arguments of about
 * 160 bytes in it. Ids are never used twice while the server lives.
 */
#include "execute/core/slowlog.h"

#include "base/clock.h"
#include "catalog/settings.h"
#include "execute/core/redact.h"
#include "execute/types/heap.h"

#include <inttypes.h>
#include <stdio.h>

#define SLOWLOG_TAIL_CHARS 48 /* "... (N more bytes)" */

static struct slowlog_entry *slowlog_newest, *slowlog_oldest;
static uint64_t slowlog_entries;
static uint64_t slowlog_next_id;
struct slowlog_entry *slowlog_fresh;

void slowlog_open(void)
{
    slowlog_newest = slowlog_oldest = NULL;
    slowlog_entries = 0;
    slowlog_next_id = 0;
    slowlog_fresh = NULL;
}

void slowlog_close(void) { slowlog_clear(); }

/* What an entry shows for argument i: a run of its bytes, then `tail`. */
struct slowlog_shown {
    struct bytes text;
    char tail[SLOWLOG_TAIL_CHARS];
};

static void slowlog_show(const struct call *c, uint32_t i, struct slowlog_shown *out)
{
    out->text = c->args[i];
    out->tail[0] = '\0';
    if (i == SLOWLOG_ARGS - 1 && c->nargs > SLOWLOG_ARGS) {
        out->text.len = 0;
        snprintf(out->tail, sizeof(out->tail), "... (%" PRIu32 " more arguments)",
                 c->nargs - SLOWLOG_ARGS + 1);
    } else if (redact_hides(c->spec, c->args, c->nargs, i)) {
        out->text = bytes_of(REDACTED);
    } else if (out->text.len > SLOWLOG_ARG_CHARS) {
        snprintf(out->tail, sizeof(out->tail), "... (%zu more bytes)",
                 out->text.len - SLOWLOG_ARG_CHARS);
        out->text.len = SLOWLOG_ARG_CHARS;
    }
}

/* Appends to the text behind an entry's arguments. */
static struct bytes slowlog_keep(char **to, struct bytes text, const char *tail)
{
    char *start = *to;
    if (text.len != 0) memcpy(*to, text.ptr, text.len);
    *to += text.len;
    size_t tail_len = strlen(tail);
    memcpy(*to, tail, tail_len);
    *to += tail_len;
    return bytes_make(start, (size_t)(*to - start));
}

/* ---- Entries whose replies are on their way ---- */

static void slowlog_board(struct slowlog_entry *e, struct slowlog_entry **list)
{
    e->ride_next = *list;
    e->ride_link = list;
    if (e->ride_next != NULL) e->ride_next->ride_link = &e->ride_next;
    *list = e;
}

static void slowlog_alight(struct slowlog_entry *e)
{
    if (e->ride_link == NULL) return;
    *e->ride_link = e->ride_next;
    if (e->ride_next != NULL) e->ride_next->ride_link = e->ride_link;
    e->ride_link = NULL;
}

void slowlog_ride(struct reply_batch *b, int64_t item)
{
    struct slowlog_entry *e;
    while ((e = slowlog_fresh) != NULL) {
        slowlog_alight(e);
        if (item < 0) continue;
        e->ride_item = (uint32_t)item;
        slowlog_board(e, &b->slow);
    }
}

void slowlog_land(struct reply_batch *b)
{
    struct slowlog_entry *e;
    while ((e = b->slow) != NULL) {
        uint64_t written = b->items[e->ride_item].written_ticks;
        slowlog_alight(e);
        if (written == 0) continue;
        uint64_t end = e->times.end_ticks;
        e->write_us = written > end ? (int64_t)(clock_ticks_to_ns(written - end) / 1000) : 0;
    }
}

/* ---- The log ---- */

static void slowlog_trim(uint64_t max)
{
    while (slowlog_entries > max) {
        struct slowlog_entry *old = slowlog_oldest;
        slowlog_oldest = old->newer;
        if (slowlog_oldest != NULL)
            slowlog_oldest->next = NULL;
        else
            slowlog_newest = NULL;
        slowlog_entries--;
        slowlog_alight(old);
        heap_free(old);
    }
}

static void slowlog_push(struct slowlog_entry *e)
{
    e->id = slowlog_next_id++;
    e->newer = NULL;
    e->next = slowlog_newest;
    if (slowlog_newest != NULL)
        slowlog_newest->newer = e;
    else
        slowlog_oldest = e;
    slowlog_newest = e;
    slowlog_entries++;
}

void slowlog_add(const struct call *c, const struct slowlog_times *times, uint64_t max)
{
    struct slowlog_shown shown[SLOWLOG_ARGS];
    uint32_t nargs = c->nargs < SLOWLOG_ARGS ? c->nargs : SLOWLOG_ARGS;
    size_t room = 0;
    for (uint32_t i = 0; i < nargs; i++) {
        slowlog_show(c, i, &shown[i]);
        room += shown[i].text.len + strlen(shown[i].tail);
    }
    char peer[256];
    conn_print_peer(conn_card(c->session->conn.slot), settings_now()->unixsocket, peer,
                    sizeof(peer));
    struct bytes name = bytes_of(c->session->name == NULL ? "" : c->session->name);
    room += strlen(peer) + name.len;

    struct slowlog_entry *e = heap_alloc(sizeof(*e) + nargs * sizeof(e->args[0]) + room);
    char *to = (char *)(e->args + nargs);
    for (uint32_t i = 0; i < nargs; i++)
        e->args[i] = slowlog_keep(&to, shown[i].text, shown[i].tail);
    e->peer = slowlog_keep(&to, bytes_of(peer), "");
    e->client_name = slowlog_keep(&to, name, "");
    e->nargs = nargs;
    e->at_s = c->now_ms / 1000;
    e->times = *times;
    e->write_us = -1;
    slowlog_push(e);
    slowlog_board(e, &slowlog_fresh);
    slowlog_trim(max);
}

const struct slowlog_entry *slowlog_first(void) { return slowlog_newest; }

uint64_t slowlog_count(void) { return slowlog_entries; }

uint64_t slowlog_next_entry_id(void) { return slowlog_next_id; }

void slowlog_clear(void) { slowlog_trim(0); }
