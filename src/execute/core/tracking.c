/* Invariant: somebody tracks while EVENT_EAR_TRACKING is set, and the table is empty otherwise. */
#include "execute/core/tracking.h"

#include "execute/core/key_uses.h"
#include "execute/core/tracking_message.h"
#include "execute/core/tracking_prefix.h"
#include "execute/core/tracking_table.h"
#include "execute/types/heap.h"

static uint64_t tracking_clients;

void tracking_close(void)
{
    must(tracking_clients == 0);
    tracking_table_close();
    tracking_prefix_close();
}

void tracking_begin(struct session *s, uint8_t options, uint64_t redirect)
{
    if (s->tracking == NULL) {
        s->tracking = heap_zalloc(sizeof(*s->tracking));
        tracking_clients++;
        event_listen(EVENT_EAR_TRACKING, true);
    }
    s->tracking->options = options;
    s->tracking->redirect = redirect;
}

void tracking_end(struct session *s)
{
    if (s->tracking == NULL) return;
    tracking_prefix_forget_all(s);
    heap_free(s->tracking);
    s->tracking = NULL;
    session_set_care(s, CARE_CACHING, false);
    if (--tracking_clients > 0) return;
    event_listen(EVENT_EAR_TRACKING, false);
    tracking_table_clear();
}

void tracking_set_caching(struct session *s) { session_set_care(s, CARE_CACHING, true); }

/* Further CLIENT commands and a transaction as a whole do not use it up. */
void tracking_command_done(struct session *s, const struct command_spec *spec)
{
    bool is_client = spec != NULL && spec->parent != NULL && strcmp(spec->parent, "client") == 0;
    if (!is_client && s->multi == NULL) session_set_care(s, CARE_CACHING, false);
}

/* Scripts that only read are marked as such, but it is their commands that read. */
static bool tracking_wants(const struct session *s, const struct command_spec *spec)
{
    const struct tracking *t = s->tracking;
    if (t == NULL || (t->options & TRACKING_BROADCAST)) return false;
    if ((t->options & TRACKING_OPTIN) && !tracking_is_caching(s)) return false;
    if ((t->options & TRACKING_OPTOUT) && tracking_is_caching(s)) return false;
    return (spec->categories & CAT_SCRIPTING) == 0;
}

void tracking_remember(const struct call *c)
{
    const struct session *s = call_outermost(c)->session;
    if (!tracking_wants(s, c->spec)) return;
    struct key_uses keys;
    key_uses_find(&keys, command_keys, c->spec, c->args, c->nargs);
    uint64_t max = (uint64_t)c->settings->tracking_table_max_keys;
    for (int64_t i = 0; i < keys.count; i++)
        if (!(keys.at[i].flags & KEY_NOT_KEY))
            tracking_table_add(call_key(c, keys.at[i].index), s->id, max);
    key_uses_free(&keys);
}

void tracking_touched(struct key key, const struct session *by)
{
    tracking_table_touched(key, by);
    tracking_prefix_touched(key, by);
}

void tracking_flushed(void)
{
    tracking_table_clear();
    struct tracking_message m = tracking_message_of_all();
    for (struct session *s = sessions_first(); s != NULL; s = s->next)
        if (s->tracking != NULL) tracking_message_add(&m, s);
    tracking_message_send(&m);
}

bool tracking_work(int64_t max_keys) { return tracking_table_work((uint64_t)max_keys); }

uint64_t tracking_client_count(void) { return tracking_clients; }

size_t tracking_bytes(const struct session *s)
{
    return s->tracking == NULL ? 0 : arena_usable(s->tracking) + s->tracking->prefix_bytes;
}
