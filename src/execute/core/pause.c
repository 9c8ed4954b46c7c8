/*
 * CLIENT PAUSE.
 *
 * Invariant: a session is in line_waiting if and only if is_paused is set, and in line_reading if
 * and only if is_choked is set; a session in any line but line_reading holds a command.
 */
#include "execute/core/pause.h"

struct session_line {
    struct session *first, *last;
    uint64_t count;
};

static struct session_line line_waiting, line_snapshot, line_reading, line_ready;
static enum pause_mode pause_now;
static int64_t pause_until;

void pause_open(void)
{
    line_waiting = line_snapshot = line_reading = line_ready = (struct session_line){0};
    pause_now = PAUSE_OFF;
    pause_until = -1;
}

static void line_join(struct session_line *line, struct session *s)
{
    must(s->line == NULL);
    s->line = line;
    s->line_next = NULL;
    s->line_prev = line->last;
    if (line->last != NULL)
        line->last->line_next = s;
    else
        line->first = s;
    line->last = s;
    line->count++;
}

void pause_forget(struct session *s)
{
    struct session_line *line = s->line;
    s->is_paused = false;
    s->is_choked = false;
    if (line == NULL) return;
    if (s->line_prev != NULL)
        s->line_prev->line_next = s->line_next;
    else
        line->first = s->line_next;
    if (s->line_next != NULL)
        s->line_next->line_prev = s->line_prev;
    else
        line->last = s->line_prev;
    line->count--;
    s->line = NULL;
}

void pause_wait(struct session *s)
{
    line_join(&line_waiting, s);
    s->is_paused = true;
}

uint64_t pause_unread_bytes(const struct session *s)
{
    const struct conn_card *card = conn_card(s->conn.slot);
    if (conn_meter(&card->cut)) return 0; /* nobody reads any more */
    uint64_t made = conn_meter(&card->replies);
    uint64_t taken = conn_meter(&card->out_bytes);
    return made > taken ? made - taken : 0;
}

void pause_for_snapshot(struct session *s) { line_join(&line_snapshot, s); }

static void pause_make_all_ready(struct session_line *line)
{
    while (line->first != NULL) {
        struct session *s = line->first;
        pause_forget(s);
        pause_make_ready(s);
    }
}

void pause_end_of_snapshot(void) { pause_make_all_ready(&line_snapshot); }

void pause_until_read(struct session *s)
{
    pause_forget(s);
    line_join(&line_reading, s);
    s->is_choked = true;
}

void pause_look_at_readers(uint64_t limit)
{
    struct session *next;
    for (struct session *s = line_reading.first; s != NULL; s = next) {
        next = s->line_next;
        if (!s->closing && pause_unread_bytes(s) > limit) continue;
        pause_forget(s);
        if (s->held_first != NULL || s->bye_waits) pause_make_ready(s);
    }
}

bool pause_has_readers(void) { return line_reading.first != NULL; }

void pause_make_ready(struct session *s) { line_join(&line_ready, s); }

struct session *pause_first_ready(void) { return line_ready.first; }

uint64_t pause_count_waiting(void) { return line_waiting.count; }

void pause_begin(enum pause_mode mode, int64_t until_ms)
{
    if (mode > pause_now) pause_now = mode;
    if (until_ms > pause_until) pause_until = until_ms;
}

void pause_end(void)
{
    pause_now = PAUSE_OFF;
    pause_until = -1;
    pause_judge_again();
}

void pause_judge_again(void) { pause_make_all_ready(&line_waiting); }

void pause_tick(int64_t now_ms)
{
    if (pause_now != PAUSE_OFF && now_ms >= pause_until) pause_end();
}

enum pause_mode pause_mode(void) { return pause_now; }

int64_t pause_until_ms(void) { return pause_until; }
