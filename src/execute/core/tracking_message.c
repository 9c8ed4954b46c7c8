/* Forms of invalidation messages. */
#include "execute/core/tracking_message.h"

#include "execute/core/tracking.h"

#include <inttypes.h>
#include <stdio.h>

static const char resp3_head[] = ">2\r\n$10\r\ninvalidate\r\n";
static const char resp2_head[] = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n";

struct tracking_message tracking_message_of(struct bytes keys)
{
    return (struct tracking_message){.keys = keys};
}

struct tracking_message tracking_message_of_all(void) { return (struct tracking_message){0}; }

static struct push *message_make(struct bytes head, struct bytes keys)
{
    struct push *p = push_open(0);
    char *at = push_room(p, head.len + keys.len);
    memcpy(at, head.ptr, head.len);
    memcpy(at + head.len, keys.ptr, keys.len);
    push_wrote(p, head.len + keys.len);
    return p;
}

static struct push *message_in_resp3(struct tracking_message *m)
{
    if (m->resp3 == NULL)
        m->resp3 =
            message_make(bytes_of(resp3_head), m->keys.ptr == NULL ? bytes_of("_\r\n") : m->keys);
    return m->resp3;
}

static struct push *message_in_resp2(struct tracking_message *m)
{
    if (m->resp2 == NULL)
        m->resp2 =
            message_make(bytes_of(resp2_head), m->keys.ptr == NULL ? bytes_of("$-1\r\n") : m->keys);
    return m->resp2;
}

/* Who was to get the messages has gone: the session that sent them there is told. */
static void message_is_lost(struct session *s)
{
    char wire[64];
    s->tracking->options |= TRACKING_BROKEN;
    if (s->resp < 3) return;
    int len = snprintf(wire, sizeof(wire), ">2\r\n$21\r\ntracking-redir-broken\r\n:%" PRIu64 "\r\n",
                       s->tracking->redirect);
    struct push *p = push_make(bytes_make(wire, (size_t)len));
    push_add(p, s);
    push_send(p);
}

void tracking_message_add(struct tracking_message *m, struct session *s)
{
    uint64_t redirect = s->tracking->redirect;
    struct session *to = redirect == 0 ? s : session_by_id(redirect);
    if (to == NULL)
        message_is_lost(s);
    else if (to->resp >= 3)
        push_add(message_in_resp3(m), to);
    else if (redirect != 0 && (to->care & CARE_SUBSCRIBED))
        push_add(message_in_resp2(m), to);
}

void tracking_message_send(struct tracking_message *m)
{
    if (m->resp2 != NULL) push_send(m->resp2);
    if (m->resp3 != NULL) push_send(m->resp3);
}
