/*
 * A channel that clients publish to and listen to. The first listener, the witness, is subscribed
 * before anybody publishes and stays to the end: what it hears is the order of all messages. Each
 * publisher's numbers come one after the other, to everybody; whoever listens hears a part of the
 * order without a gap; and the witness hears all whose PUBLISH was answered. Who listens and
 * publishes hears its own message right behind the answer.
 */
#include "sim/sim.h"

#include "base/must.h"

#include <stdlib.h>
#include <string.h>

enum { LISTENERS = 32, MESSAGES = 4096 };

struct message {
    int publisher, number;
};

struct listener {
    int count;
    struct message heard[MESSAGES];
};

static struct {
    int sent[LISTENERS], answered[LISTENERS]; /* by publisher: how many */
    int witness;
    bool is_over; /* the witness has ended its subscription, and heard all before */
    struct listener listeners[LISTENERS];
} news;

void news_open(int witness)
{
    memset(news.sent, 0, sizeof(news.sent));
    memset(news.answered, 0, sizeof(news.answered));
    for (int i = 0; i < LISTENERS; i++) news.listeners[i].count = 0;
    news.witness = witness;
    news.is_over = false;
}

bool news_are_full(void)
{
    int all = 0;
    for (int i = 0; i < LISTENERS; i++) all += news.sent[i];
    return all >= MESSAGES;
}

int news_publish(int client) { return news.sent[client]++; }

void news_answered(int client, int number) { news.answered[client] = number + 1; }

/* The number that a listener expects of a publisher next; -1: any. */
static int news_next(const struct listener *l, int publisher)
{
    for (int i = l->count; i-- > 0;)
        if (l->heard[i].publisher == publisher) return l->heard[i].number + 1;
    return -1;
}

static void news_heard(int listener, struct message m)
{
    struct listener *l = &news.listeners[listener];
    int next = news_next(l, m.publisher);
    bool is_first = next < 0 && (listener != news.witness || m.number == 0);
    if (m.number >= news.sent[m.publisher]) sim_fail("a message that nobody has sent");
    if (m.number != next && !is_first)
        sim_fail("listener %d heard message %d of client %d instead of %d", listener, m.number,
                 m.publisher, next);
    must(l->count < MESSAGES);
    l->heard[l->count++] = m;
}

/* The bulk at *at; false when it is not whole. */
static bool news_bulk(const struct text *rx, size_t *at, const char **bulk, size_t *len)
{
    const char *start = rx->data + *at, *end = memchr(start, '\n', rx->len - *at);
    if (end == NULL) return false;
    if (*start != '$') sim_fail("no bulk in a message: '%.20s'", start);
    *len = strtoul(start + 1, NULL, 10);
    *bulk = end + 1;
    size_t to = (size_t)(end + 1 - rx->data) + *len + 2;
    if (rx->len < to) return false;
    *at = to;
    return true;
}

/* "publisher.number." and the number's last digit again and again. */
static struct message news_read(const char *text, size_t len)
{
    char *end;
    struct message m = {.publisher = (int)strtol(text, &end, 10)};
    m.number = (int)strtol(end + 1, &end, 10);
    if (m.publisher < 0 || m.publisher >= LISTENERS) sim_fail("a message of nobody");
    for (const char *p = end + 1; p < text + len; p++)
        if (*p != '0' + m.number % 10) sim_fail("a broken message of client %d", m.publisher);
    return m;
}

void news_print(struct text *t, int client, int number, size_t len)
{
    text_print(t, "%d.%d.", client, number);
    while (t->len < len) text_print(t, "%d", number % 10);
}

enum news_kind news_take(int listener, const struct text *rx, size_t *len, int *own)
{
    const char *word, *name, *text;
    size_t word_len, name_len, text_len, at = 4;
    *own = -1;
    if (rx->len < 4 || !news_bulk(rx, &at, &word, &word_len)) return NEWS_PART;
    if (memcmp(rx->data + 1, "3\r\n", 3) != 0) sim_fail("a message of other than three parts");
    if (!news_bulk(rx, &at, &name, &name_len)) return NEWS_PART;
    if (name_len != strlen(NEWS) || memcmp(name, NEWS, name_len) != 0) sim_fail("a wrong channel");
    if (word_len == 7 && memcmp(word, "message", 7) == 0) {
        if (!news_bulk(rx, &at, &text, &text_len)) return NEWS_PART;
        *len = at;
        struct message m = news_read(text, text_len);
        news_heard(listener, m);
        if (m.publisher == listener) *own = m.number;
        return NEWS_MESSAGE;
    }
    const char *end = memchr(rx->data + at, '\n', rx->len - at);
    if (end == NULL) return NEWS_PART;
    if (rx->data[at] != ':') sim_fail("no count of subscriptions");
    *len = (size_t)(end + 1 - rx->data);
    bool begins = word_len == 9 && memcmp(word, "subscribe", 9) == 0;
    if (!begins && listener == news.witness) news.is_over = true;
    return begins ? NEWS_BEGIN : NEWS_END;
}

/* What a listener heard is a part of what the witness heard. */
static void news_check_listener(int listener)
{
    const struct listener *l = &news.listeners[listener], *all = &news.listeners[news.witness];
    int from = 0;
    if (l->count == 0) return;
    while (from < all->count && (all->heard[from].publisher != l->heard[0].publisher ||
                                 all->heard[from].number != l->heard[0].number))
        from++;
    for (int i = 0; i < l->count; i++) {
        const struct message *m = &l->heard[i];
        if (from + i >= all->count || all->heard[from + i].publisher != m->publisher ||
            all->heard[from + i].number != m->number)
            sim_fail("listener %d heard message %d of client %d in another order", listener,
                     m->number, m->publisher);
    }
}

void news_check_end(void)
{
    if (!news.is_over) return; /* the witness was killed */
    const struct listener *all = &news.listeners[news.witness];
    for (int i = 0; i < LISTENERS; i++) {
        int next = news_next(all, i);
        if (news.answered[i] > (next < 0 ? 0 : next))
            sim_fail("message %d of client %d was lost", news.answered[i] - 1, i);
        news_check_listener(i);
    }
}
