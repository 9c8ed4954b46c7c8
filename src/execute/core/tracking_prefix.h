/*
 * Prefixes of keys that sessions in broadcast mode listen to.
 *
 * Changed keys are gathered for each prefix and told by tracking_prefix_tell(), a key once, to all
 * who listen to the prefix.
 */
#ifndef EXECUTE_CORE_TRACKING_PREFIX_H
#define EXECUTE_CORE_TRACKING_PREFIX_H

#include "execute/execute_private.h"

#include "execute/core/session.h"
#include "execute/types/key.h"

struct tracking_prefix;

void tracking_prefix_close(void);

/* The session must track. A prefix that it listens to already is not added twice. */
void tracking_prefix_add(struct session *s, struct bytes prefix);
void tracking_prefix_forget_all(struct session *s);
/* The session's prefixes, in their order. */
struct bytes tracking_prefix_at(const struct session *s, uint32_t i);
/* One of the session's that is a beginning of `prefix`, or begins with it: in *out; false without.
 */
bool tracking_prefix_overlap(const struct session *s, struct bytes prefix, struct bytes *out);

void tracking_prefix_touched(struct key key, const struct session *by);

/* True while there is something to tell. */
static inline bool tracking_prefix_is_pending(void)
{
    extern struct tracking_prefix *tracking_prefix_changed;
    return tracking_prefix_changed != NULL;
}
void tracking_prefix_tell(void);

uint64_t tracking_prefix_count(void); /* different ones */

#endif
