/*
 * WATCH: sessions whose next EXEC fails when one of these keys was changed.
 *
 * A key that is changed, evicted or deleted because it was due fails all who watch it. One that had
 * expired already when it was watched counts as absent: that it is deleted then changes nothing.
 */
#ifndef EXECUTE_CORE_WATCH_H
#define EXECUTE_CORE_WATCH_H

#include "execute/execute_private.h"

#include "execute/core/session.h"

void watch_open(void);
void watch_close(void);

/* A key that the session watches already is not watched twice. */
void watch_key(struct session *s, struct key key);
/* Nothing is watched any more, and watch_failed is unset. */
void watch_forget_all(struct session *s);
/* True when EXEC has to fail: a key was changed, or has expired by now. */
bool watch_has_failed(const struct session *s);

/* A key was changed, or has gone (then it does not exist). */
void watch_touched(struct db *db, struct key key, bool exists);
/* Before a database is emptied: its keys that exist are changed. With `other` the two are swapped:
 * watched keys of `db` are changed that exist in either. */
void watch_touched_all(struct db *db, struct db *other);

uint64_t watch_session_count(void); /* sessions that watch keys */
uint64_t watch_key_count(void);     /* pairs of session and key */

#endif
