/*
 * Invariants: a topic (a channel, pattern or shard channel) stands in its kind's map while somebody
 * is subscribed to it. A subscription stands in its session's list, in its topic's array and in the
 * map of all, under the pair of both. A session has `subscriptions` while it has one.
 *
 * A topic remembers the pushes that its last message went into, one for each protocol version. They
 * take further messages while they are the last that wait; `push_run` says so. Whoever changes who
 * receives what calls push_end_run().
 */
#include "execute/core/pubsub.h"

#include "codec/glob.h"
#include "codec/number.h"
#include "execute/core/name_map.h"
#include "execute/core/push.h"
#include "execute/types/heap.h"

struct subscription {
    struct session *session;
    struct topic *topic;
    uint32_t at;                      /* in the topic's array */
    struct subscription *prev, *next; /* of the session, of one kind */
};

struct topic {
    enum pubsub_kind kind;
    struct key key;
    struct subscription **subscribers;
    uint32_t count, max;
    struct push *open[2];      /* RESP2, RESP3; one of them at least while `run` is push_run */
    uint64_t run;              /* 0: never */
    struct topic *prev, *next; /* of all patterns */
};

struct subscriptions {
    struct subscription *first[PUBSUB_KINDS], *last[PUBSUB_KINDS];
    uint64_t count[PUBSUB_KINDS];
    size_t bytes;
};

static struct name_map pubsub_topics[PUBSUB_KINDS];
static struct name_map pubsub_pairs;
static struct topic *pattern_first, *pattern_last;
static uint64_t pubsub_sessions; /* with a subscription */

void pubsub_open(void)
{
    for (int kind = 0; kind < PUBSUB_KINDS; kind++) pubsub_topics[kind] = (struct name_map){0};
    pubsub_pairs = (struct name_map){0};
}

void pubsub_close(void)
{
    must(pubsub_sessions == 0);
    for (int kind = 0; kind < PUBSUB_KINDS; kind++) name_map_close(&pubsub_topics[kind]);
    name_map_close(&pubsub_pairs);
}

/* ---- Topics ---- */

static struct topic *topic_find(enum pubsub_kind kind, struct key name)
{
    return name_map_find(&pubsub_topics[kind], name);
}

static struct topic *topic_make(enum pubsub_kind kind, struct key name)
{
    struct topic *t = heap_zalloc(sizeof(*t));
    t->kind = kind;
    t->key = (struct key){name_map_add(&pubsub_topics[kind], name, t), name.hash};
    if (kind != PUBSUB_PATTERN) return t;
    t->prev = pattern_last;
    if (pattern_last != NULL)
        pattern_last->next = t;
    else
        pattern_first = t;
    pattern_last = t;
    return t;
}

static void topic_free(struct topic *t)
{
    if (t->prev != NULL)
        t->prev->next = t->next;
    else if (pattern_first == t)
        pattern_first = t->next;
    if (t->next != NULL)
        t->next->prev = t->prev;
    else if (pattern_last == t)
        pattern_last = t->prev;
    name_map_remove(&pubsub_topics[t->kind], t->key);
    heap_free(t->subscribers);
    heap_free(t);
}

static void topic_add(struct topic *t, struct subscription *sub)
{
    if (t->count == t->max) {
        t->max = t->max == 0 ? 1 : t->max * 2;
        t->subscribers = heap_realloc(t->subscribers, t->max * sizeof(struct subscription *));
    }
    sub->at = t->count;
    t->subscribers[t->count++] = sub;
}

/* The last one takes its place. */
static void topic_remove(struct topic *t, const struct subscription *sub)
{
    struct subscription *moved = t->subscribers[--t->count];
    t->subscribers[sub->at] = moved;
    moved->at = sub->at;
    if (t->count == 0) {
        topic_free(t);
    } else if (t->count <= t->max / 4) {
        t->max /= 2;
        t->subscribers = heap_realloc(t->subscribers, t->max * sizeof(struct subscription *));
    }
}

/* ---- Subscriptions ---- */

/* The two addresses; they name the pair while both live. */
struct pair {
    const struct session *session;
    const struct topic *topic;
};

static struct key pair_key(const struct pair *p)
{
    return key_make(bytes_make((const char *)p, sizeof(*p)));
}

static void pubsub_settle(struct session *s)
{
    session_set_care(s, CARE_SUBSCRIBED, s->subscriptions != NULL && s->resp == 2);
    push_end_run();
}

static struct subscriptions *subscriptions_of(struct session *s)
{
    if (s->subscriptions != NULL) return s->subscriptions;
    s->subscriptions = heap_zalloc(sizeof(*s->subscriptions));
    s->subscriptions->bytes = arena_usable(s->subscriptions);
    pubsub_sessions++;
    session_tell_output_class(s);
    return s->subscriptions;
}

/* What a subscription costs, its place in the topic and in the map of pairs included; the topic
 * itself is shared. */
static size_t subscription_bytes(const struct subscription *sub)
{
    enum { PAIR_BYTES = 48, PLACE_BYTES = 2 * sizeof(void *) };
    return arena_usable(sub) + PAIR_BYTES + PLACE_BYTES + sub->topic->key.name.len;
}

bool pubsub_subscribe(struct session *s, enum pubsub_kind kind, struct key name)
{
    struct topic *t = topic_find(kind, name);
    struct pair pair = {s, t};
    if (t != NULL && s->subscriptions != NULL &&
        name_map_find(&pubsub_pairs, pair_key(&pair)) != NULL)
        return false;
    if (t == NULL) pair.topic = t = topic_make(kind, name);

    struct subscriptions *of = subscriptions_of(s);
    struct subscription *sub = heap_alloc(sizeof(*sub));
    *sub = (struct subscription){.session = s, .topic = t, .prev = of->last[kind]};
    if (sub->prev != NULL)
        sub->prev->next = sub;
    else
        of->first[kind] = sub;
    of->last[kind] = sub;
    of->count[kind]++;
    of->bytes += subscription_bytes(sub);
    topic_add(t, sub);
    name_map_add(&pubsub_pairs, pair_key(&pair), sub);
    pubsub_settle(s);
    return true;
}

static void pubsub_end(struct subscription *sub)
{
    struct topic *t = sub->topic;
    struct session *s = sub->session;
    struct subscriptions *of = s->subscriptions;
    struct pair pair = {s, t};
    name_map_remove(&pubsub_pairs, pair_key(&pair));
    if (sub->prev != NULL)
        sub->prev->next = sub->next;
    else
        of->first[t->kind] = sub->next;
    if (sub->next != NULL)
        sub->next->prev = sub->prev;
    else
        of->last[t->kind] = sub->prev;
    of->count[t->kind]--;
    of->bytes -= subscription_bytes(sub);
    topic_remove(t, sub);
    heap_free(sub);
    if (of->count[PUBSUB_CHANNEL] + of->count[PUBSUB_PATTERN] + of->count[PUBSUB_SHARD] == 0) {
        heap_free(of);
        s->subscriptions = NULL;
        pubsub_sessions--;
        session_tell_output_class(s);
    }
    pubsub_settle(s);
}

bool pubsub_unsubscribe(struct session *s, enum pubsub_kind kind, struct key name)
{
    struct pair pair = {s, topic_find(kind, name)};
    if (pair.topic == NULL) return false;
    struct subscription *sub = name_map_find(&pubsub_pairs, pair_key(&pair));
    if (sub == NULL) return false;
    pubsub_end(sub);
    return true;
}

bool pubsub_unsubscribe_first(struct session *s, enum pubsub_kind kind,
                              void (*gone)(void *ctx, struct bytes name), void *ctx)
{
    struct subscription *sub = s->subscriptions == NULL ? NULL : s->subscriptions->first[kind];
    if (sub == NULL) return false;
    if (gone != NULL) gone(ctx, sub->topic->key.name);
    pubsub_end(sub);
    return true;
}

void pubsub_forget_all(struct session *s)
{
    for (int kind = 0; kind < PUBSUB_KINDS; kind++)
        while (pubsub_unsubscribe_first(s, (enum pubsub_kind)kind, NULL, NULL)) {}
}

uint64_t pubsub_count(const struct session *s, enum pubsub_kind kind)
{
    return s->subscriptions == NULL ? 0 : s->subscriptions->count[kind];
}

void pubsub_each_of(const struct session *s, enum pubsub_kind kind,
                    void (*visit)(void *ctx, struct bytes name), void *ctx)
{
    if (s->subscriptions == NULL) return;
    for (const struct subscription *sub = s->subscriptions->first[kind]; sub != NULL;
         sub = sub->next)
        visit(ctx, sub->topic->key.name);
}

void pubsub_version_changed(struct session *s) { pubsub_settle(s); }

size_t pubsub_memory(const struct session *s)
{
    return s->subscriptions == NULL ? 0 : s->subscriptions->bytes;
}

/* ---- Messages ---- */

bool pubsub_is_heard(void)
{
    return pattern_first != NULL || name_map_count(&pubsub_topics[PUBSUB_CHANNEL]) > 0;
}

/* A message: its kind says how it begins. */
struct frame {
    enum pubsub_kind kind;
    struct bytes parts[3];
    int count;
};

static const struct frame_head {
    const char *text; /* after the type, which is the protocol version's */
    size_t len;
} frame_heads[PUBSUB_KINDS] = {
#define FRAME_HEAD(head)       \
    {                          \
        head, sizeof(head) - 1 \
    }
    [PUBSUB_CHANNEL] = FRAME_HEAD("3\r\n$7\r\nmessage\r\n"),
    [PUBSUB_PATTERN] = FRAME_HEAD("4\r\n$8\r\npmessage\r\n"),
    [PUBSUB_SHARD] = FRAME_HEAD("3\r\n$8\r\nsmessage\r\n"),
};

static void frame_write(const struct frame *f, struct push *p, char type)
{
    const struct frame_head *head = &frame_heads[f->kind];
    size_t most = 1 + head->len;
    for (int i = 0; i < f->count; i++) most += f->parts[i].len + NUMBER_INT_CHARS + 5;
    char *start = push_room(p, most), *at = start;
    *at++ = type;
    memcpy(at, head->text, head->len);
    at += head->len;
    for (int i = 0; i < f->count; i++) {
        struct bytes part = f->parts[i];
        *at++ = '$';
        at += number_print_uint(at, part.len);
        *at++ = '\r';
        *at++ = '\n';
        if (part.len > 0) memcpy(at, part.ptr, part.len);
        at += part.len;
        *at++ = '\r';
        *at++ = '\n';
    }
    push_wrote(p, (size_t)(at - start));
}

/* Do the pushes of the last message take one more? */
static bool topic_goes_on(const struct topic *t)
{
    const struct push *p = t->open[0] != NULL ? t->open[0] : t->open[1];
    return t->run == push_run && p->len < PUSH_LEN_MAX;
}

static void topic_open_pushes(struct topic *t)
{
    t->open[0] = t->open[1] = NULL;
    for (uint32_t i = 0; i < t->count; i++) {
        struct session *s = t->subscribers[i]->session;
        struct push **p = &t->open[s->resp == 3];
        if (*p == NULL) *p = push_open(t->count);
        push_add(*p, s);
    }
    for (int i = 0; i < 2; i++)
        if (t->open[i] != NULL) push_send(t->open[i]);
    t->run = push_run;
}

static uint64_t topic_send(struct topic *t, const struct frame *f)
{
    if (!topic_goes_on(t)) topic_open_pushes(t);
    if (t->open[0] != NULL) frame_write(f, t->open[0], '*');
    if (t->open[1] != NULL) frame_write(f, t->open[1], '>');
    return t->count;
}

static uint64_t pubsub_publish_to_patterns(struct bytes channel, struct bytes message)
{
    uint64_t count = 0;
    for (struct topic *t = pattern_first; t != NULL; t = t->next) {
        if (!glob_match(t->key.name, channel, false)) continue;
        const struct frame f = {PUBSUB_PATTERN, {t->key.name, channel, message}, 3};
        count += topic_send(t, &f);
    }
    return count;
}

uint64_t pubsub_publish(enum pubsub_kind kind, struct key channel, struct bytes message)
{
    const struct frame f = {kind, {channel.name, message}, 2};
    struct topic *t = topic_find(kind, channel);
    uint64_t count = t == NULL ? 0 : topic_send(t, &f);
    if (kind == PUBSUB_CHANNEL && pattern_first != NULL)
        count += pubsub_publish_to_patterns(channel.name, message);
    return count;
}

/* ---- For people ---- */

uint64_t pubsub_name_count(enum pubsub_kind kind) { return name_map_count(&pubsub_topics[kind]); }

uint64_t pubsub_subscriber_count(enum pubsub_kind kind, struct key name)
{
    const struct topic *t = topic_find(kind, name);
    return t == NULL ? 0 : t->count;
}

struct name_visit {
    void (*visit)(void *ctx, struct bytes name);
    void *ctx;
};

static void pubsub_visit(void *ctx, struct bytes name, void *value)
{
    (void)value;
    const struct name_visit *v = ctx;
    v->visit(v->ctx, name);
}

void pubsub_each(enum pubsub_kind kind, void (*visit)(void *ctx, struct bytes name), void *ctx)
{
    struct name_visit v = {visit, ctx};
    if (pubsub_name_count(kind) > 0) name_map_each(&pubsub_topics[kind], pubsub_visit, &v);
}

uint64_t pubsub_session_count(void) { return pubsub_sessions; }
